//! Deployments: what is put to work, read from what the deploying tool was given.
//!
//! | kind | file |
//! | --- | --- |
//! | `k8s-manifest` | YAML or JSON, several documents: the containers of Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob and Pod |
//! | `helm` | `helm template`, `helm get manifest`; or `helm status -o json`, which holds the manifest |
//! | `terraform-show-json` | `terraform show -json`: every `image` of a resource, also within a string of JSON (`container_definitions`) |
//! | `docker-inspect` | `docker inspect` of containers |
//!
//! Every image must be named by its digest.

use std::str::FromStr;

use serde_json::Value;

use super::{Error, Service, called, counted, image, json, text, within};
use crate::canonical::DEPTH_LIMIT;

/// What wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Kubernetes objects.
    Manifest,
    /// What Helm renders.
    Helm,
    /// `terraform show -json`
    Terraform,
    /// `docker inspect`
    Docker,
}

/// Why a word is no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected k8s-manifest, helm, terraform-show-json or docker-inspect")]
pub struct SourceError;

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "k8s-manifest" => Ok(Self::Manifest),
            "helm" => Ok(Self::Helm),
            "terraform-show-json" => Ok(Self::Terraform),
            "docker-inspect" => Ok(Self::Docker),
            _ => Err(SourceError),
        }
    }
}

/// What the file puts to work, each service and digest once.
///
/// # Errors
/// Where it is not what the source writes, names nothing, or names an image by its tag alone.
pub fn read(source: Source, bytes: &[u8]) -> Result<Vec<Service>, Error> {
    let mut plan = Vec::new();
    match source {
        Source::Manifest => objects(text(bytes)?, &mut plan)?,
        Source::Helm => helm(text(bytes)?, &mut plan)?,
        Source::Terraform => terraform(&json(bytes)?, &mut plan)?,
        Source::Docker => docker(&json(bytes)?, &mut plan)?,
    }
    match plan.is_empty() {
        true => Err(Error::Nothing),
        false => Ok(counted(plan)),
    }
}

fn add(
    plan: &mut Vec<Service>,
    name: String,
    reference: &str,
    replicas: Option<u64>,
) -> Result<(), Error> {
    let Some((artifact, digest)) = image(reference) else {
        return Err(Error::NotPinned {
            service: name,
            image: reference.to_owned(),
        });
    };
    plan.push(Service {
        name,
        artifact: Some(artifact),
        digest,
        replicas,
    });
    Ok(())
}

fn objects(text: &str, plan: &mut Vec<Service>) -> Result<(), Error> {
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(text).map_err(|error| Error::Yaml(error.into()))?;
    documents
        .iter()
        .try_for_each(|document| object(document, plan, 0))
}

fn object(object: &Value, plan: &mut Vec<Service>, depth: usize) -> Result<(), Error> {
    let shape = |why| Error::Shape {
        tool: "kubectl",
        why,
    };
    if object.is_null() {
        return Ok(());
    }
    let kind = object["kind"]
        .as_str()
        .ok_or(shape("an object without a kind"))?;
    let spec = &object["spec"];
    let pod = match kind {
        "List" if depth < DEPTH_LIMIT => {
            let items = object["items"]
                .as_array()
                .ok_or(shape("a list without items"))?;
            return items
                .iter()
                .try_for_each(|item| self::object(item, plan, depth + 1));
        }
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => &spec["template"],
        "CronJob" => &spec["jobTemplate"]["spec"]["template"],
        "Pod" => object,
        _ => return Ok(()),
    };
    let name = object["metadata"]["name"]
        .as_str()
        .or(object["metadata"]["generateName"].as_str());
    let name = name.ok_or(shape("an object without a name"))?;
    let service = called(
        &pod["metadata"]["labels"],
        called(&object["metadata"]["labels"], name),
    );
    let containers = pod["spec"]["containers"]
        .as_array()
        .ok_or(shape("a pod without containers"))?;
    for container in containers {
        let own = container["name"]
            .as_str()
            .ok_or(shape("a container without a name"))?;
        let reference = container["image"]
            .as_str()
            .ok_or(shape("a container without an image"))?;
        add(
            plan,
            within(service, own, containers.len()),
            reference,
            spec["replicas"].as_u64(),
        )?;
    }
    Ok(())
}

fn helm(text: &str, plan: &mut Vec<Service>) -> Result<(), Error> {
    if !text.trim_start().starts_with('{') {
        return objects(text, plan);
    }
    let status = json(text.as_bytes())?;
    match status["manifest"].as_str() {
        Some(manifest) => objects(manifest, plan),
        None => Err(Error::Shape {
            tool: "helm status -o json",
            why: "no manifest",
        }),
    }
}

fn terraform(state: &Value, plan: &mut Vec<Service>) -> Result<(), Error> {
    let shape = |why| Error::Shape {
        tool: "terraform show -json",
        why,
    };
    let values = [&state["values"], &state["planned_values"]]
        .into_iter()
        .find(|values| values.is_object());
    let mut modules = vec![&values.ok_or(shape("no values"))?["root_module"]];
    while let Some(module) = modules.pop() {
        modules.extend(module["child_modules"].as_array().into_iter().flatten());
        for resource in module["resources"].as_array().into_iter().flatten() {
            // What is only looked up is not put to work.
            if resource["mode"].as_str() == Some("data") {
                continue;
            }
            let own = resource["name"]
                .as_str()
                .ok_or(shape("a resource without a name"))?;
            let values = &resource["values"];
            let name = [&values["family"], &values["name"]]
                .into_iter()
                .find_map(Value::as_str)
                .unwrap_or(own);
            images(values, name, plan, 0)?;
        }
    }
    Ok(())
}

// Every provider has `image` somewhere else: in blocks, in lists of blocks, in a string of JSON.
fn images(
    value: &Value,
    service: &str,
    plan: &mut Vec<Service>,
    depth: usize,
) -> Result<(), Error> {
    if depth > DEPTH_LIMIT {
        return Ok(());
    }
    match value {
        Value::Array(list) => list
            .iter()
            .try_for_each(|value| images(value, service, plan, depth + 1)),
        Value::Object(map) => map.iter().try_for_each(|(key, inner)| match inner {
            Value::String(reference) if key == "image" => {
                let own = map.get("name").and_then(Value::as_str).unwrap_or(service);
                let name = within(service, own, 2);
                add(plan, name, reference, None)
            }
            Value::String(text) if text.trim_start().starts_with(['[', '{']) => {
                match json(text.as_bytes()) {
                    Ok(inner) => images(&inner, service, plan, depth + 1),
                    Err(_) => Ok(()),
                }
            }
            inner => images(inner, service, plan, depth + 1),
        }),
        _ => Ok(()),
    }
}

fn docker(list: &Value, plan: &mut Vec<Service>) -> Result<(), Error> {
    let shape = |why| Error::Shape {
        tool: "docker inspect",
        why,
    };
    for container in list.as_array().ok_or(shape("no list"))? {
        let name = container["Name"]
            .as_str()
            .ok_or(shape("a container without a name"))?;
        let compose = container["Config"]["Labels"]["com.docker.compose.service"].as_str();
        let reference = container["Config"]["Image"]
            .as_str()
            .ok_or(shape("a container without Config.Image"))?;
        add(
            plan,
            compose.unwrap_or(name.trim_start_matches('/')).to_owned(),
            reference,
            None,
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(name: &str, c: &str) -> String {
        format!("{name}@sha256:{}", c.repeat(64))
    }

    fn said(source: Source, text: &str) -> String {
        let plan = read(source, text.as_bytes())
            .unwrap_or_else(|error| panic!("{}", crate::finding::chain(&error)));
        let lines = plan.iter().map(|one| {
            let digest = one.digest.get("sha256").unwrap_or_default();
            format!("{} {} {:?}", one.name, &digest[..1], one.replicas)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn manifest() -> String {
        format!(
            "# Source: app/templates/api.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  replicas: 3\n  template:\n    metadata: {{labels: {{app.kubernetes.io/name: api}}}}\n    spec:\n      containers:\n      - {{name: api, image: \"{}\"}}\n      - {{name: proxy, image: \"{}\"}}\n---\nkind: Service\nmetadata: {{name: api}}\n---\n---\nkind: CronJob\nmetadata: {{name: tidy}}\nspec: {{jobTemplate: {{spec: {{template: {{spec: {{containers: [{{name: main, image: \"{}\"}}]}}}}}}}}}}\n",
            pinned("ghcr.io/acme/api:1", "a"),
            pinned("proxy", "b"),
            pinned("tidy", "c")
        )
    }

    #[test]
    fn manifests_of_kubernetes_and_helm() {
        let expected = "api a Some(3)\napi/proxy b Some(3)\ntidy c None";
        assert_eq!(said(Source::Manifest, &manifest()), expected);
        assert_eq!(said(Source::Helm, &manifest()), expected);
        let status = serde_json::json!({"name": "app", "manifest": manifest()}).to_string();
        assert_eq!(said(Source::Helm, &status), expected);
        let list = format!(
            r#"{{"kind":"List","items":[{{"kind":"Pod","metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"m","image":"{}"}}]}}}}]}}"#,
            pinned("x", "d")
        );
        assert_eq!(said(Source::Manifest, &list), "p d None", "JSON is YAML");
    }

    #[test]
    fn states_of_terraform() {
        let definitions =
            serde_json::json!([{"name": "web", "image": pinned("web", "a")}]).to_string();
        let state = serde_json::json!({"format_version": "1.0", "values": {"root_module": {
            "resources": [
                {"mode": "managed", "name": "task", "values": {"family": "shop", "container_definitions": definitions}},
                {"mode": "data", "name": "looked_up", "values": {"image": "x:latest"}},
            ],
            "child_modules": [{"resources": [{"name": "run", "values": {"name": "api", "template": [{"containers": [{"image": pinned("api", "b")}]}]}}]}],
        }}});
        assert_eq!(
            said(Source::Terraform, &state.to_string()),
            "api b None\nshop/web a None"
        );
    }

    #[test]
    fn containers_of_docker() {
        let list = serde_json::json!([{"Name": "/web", "Config": {"Image": pinned("web", "a"), "Labels": {}}}]);
        assert_eq!(said(Source::Docker, &list.to_string()), "web a None");
    }

    #[test]
    fn what_is_not_pinned_or_not_theirs_is_refused() {
        let tagged = manifest().replacen(&pinned("proxy", "b"), "proxy:2", 1);
        for (source, text, reason) in [
            (
                Source::Manifest,
                tagged.as_str(),
                "api/proxy runs \"proxy:2\", which is not named by its digest",
            ),
            (
                Source::Manifest,
                "kind: Service\nmetadata: {name: x}\n",
                "nothing is named in it",
            ),
            (Source::Manifest, "a: [", "it is no YAML"),
            (Source::Manifest, "a: 1", "an object without a kind"),
            (
                Source::Manifest,
                "kind: Deployment\nmetadata: {name: x}\n",
                "a pod without containers",
            ),
            (Source::Helm, "{\"name\":\"x\"}", "no manifest"),
            (Source::Terraform, "{}", "no values"),
            (Source::Docker, "{}", "no list"),
            (Source::Docker, "[]", "nothing is named in it"),
        ] {
            let error = read(source, text.as_bytes()).expect_err(text);
            let said = crate::finding::chain(&error);
            assert!(said.contains(reason), "{text}: {said}");
        }
    }

    #[test]
    fn bombs_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let refs = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
        }
        assert!(read(Source::Manifest, bomb.as_bytes()).is_err());
        assert!(read(Source::Manifest, "[".repeat(100_000).as_bytes()).is_err());
        assert!(read(Source::Manifest, "- ".repeat(100_000).as_bytes()).is_err());
    }
}
