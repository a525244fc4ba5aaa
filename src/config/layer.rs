//! One layer of values: what the environment or the flags say, typed as the schema asks.

use std::collections::HashMap;

use config::{ConfigError, Map, Source, Value, ValueKind};
use serde_json::Value as Json;

use super::error::{Origin, Problem};
use super::schema::{Key, types, unwrap, variable};

/// The prefix of every environment variable that is read.
pub(super) const PREFIX: &str = "RUNBUS_";

/// Values by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    values: Map<String, Value>,
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }
    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.values.clone())
    }
}

/// The layer of the environment. An empty variable counts as not set.
///
/// A name with `__` is a key, and must be a known one. A name without `__` is not a key: tools use such names, and
/// Kubernetes sets them for a Service whose name begins with `runbus` (`RUNBUS_SERVICE_HOST`). It is refused only if one
/// `_` in place of `__` makes it a key, because that is a spelling mistake.
pub(super) fn environment(
    keys: &[Key<'_>],
    variables: impl Iterator<Item = (String, String)>,
    origins: &mut HashMap<String, Origin>,
    problems: &mut Vec<Problem>,
) -> Layer {
    let by_name: HashMap<String, &Key<'_>> = keys.iter().map(|key| (variable(&key.path), key)).collect();
    let mut layer = Layer::default();
    for (name, text) in variables.filter(|(name, _)| name.starts_with(PREFIX)) {
        if text.is_empty() {
            continue;
        }
        let origin = Origin::Environment(name.clone());
        let Some(key) = by_name.get(&name) else {
            if let Some(expected) = misspelt(&by_name, &name) {
                problems.push(Problem { key: name, value: None, expected, origin });
            }
            continue;
        };
        layer.values.insert(key.path.clone(), Value::new(Some(&name), read(key.schema, &text)));
        origins.insert(key.path.clone(), origin);
    }
    layer
}

/// The reason to refuse a variable that is not a key; `None` if it belongs to other programs.
fn misspelt(by_name: &HashMap<String, &Key<'_>>, name: &str) -> Option<String> {
    let single = |key: &&String| key.replace("__", "_") == name;
    if let Some(key) = by_name.keys().find(single) {
        return Some(format!("unknown variable; write {key}, with two underscores"));
    }
    name.contains("__").then(|| "unknown variable; keys are written RUNBUS_<SECTION>__<KEY>".into())
}

/// The layer of the `--set` flags; the last one of a key wins.
pub(super) fn flags(
    keys: &[Key<'_>],
    sets: &[(String, String)],
    origins: &mut HashMap<String, Origin>,
    problems: &mut Vec<Problem>,
) -> Layer {
    let mut layer = Layer::default();
    for (path, text) in sets {
        let Some(key) = keys.iter().find(|key| key.path == *path) else {
            let expected = format!("unknown key; known here: {}", siblings(keys, path));
            problems.push(Problem { key: path.clone(), value: None, expected, origin: Origin::Flag });
            continue;
        };
        layer.values.insert(path.clone(), Value::new(Some(&"--set".into()), read(key.schema, text)));
        origins.insert(path.clone(), Origin::Flag);
    }
    layer
}

fn siblings(keys: &[Key<'_>], path: &str) -> String {
    let section = path.rsplit_once('.').map_or("", |(section, _)| section);
    let near: Vec<&str> = keys
        .iter()
        .map(|key| key.path.as_str())
        .filter(|path| path.rsplit_once('.').map_or("", |(section, _)| section) == section)
        .collect();
    if !near.is_empty() {
        return near.join(", ");
    }
    let mut sections: Vec<&str> = keys.iter().filter_map(|key| key.path.split('.').next()).collect();
    sections.dedup();
    sections.join(", ")
}

/// A text as the type that the schema asks for; what does not parse stays a text and is refused later, by its value.
fn read(schema: &Json, text: &str) -> ValueKind {
    let (schema, _) = unwrap(schema);
    let types = types(schema);
    let kind = match types.first().copied() {
        Some("boolean") => text.parse().ok().map(ValueKind::Boolean),
        Some("integer") => {
            let signed = text.parse().ok().map(ValueKind::I64);
            signed.or_else(|| text.parse().ok().map(ValueKind::U64))
        }
        Some("number") => text.parse().ok().filter(|number: &f64| number.is_finite()).map(ValueKind::Float),
        Some("array") => Some(list(schema, text)),
        Some("object") => crate::json::from_str(text).ok().map(|json| from_json(&json)),
        _ => None,
    };
    kind.unwrap_or_else(|| ValueKind::String(text.into()))
}

/// A list: JSON when it starts with `[`, else separated by commas.
fn list(schema: &Json, text: &str) -> ValueKind {
    if text.trim_start().starts_with('[')
        && let Ok(json) = crate::json::from_str(text)
    {
        return from_json(&json);
    }
    let of = schema.get("items").unwrap_or(&Json::Null);
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    ValueKind::Array(items.map(|item| Value::new(None, read(of, item))).collect())
}

fn from_json(json: &Json) -> ValueKind {
    match json {
        Json::Null => ValueKind::Nil,
        Json::Bool(yes) => ValueKind::Boolean(*yes),
        Json::Number(number) => number
            .as_i64()
            .map(ValueKind::I64)
            .or_else(|| number.as_u64().map(ValueKind::U64))
            .or_else(|| number.as_f64().map(ValueKind::Float))
            .unwrap_or(ValueKind::Nil),
        Json::String(text) => ValueKind::String(text.clone()),
        Json::Array(items) => {
            ValueKind::Array(items.iter().map(|item| Value::new(None, from_json(item))).collect())
        }
        Json::Object(fields) => ValueKind::Table(
            fields.iter().map(|(name, field)| (name.clone(), Value::new(None, from_json(field)))).collect(),
        ),
    }
}
