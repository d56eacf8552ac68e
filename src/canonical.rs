//! RFC 8785 (JSON Canonicalization Scheme), and a reader of JSON that admits one reading only.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;

/// The deepest nesting that [`parse_strict`] follows.
pub const DEPTH_LIMIT: usize = 64;

/// Why JSON could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not JSON, a key twice in one object, or nested too deep; the message has line and column.
    #[error("not JSON with one reading")]
    Parse(#[source] serde_json::Error),
    /// A number that RFC 8785 cannot express.
    #[error("not expressible in RFC 8785")]
    Write(#[source] serde_json::Error),
    /// A number that OLPC canonical JSON cannot express.
    #[error("not expressible in OLPC canonical JSON")]
    Olpc(#[source] serde_json::Error),
}

/// The canonical bytes of `value` (RFC 8785): keys sorted by UTF-16 code units, ECMAScript numbers, no
/// white space.
///
/// # Errors
/// For numbers without a canonical form.
pub fn to_vec(value: &Value) -> Result<Vec<u8>, Error> {
    serde_json_canonicalizer::to_vec(value).map_err(Error::Write)
}

/// The canonical form in which classic in-toto and TUF sign JSON (OLPC): keys sorted by code points, no white space,
/// only `"` and `\\` escaped, integers alone.
///
/// # Errors
/// For a number that is no integer of 64 bits.
pub fn to_olpc(value: &Value) -> Result<Vec<u8>, Error> {
    let mut text = String::new();
    write_olpc(value, &mut text)?;
    Ok(text.into_bytes())
}

// What was parsed strictly nests no deeper than the limit, and so does this.
fn write_olpc(value: &Value, out: &mut String) -> Result<(), Error> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            out.push_str(&number.to_string());
        }
        Value::Number(number) => {
            let why = format!("{number} is no integer of 64 bits");
            return Err(Error::Olpc(<serde_json::Error as de::Error>::custom(why)));
        }
        Value::String(text) => write_olpc_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_olpc(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, member)) in members.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_olpc_text(key, out);
                out.push(':');
                write_olpc(member, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_olpc_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

/// Reads JSON in which no object has a key twice and nothing nests deeper than [`DEPTH_LIMIT`].
///
/// # Errors
/// Line and column stand in the source's message.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, Error> {
    check_strict(bytes)?;
    serde_json::from_slice(bytes).map_err(Error::Parse)
}

/// Checks what [`parse_strict`] checks, and keeps nothing: whatever serde reads from these bytes after that,
/// it reads in the only way.
///
/// # Errors
/// As there.
pub fn check_strict(bytes: &[u8]) -> Result<(), Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(Error::Parse)
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_LIMIT {
            return Err(E::custom(format_args!("nested deeper than {DEPTH_LIMIT}")));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while items.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut seen = Keys::default();
        while let Some(Key(key)) = members.next_key()? {
            members.next_value_seed(inner)?;
            if let Some(key) = seen.insert(key) {
                return Err(de::Error::custom(format_args!(
                    "the key {key:?} stands twice"
                )));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// The keys of one object: few as a rule, and any number of them in a hostile one.
#[derive(Default)]
struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    many: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    /// Hands the key back if it was there already.
    fn insert(&mut self, key: Cow<'a, str>) -> Option<Cow<'a, str>> {
        const FEW: usize = 16;
        if self.few.contains(&key) || self.many.contains(&key) {
            return Some(key);
        }
        if self.few.len() < FEW {
            self.few.push(key);
        } else {
            self.many.insert(key);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_twice_is_refused_at_any_depth() {
        for bad in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"\u0061":2}}]"#] {
            let error = parse_strict(bad.as_bytes()).unwrap_err();
            let Error::Parse(source) = error else {
                panic!("{error}")
            };
            assert!(
                source.to_string().contains("stands twice at line 1"),
                "{source}"
            );
        }
        assert!(parse_strict(b"{} {}").is_err());
        assert!(parse_strict(b"").is_err());
    }

    #[test]
    fn a_key_twice_is_found_among_many() {
        let members: Vec<String> = (0..40).map(|n| format!(r#""k{n}":{n}"#)).collect();
        assert!(parse_strict(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
        for twice in [0, 15, 16, 39] {
            let text = format!("{{{},{}}}", members.join(","), members[twice]);
            assert!(parse_strict(text.as_bytes()).is_err(), "{twice}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse_strict(nested(DEPTH_LIMIT).as_bytes()).is_ok());
        assert!(parse_strict(nested(DEPTH_LIMIT + 1).as_bytes()).is_err());
        assert!(parse_strict("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn keys_sort_by_utf16() {
        let value = parse_strict("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"a\":1e3}".as_bytes()).unwrap();
        let bytes = to_vec(&value).unwrap();
        assert_eq!(
            bytes,
            "{\"a\":1000,\"\u{1f600}\":2,\"\u{fb33}\":1}".as_bytes()
        );
    }
}
