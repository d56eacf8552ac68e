//! An image index: which platforms' manifests it holds (OCI image specification §image-index, Docker's manifest list).

use crate::digest::Sha256;
use crate::statement::DigestSet;
use crate::statement::predicate::Child;

use super::{Error, digest_of, json};

/// The digest of an index, which is that of its bytes, and what it contains. Attestations that stand in it for a platform
/// (`unknown/unknown`) are no images, and left out.
///
/// # Errors
/// Where it is no index, or holds no image.
pub fn read(bytes: &[u8]) -> Result<(DigestSet, Vec<Child>), Error> {
    let shape = |why| Error::Shape {
        tool: "docker buildx imagetools inspect --raw",
        why,
    };
    let index = json(bytes)?;
    let manifests = index["manifests"].as_array().ok_or(shape("no manifests"))?;
    let mut children = Vec::new();
    for manifest in manifests {
        let digest = manifest["digest"].as_str().and_then(digest_of);
        let digest = digest.ok_or(shape("a manifest without a SHA-256 digest"))?;
        let platform = &manifest["platform"];
        let part = |name: &str| platform[name].as_str().filter(|part| *part != "unknown");
        if platform.is_object() && part("os").is_none() {
            continue;
        }
        let parts = [part("os"), part("architecture"), part("variant")];
        let platform: Vec<&str> = parts.into_iter().flatten().collect();
        children.push(Child {
            name: None,
            digest,
            platform: (!platform.is_empty()).then(|| platform.join("/")),
        });
    }
    match children.is_empty() {
        true => Err(Error::Nothing),
        false => Ok((DigestSet::sha256(&Sha256::of(bytes)), children)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_without_attestations() {
        let digest = |c: &str| format!("sha256:{}", c.repeat(64));
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"digest":"{}","platform":{{"os":"linux","architecture":"arm64","variant":"v8"}}}},{{"digest":"{}","platform":{{"os":"unknown","architecture":"unknown"}}}},{{"digest":"{}"}}]}}"#,
            digest("a"),
            digest("b"),
            digest("c")
        );
        let (parent, children) = read(text.as_bytes()).expect("an index");
        assert!(parent.matches(&DigestSet::sha256(&Sha256::of(text.as_bytes()))));
        let platforms: Vec<_> = children
            .iter()
            .map(|child| child.platform.as_deref())
            .collect();
        assert_eq!(platforms, [Some("linux/arm64/v8"), None]);
        for bad in [
            "{}",
            r#"{"manifests":[]}"#,
            r#"{"manifests":[{"digest":"x"}]}"#,
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
