//! Inventories: what was seen running.
//!
//! | kind | file |
//! | --- | --- |
//! | `kubectl-pods` | `kubectl get pods -A -o json`: containers that run, by `imageID` |
//! | `ecs-tasks` | `aws ecs describe-tasks`: containers that run, by `imageDigest` |
//! | `docker-ps` | `docker ps --no-trunc --format json`, or `docker inspect` of the containers: by the digest in the image's name |
//! | `csv` | a heading with `service` and `digest`, and `replicas` where known |

use std::str::FromStr;

use serde_json::Value;

use super::{
    Error, Left, Service, called, counted, digest_of, image, json, text, within, without_tag,
};

/// What wrote a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `kubectl get pods -o json`
    KubectlPods,
    /// `aws ecs describe-tasks`
    EcsTasks,
    /// `docker ps --format json`
    DockerPs,
    /// A table.
    Csv,
}

/// Why a word is no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected kubectl-pods, ecs-tasks, docker-ps or csv")]
pub struct SourceError;

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "kubectl-pods" => Ok(Self::KubectlPods),
            "ecs-tasks" => Ok(Self::EcsTasks),
            "docker-ps" => Ok(Self::DockerPs),
            "csv" => Ok(Self::Csv),
            _ => Err(SourceError),
        }
    }
}

impl Source {
    /// The tool that an inventory names.
    pub fn tool(self) -> &'static str {
        match self {
            Self::KubectlPods => "kubectl",
            Self::EcsTasks => "ecs",
            Self::DockerPs => "docker",
            Self::Csv => "csv",
        }
    }
}

/// What was seen, by service and digest, and what was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What ran.
    pub services: Vec<Service>,
    /// What ran too, and has no digest here.
    pub left: Vec<Left>,
}

/// Reads a file.
///
/// # Errors
/// Where it is not what the source writes. A file that says that nothing runs is read.
pub fn read(source: Source, bytes: &[u8]) -> Result<Seen, Error> {
    let mut seen = Seen {
        services: Vec::new(),
        left: Vec::new(),
    };
    match source {
        Source::KubectlPods => pods(&json(bytes)?, &mut seen)?,
        Source::EcsTasks => tasks(&json(bytes)?, &mut seen)?,
        Source::DockerPs => containers(bytes, &mut seen)?,
        Source::Csv => table(text(bytes)?, &mut seen)?,
    }
    seen.services = counted(seen.services);
    seen.left.sort();
    seen.left.dedup();
    Ok(seen)
}

impl Seen {
    fn add(
        &mut self,
        name: String,
        what: Option<(String, crate::statement::DigestSet)>,
        image: &str,
    ) {
        match what {
            Some((artifact, digest)) => self.services.push(Service {
                name,
                artifact: Some(artifact).filter(|artifact| !artifact.is_empty()),
                digest,
                replicas: Some(1),
            }),
            None => self.left.push(Left {
                what: name,
                why: format!("{image:?} names no digest"),
            }),
        }
    }
}

fn pods(list: &Value, seen: &mut Seen) -> Result<(), Error> {
    let shape = |why| Error::Shape {
        tool: "kubectl get pods -o json",
        why,
    };
    let single = std::slice::from_ref(list);
    let pods = match list["kind"].as_str() {
        Some("List" | "PodList") => list["items"].as_array().ok_or(shape("no items"))?,
        Some("Pod") => single,
        _ => return Err(shape("its kind is no List, PodList or Pod")),
    };
    for pod in pods {
        let name = pod["metadata"]["name"]
            .as_str()
            .ok_or(shape("a pod without a name"))?;
        if pod["kind"].as_str().is_some_and(|kind| kind != "Pod") {
            return Err(shape("an item that is no pod"));
        }
        let service = called(&pod["metadata"]["labels"], name);
        let states = pod["status"]["containerStatuses"].as_array();
        let running = states
            .into_iter()
            .flatten()
            .filter(|state| state["state"]["running"].is_object());
        let all = pod["spec"]["containers"].as_array().map_or(1, Vec::len);
        for state in running {
            let container = state["name"]
                .as_str()
                .ok_or(shape("a container without a name"))?;
            let id = state["imageID"].as_str().unwrap_or_default();
            // A bare `sha256:` is the image's configuration on that node, not what a registry gave.
            seen.add(within(service, container, all), image(id), id);
        }
    }
    Ok(())
}

fn tasks(answer: &Value, seen: &mut Seen) -> Result<(), Error> {
    let shape = |why| Error::Shape {
        tool: "aws ecs describe-tasks",
        why,
    };
    let tasks = answer["tasks"].as_array().ok_or(shape("no tasks"))?;
    for failure in answer["failures"].as_array().into_iter().flatten() {
        seen.left.push(Left {
            what: failure["arn"].as_str().unwrap_or("a task").to_owned(),
            why: failure["reason"]
                .as_str()
                .unwrap_or("it could not be described")
                .to_owned(),
        });
    }
    for task in tasks {
        let family = || {
            let arn = task["taskDefinitionArn"].as_str()?;
            arn.rsplit('/').next()?.split(':').next()
        };
        let group = task["group"]
            .as_str()
            .and_then(|group| group.split_once(':'));
        let service = group
            .map(|(_, name)| name)
            .or_else(family)
            .ok_or(shape("a task without a group"))?;
        let containers = task["containers"]
            .as_array()
            .ok_or(shape("a task without containers"))?;
        for container in containers {
            if container["lastStatus"].as_str() != Some("RUNNING") {
                continue;
            }
            let name = container["name"]
                .as_str()
                .ok_or(shape("a container without a name"))?;
            let reference = container["image"].as_str().unwrap_or_default();
            let digest = container["imageDigest"].as_str().and_then(digest_of);
            let plain = without_tag(reference.split('@').next().unwrap_or_default());
            let found = digest
                .map(|digest| (plain.to_owned(), digest))
                .or_else(|| image(reference));
            seen.add(within(service, name, containers.len()), found, reference);
        }
    }
    Ok(())
}

fn containers(bytes: &[u8], seen: &mut Seen) -> Result<(), Error> {
    let shape = |why| Error::Shape {
        tool: "docker ps --format json",
        why,
    };
    let source = text(bytes)?;
    let values: Vec<Value> = match source.trim_start().starts_with('[') {
        true => match json(bytes)? {
            Value::Array(list) => list,
            _ => return Err(shape("no list")),
        },
        false => {
            let lines = source
                .lines()
                .enumerate()
                .filter(|(_, line)| !line.trim().is_empty());
            let parsed = lines.map(|(at, line)| {
                crate::canonical::parse_strict(line.as_bytes()).map_err(|error| Error::Line {
                    line: at as u64 + 1,
                    why: crate::finding::chain(&error),
                })
            });
            parsed.collect::<Result<_, _>>()?
        }
    };
    for value in &values {
        // `docker inspect` has objects where `docker ps` has words.
        let labels = &value["Config"]["Labels"];
        let running = match value["State"]["Running"].as_bool() {
            Some(running) => running,
            None => value["State"]
                .as_str()
                .is_none_or(|state| state == "running"),
        };
        if !running {
            continue;
        }
        let name = value["Name"].as_str().or(value["Names"].as_str());
        let name = name
            .ok_or(shape("a container without a name"))?
            .trim_start_matches('/');
        let compose = labels["com.docker.compose.service"].as_str();
        let listed = value["Labels"].as_str().unwrap_or_default();
        let listed = listed
            .split(',')
            .find_map(|label| label.strip_prefix("com.docker.compose.service="));
        let service = compose.or(listed).unwrap_or(name);
        let reference = value["Config"]["Image"]
            .as_str()
            .or(value["Image"].as_str());
        let reference = reference.ok_or(shape("a container without an image"))?;
        seen.add(service.to_owned(), image(reference), reference);
    }
    Ok(())
}

fn table(text: &str, seen: &mut Seen) -> Result<(), Error> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let heading = reader.headers()?.clone();
    let column = |name: &'static str| {
        heading
            .iter()
            .position(|field| field.eq_ignore_ascii_case(name))
    };
    let wanted = |name| column(name).ok_or(Error::Column { column: name });
    let (service, digest, replicas) = (wanted("service")?, wanted("digest")?, column("replicas"));
    for row in reader.records() {
        let row = row?;
        let line = row.position().map_or(0, csv::Position::line);
        let fault = |why: String| Error::Line { line, why };
        let field = |at: usize| row.get(at).unwrap_or_default();
        let word = field(digest);
        let found = digest_of(word)
            .map(|digest| (String::new(), digest))
            .or_else(|| image(word));
        let (artifact, digest) =
            found.ok_or_else(|| fault(format!("{word:?} is no digest such as sha256:…")))?;
        if field(service).is_empty() {
            return Err(fault("no service is named".into()));
        }
        let count = replicas.map(field).filter(|count| !count.is_empty());
        let count = count.map(|count| {
            count
                .parse()
                .map_err(|_| fault(format!("{count:?} is no number of replicas")))
        });
        seen.services.push(Service {
            name: field(service).to_owned(),
            artifact: Some(artifact).filter(|artifact| !artifact.is_empty()),
            digest,
            replicas: count.transpose()?,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(c: char) -> String {
        c.to_string().repeat(64)
    }

    fn said(source: Source, text: &str) -> String {
        let seen = read(source, text.as_bytes())
            .unwrap_or_else(|error| panic!("{}", crate::finding::chain(&error)));
        let services = seen.services.iter().map(|one| {
            let digest = one.digest.get("sha256").unwrap_or_default();
            format!(
                "{} {} {:?} {}",
                one.name,
                &digest[..1],
                one.replicas,
                one.artifact.as_deref().unwrap_or("-")
            )
        });
        let left = seen
            .left
            .iter()
            .map(|left| format!("left {}: {}", left.what, left.why));
        services.chain(left).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn pods_by_what_their_containers_run() {
        let pod = |name: &str, labels: &str, containers: &[(&str, &str, &str)]| {
            let names: Vec<String> = containers
                .iter()
                .map(|(name, ..)| format!("{{\"name\":\"{name}\"}}"))
                .collect();
            let states: Vec<String> = containers
                .iter()
                .map(|(name, id, state)| format!("{{\"name\":\"{name}\",\"imageID\":\"{id}\",\"state\":{{\"{state}\":{{}}}}}}"))
                .collect();
            format!(
                "{{\"kind\":\"Pod\",\"metadata\":{{\"name\":\"{name}\",\"labels\":{labels}}},\"spec\":{{\"containers\":[{}]}},\"status\":{{\"containerStatuses\":[{}]}}}}",
                names.join(","),
                states.join(",")
            )
        };
        let (a, b) = (
            format!("ghcr.io/acme/api@sha256:{}", hex('a')),
            format!("docker-pullable://proxy:2@sha256:{}", hex('b')),
        );
        let pods = [
            pod(
                "api-1",
                r#"{"app":"api"}"#,
                &[("api", &a, "running"), ("proxy", &b, "running")],
            ),
            pod(
                "api-2",
                r#"{"app":"api"}"#,
                &[("api", &a, "running"), ("proxy", &b, "waiting")],
            ),
            pod(
                "job-x",
                "{}",
                &[("main", &format!("sha256:{}", hex('c')), "running")],
            ),
            pod("done", "{}", &[("main", &a, "terminated")]),
        ];
        let list = format!("{{\"kind\":\"List\",\"items\":[{}]}}", pods.join(","));
        assert_eq!(
            said(Source::KubectlPods, &list),
            format!(
                "api a Some(2) ghcr.io/acme/api\napi/proxy b Some(1) proxy\nleft job-x: \"sha256:{}\" names no digest",
                hex('c')
            )
        );
        assert_eq!(
            said(Source::KubectlPods, r#"{"kind":"List","items":[]}"#),
            "",
            "nothing runs"
        );
    }

    #[test]
    fn tasks_of_ecs() {
        let tasks = format!(
            r#"{{"tasks":[{{"group":"service:api","containers":[{{"name":"api","image":"1.dkr.ecr/api:7","imageDigest":"sha256:{0}","lastStatus":"RUNNING"}},{{"name":"old","lastStatus":"STOPPED"}}]}},{{"taskDefinitionArn":"arn:aws:ecs:eu:1:task-definition/batch:3","containers":[{{"name":"batch","image":"batch:latest","lastStatus":"RUNNING"}}]}}],"failures":[{{"arn":"arn:x","reason":"MISSING"}}]}}"#,
            hex('a')
        );
        assert_eq!(
            said(Source::EcsTasks, &tasks),
            "api a Some(1) 1.dkr.ecr/api\nleft arn:x: MISSING\nleft batch: \"batch:latest\" names no digest"
        );
    }

    #[test]
    fn docker_by_lines_or_by_inspection() {
        let a = format!("api@sha256:{}", hex('a'));
        let lines = format!(
            "{{\"Names\":\"web-1\",\"Image\":\"{a}\",\"State\":\"running\",\"Labels\":\"x=y,com.docker.compose.service=web\"}}\n\n{{\"Names\":\"db\",\"Image\":\"postgres:17\",\"State\":\"running\"}}\n{{\"Names\":\"old\",\"Image\":\"{a}\",\"State\":\"exited\"}}\n"
        );
        assert_eq!(
            said(Source::DockerPs, &lines),
            "web a Some(1) api\nleft db: \"postgres:17\" names no digest"
        );
        let inspected = format!(
            "[{{\"Name\":\"/web-1\",\"State\":{{\"Running\":true}},\"Config\":{{\"Image\":\"{a}\",\"Labels\":{{}}}},\"Image\":\"sha256:{}\"}}]",
            hex('f')
        );
        assert_eq!(said(Source::DockerPs, &inspected), "web-1 a Some(1) api");
    }

    #[test]
    fn tables() {
        let table = format!(
            "\u{feff}Service, digest ,replicas\napi,sha256:{0},3\napi,sha256:{0},2\n\"a \"\"b\"\"\",h/x@sha256:{1},\n",
            hex('a'),
            hex('b')
        );
        assert_eq!(
            said(Source::Csv, &table),
            "a \"b\" b None h/x\napi a Some(5) -"
        );
    }

    #[test]
    fn other_files_are_refused_with_their_reason() {
        for (source, text, reason) in [
            (Source::KubectlPods, "{}", "its kind is no List"),
            (
                Source::KubectlPods,
                r#"{"kind":"List","items":[{"kind":"Node","metadata":{"name":"n"}}]}"#,
                "an item that is no pod",
            ),
            (Source::KubectlPods, "[", "it is no JSON"),
            (
                Source::KubectlPods,
                r#"{"kind":"List","kind":"Pod"}"#,
                "it is no JSON",
            ),
            (Source::EcsTasks, r#"{"taskArns":[]}"#, "no tasks"),
            (Source::DockerPs, "CONTAINER ID   IMAGE", "line 1: "),
            (
                Source::DockerPs,
                "{\"Image\":\"x\"}",
                "a container without a name",
            ),
            (Source::Csv, "service,image\na,b\n", "no column digest"),
            (
                Source::Csv,
                "service,digest\napi,latest\n",
                "line 2: \"latest\" is no digest",
            ),
            (Source::Csv, "service,digest\na,b,c\n", "it is no CSV"),
        ] {
            let error = read(source, text.as_bytes()).expect_err(text);
            let said = crate::finding::chain(&error);
            assert!(said.contains(reason), "{text}: {said}");
        }
        assert!(read(Source::Csv, b"service,digest\n\xff,\xff\n").is_err());
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(read(Source::KubectlPods, deep.as_bytes()).is_err());
    }
}
