//! RFC 8785 (JSON Canonicalization Scheme), and a reader of JSON that admits one reading only.

use std::fmt;

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

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
}

/// The canonical bytes of `value` (RFC 8785): keys sorted by UTF-16 code units, ECMAScript numbers, no
/// white space.
///
/// # Errors
/// For numbers without a canonical form.
pub fn to_vec(value: &Value) -> Result<Vec<u8>, Error> {
    serde_json_canonicalizer::to_vec(value).map_err(Error::Write)
}

/// Reads JSON in which no object has a key twice and nothing nests deeper than [`DEPTH_LIMIT`].
///
/// # Errors
/// Line and column stand in the source's message.
pub fn parse_strict(bytes: &[u8]) -> Result<Value, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(Error::Parse)?;
    deserializer.end().map_err(Error::Parse)?;
    Ok(value)
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
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<Key>()? {
            let value = members.next_value_seed(inner)?;
            if object.contains_key(&key.0) {
                return Err(de::Error::custom(format_args!(
                    "the key {:?} stands twice",
                    key.0
                )));
            }
            object.insert(key.0, value);
        }
        Ok(Value::Object(object))
    }
}

#[derive(Deserialize)]
struct Key(String);

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
