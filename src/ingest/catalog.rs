//! OSCAL catalogs (NIST, JSON): the official titles and statements of controls, which no pack may carry.
//!
//! <https://pages.nist.gov/OSCAL/learn/concepts/layer/control/catalog/>. Read are groups and controls, nested as they are
//! written, and of a control its title and its parts called `statement` with what stands in them; a place for a parameter shows its
//! label. An id that stands there twice is refused: nobody could say which text is meant.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::Sha256;
use crate::judge::pack::{Official, Pack};

/// No catalog is larger: 64 MiB. (NIST SP 800-53 has 10.)
pub const MAX_BYTES: usize = 64 << 20;

/// As many characters of one control's text are taken.
const MAX_TEXT: usize = 8_000;

/// Official texts by control id.
#[derive(Clone, Debug)]
pub struct Catalog {
    controls: BTreeMap<String, Official>,
}

/// Why a file is no catalog.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Larger than [`MAX_BYTES`].
    #[error("a catalog of more than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not a catalog's JSON.
    #[error("no OSCAL catalog in JSON")]
    Form(#[from] serde_json::Error),
    /// Nothing in it.
    #[error("the catalog has no control")]
    Empty,
    /// An id twice.
    #[error("the catalog has two controls {id:?}")]
    Twice {
        /// The id.
        id: String,
    },
}

#[derive(Deserialize)]
struct Document {
    catalog: Body,
}

#[derive(Deserialize)]
struct Body {
    metadata: Metadata,
    #[serde(flatten)]
    group: Group,
}

#[derive(Deserialize)]
struct Metadata {
    title: String,
    version: String,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    controls: Vec<Control>,
}

#[derive(Deserialize)]
struct Control {
    id: String,
    title: String,
    #[serde(default)]
    params: Vec<Param>,
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    controls: Vec<Control>,
}

#[derive(Deserialize)]
struct Param {
    id: String,
    #[serde(default)]
    label: Option<String>,
}

#[derive(Deserialize)]
struct Part {
    name: String,
    #[serde(default)]
    props: Vec<Prop>,
    #[serde(default)]
    prose: Option<String>,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Prop {
    name: String,
    value: String,
}

impl Catalog {
    /// Reads a catalog.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let Document { catalog } = serde_json::from_slice(bytes)?;
        let digest = Sha256::of(bytes);
        let source = format!(
            "{} {}, sha256:{digest}",
            catalog.metadata.title, catalog.metadata.version
        );
        let mut read = Self {
            controls: BTreeMap::new(),
        };
        read.group(&catalog.group, &source)?;
        match read.controls.is_empty() {
            true => Err(Error::Empty),
            false => Ok(read),
        }
    }

    /// The official text of a control.
    pub fn get(&self, id: &str) -> Option<&Official> {
        self.controls.get(id)
    }

    /// Gives a pack's controls their official texts, by id; how many there were.
    pub fn name(&self, pack: &mut Pack) -> usize {
        let mut named = 0;
        for control in &mut pack.controls {
            if let Some(official) = self.get(&control.id) {
                control.official = Some(official.clone());
                named += 1;
            }
        }
        named
    }

    // As deep as the reader of JSON goes, and no deeper.
    fn group(&mut self, group: &Group, source: &str) -> Result<(), Error> {
        for inner in &group.groups {
            self.group(inner, source)?;
        }
        self.controls(&group.controls, &[], source)
    }

    fn controls(
        &mut self,
        controls: &[Control],
        around: &[&Param],
        source: &str,
    ) -> Result<(), Error> {
        for control in controls {
            let params: Vec<&Param> = control
                .params
                .iter()
                .chain(around.iter().copied())
                .collect();
            let mut text = String::new();
            for part in control.parts.iter().filter(|part| part.name == "statement") {
                prose(part, &params, &mut text);
            }
            if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
                text.truncate(end);
                text.push('…');
            }
            let official = Official {
                title: control.title.clone(),
                text: text.trim_end().to_owned(),
                source: source.to_owned(),
            };
            if self.controls.insert(control.id.clone(), official).is_some() {
                return Err(Error::Twice {
                    id: control.id.clone(),
                });
            }
            self.controls(&control.controls, &params, source)?;
        }
        Ok(())
    }
}

fn prose(part: &Part, params: &[&Param], text: &mut String) {
    if let Some(prose) = &part.prose {
        let label = part.props.iter().find(|prop| prop.name == "label");
        if let Some(label) = label {
            text.push_str(&label.value);
            text.push(' ');
        }
        text.push_str(&filled(prose, params));
        text.push('\n');
    }
    for inner in &part.parts {
        prose(inner, params, text);
    }
}

/// `{{ insert: param, ID }}` becomes the parameter's label in brackets.
fn filled(prose: &str, params: &[&Param]) -> String {
    let mut out = String::new();
    let mut rest = prose;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((inside, tail)) = after.split_once("}}") else {
            break;
        };
        let id = inside.rsplit(',').next().unwrap_or_default().trim();
        let param = params.iter().find(|param| param.id == id);
        let label = param.and_then(|param| param.label.as_deref()).unwrap_or(id);
        out.push_str(&format!("{before}[{label}]"));
        rest = tail;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"catalog": {"uuid": "x", "metadata": {"title": "T", "version": "5"}, "groups": [{"id": "cm",
        "title": "g", "controls": [{"id": "cm-3", "title": "Change control", "params": [{"id": "p", "label": "period"}],
        "parts": [{"name": "statement", "prose": "Do:", "parts": [{"name": "item", "props": [{"name": "label", "value": "a."}],
        "prose": "keep records for {{ insert: param, p }}; and {{ odd"}]}, {"name": "guidance", "prose": "not this"}],
        "controls": [{"id": "cm-3.2", "title": "Testing"}]}]}]}}"#;

    #[test]
    fn statements_are_read_with_their_labels_and_parameters() {
        let catalog = Catalog::parse(SMALL.as_bytes()).unwrap();
        let control = catalog.get("cm-3").unwrap();
        assert_eq!(control.title, "Change control");
        assert_eq!(
            control.text,
            "Do:\na. keep records for [period]; and {{ odd"
        );
        assert!(control.source.starts_with("T 5, sha256:"));
        assert_eq!(catalog.get("cm-3.2").unwrap().text, "");
        assert!(catalog.get("cm-4").is_none());
    }

    #[test]
    fn what_is_no_catalog_is_refused() {
        let twice = SMALL.replace("cm-3.2", "cm-3");
        assert!(matches!(
            Catalog::parse(twice.as_bytes()),
            Err(Error::Twice { .. })
        ));
        let deep = format!(
            r#"{{"catalog": {{"metadata": {{"title": "T", "version": "5"}}, "groups": {}{} }}}}"#,
            r#"[{"groups":"#.repeat(500),
            "}]".repeat(500)
        );
        for bad in [
            "",
            "{}",
            r#"{"catalog": {"metadata": {"title": "T", "version": "5"}}}"#,
            &deep,
        ] {
            assert!(Catalog::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
