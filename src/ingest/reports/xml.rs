//! XML within bounds: elements and attributes as a stream; no entity but the five of XML 1.0 §4.6 and characters, no
//! internal DTD, nothing fetched.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Error;

/// Nothing nests deeper.
const DEPTH: usize = 64;
/// As many elements as are read.
const MOST: usize = 4_000_000;

/// What a walk meets.
pub(super) enum Met<'a> {
    /// An element begins.
    Start(&'a Element),
    /// One ends.
    End(&'a str),
}

/// An element's name and attributes; namespaces' prefixes are left away.
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// An attribute that is a count, if it is there.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim().parse().ok()
    }
}

/// The name of the outermost element.
pub(super) fn root(text: &str) -> Result<String, Error> {
    let mut name = None;
    let mut reader = Reader::from_str(text);
    while name.is_none() {
        match event(&mut reader)? {
            Event::Start(start) | Event::Empty(start) => {
                name = Some(element(&reader, &start)?.name)
            }
            Event::Eof => break,
            _ => {}
        }
    }
    name.ok_or_else(|| fault(&reader, "there is no element"))
}

/// Walks the whole document.
pub(super) fn walk(
    text: &str,
    mut meet: impl FnMut(Met<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut reader = Reader::from_str(text);
    let (mut open, mut elements, mut roots) = (Vec::new(), 0_usize, 0_usize);
    loop {
        let event = event(&mut reader)?;
        let is_empty = matches!(event, Event::Empty(_));
        match event {
            Event::Start(start) | Event::Empty(start) => {
                let element = element(&reader, &start)?;
                elements += 1;
                roots += usize::from(open.is_empty());
                if open.len() >= DEPTH || elements > MOST || roots > 1 {
                    return Err(fault(
                        &reader,
                        "it is too deep, too long, or has several outermost elements",
                    ));
                }
                meet(Met::Start(&element))?;
                match is_empty {
                    true => meet(Met::End(&element.name))?,
                    false => open.push(element.name),
                }
            }
            Event::End(_) => {
                let name = open
                    .pop()
                    .ok_or_else(|| fault(&reader, "an element ends that did not begin"))?;
                meet(Met::End(&name))?;
            }
            Event::Eof if open.is_empty() && roots == 1 => return Ok(()),
            Event::Eof => return Err(fault(&reader, "it ends within an element")),
            _ => {}
        }
    }
}

fn event<'a>(reader: &mut Reader<&'a [u8]>) -> Result<Event<'a>, Error> {
    let read = reader.read_event();
    match read.map_err(|error| fault(reader, &error.to_string()))? {
        // An external DTD is named by many a report, and not fetched; one within could declare entities.
        Event::DocType(text) if text.contains('[') => Err(fault(
            reader,
            "it has a document type of its own, which could declare entities",
        )),
        Event::GeneralRef(name) => {
            let known = matches!(&*name, "amp" | "lt" | "gt" | "quot" | "apos");
            match known || name.is_char_ref() {
                true => Ok(Event::GeneralRef(name)),
                false => Err(fault(reader, "it uses an entity that XML does not define")),
            }
        }
        Event::Decl(declaration) => {
            let other = declaration.encoding().and_then(Result::ok);
            let other = other.filter(|name| {
                !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("us-ascii")
            });
            match other {
                Some(_) => Err(fault(reader, "it declares another encoding than UTF-8")),
                None => Ok(Event::Decl(declaration)),
            }
        }
        event => Ok(event),
    }
}

fn element(reader: &Reader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, Error> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| fault(reader, &error.to_string()))?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
        let value = value.map_err(|error| fault(reader, &error.to_string()))?;
        attributes.push((
            attribute.key.local_name().as_ref().to_owned(),
            value.into_owned(),
        ));
    }
    Ok(Element {
        name: start.local_name().as_ref().to_owned(),
        attributes,
    })
}

fn fault(reader: &Reader<&[u8]>, why: &str) -> Error {
    Error::Xml {
        at: reader.buffer_position(),
        why: why.to_owned(),
    }
}
