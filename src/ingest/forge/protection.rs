//! A branch's protection as flat `name=value` texts, whatever its shape: forges add settings every few months, and each is
//! to be kept under the name that the forge gives it.

use serde_json::Value;

/// As many settings as are kept, and the most characters of each.
const MOST: usize = 256;
const LONGEST: usize = 256;

/// Members that say where something is and not what is set.
const NOT_SETTINGS: &[&str] = &[
    "id",
    "node_id",
    "name",
    "url",
    "repository_id",
    "created_at",
    "updated_at",
    "apps",
    "users",
    "teams",
    "user_id",
    "group_id",
    "deploy_key_id",
    "app_id",
];

/// By which of its members an object in a list is called.
const NAMES: &[&str] = &[
    "access_level_description",
    "context",
    "slug",
    "login",
    "name",
];

/// Every setting, sorted.
pub(super) fn settings(value: &Value) -> Vec<String> {
    let mut settings = Vec::new();
    collect(value, "", &mut settings);
    settings.sort();
    settings.dedup();
    settings.truncate(MOST);
    settings
}

fn collect(value: &Value, path: &str, into: &mut Vec<String>) {
    let text = match value {
        Value::Object(members) => {
            for (name, value) in members {
                if NOT_SETTINGS.contains(&name.as_str()) || name.ends_with("_url") {
                    continue;
                }
                let path = match path {
                    "" => name.clone(),
                    path => format!("{path}.{name}"),
                };
                collect(value, &path, into);
            }
            return;
        }
        Value::Array(items) => {
            let mut names: Vec<String> = items.iter().filter_map(name).collect();
            names.sort();
            names.join(",")
        }
        Value::Null => return,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let setting = format!("{path}={text}");
    let plain = setting
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    into.push(plain.take(LONGEST).collect());
}

fn name(item: &Value) -> Option<String> {
    match item {
        Value::Object(members) => NAMES
            .iter()
            .find_map(|name| Some(members.get(*name)?.as_str()?.to_owned())),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A path segment without its percent signs; `None` where it is none.
pub(super) fn decoded(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = after.get(..2)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    String::from_utf8(bytes).ok()
}
