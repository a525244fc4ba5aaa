//! One layer of values: those of the environment or of the flags, typed as the schema asks.

use std::collections::HashMap;

use config::{ConfigError, Map, Source, Value, ValueKind};
use serde_json::Value as Json;

use super::check::fits;
use super::error::{Origin, Problem};
use super::load::to_json;
use super::named;
use super::schema::{Key, forms, types, unwrap, variable};

/// The prefix of every environment variable that is read.
pub(super) const PREFIX: &str = "RUNBUS_";

/// Values by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    values: Map<String, Value>,
}

impl Layer {
    /// Makes a tree of the given values: a table before its members, else in the order given.
    fn of(mut given: Vec<(Vec<String>, Value)>) -> Self {
        given.sort_by_key(|(path, _)| path.len());
        let mut layer = Self::default();
        for (path, value) in given {
            insert(&mut layer.values, &path, value);
        }
        layer
    }
}

fn insert(table: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert(name.clone(), value);
        return;
    }
    let inner = table.entry(name.clone()).or_insert_with(|| Value::new(None, ValueKind::Table(Map::new())));
    if !matches!(inner.kind, ValueKind::Table(_)) {
        inner.kind = ValueKind::Table(Map::new());
    }
    if let ValueKind::Table(inner) = &mut inner.kind {
        insert(inner, rest, value);
    }
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
    let mut given = Vec::new();
    for (name, text) in variables.filter(|(name, _)| name.starts_with(PREFIX)) {
        if text.is_empty() {
            continue;
        }
        let origin = Origin::Environment(name.clone());
        let found = match by_name.get(&name) {
            Some(key) => Some((segments(&key.path), key.schema)),
            None => named::variable(keys, &name),
        };
        let Some((path, schema)) = found else {
            if let Some(expected) = misspelt(&by_name, &name) {
                problems.push(Problem { key: name, value: None, expected, origin });
            }
            continue;
        };
        origins.insert(path.join("."), origin);
        given.push((path, Value::new(Some(&name), read(schema, &text))));
    }
    // Variables come in no order.
    given.sort_by(|(a, _), (b, _)| a.cmp(b));
    Layer::of(given)
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
    let mut given = Vec::new();
    for (path, text) in sets {
        let known = keys.iter().find(|key| key.path == *path).map(|key| (segments(path), key.schema));
        let Some((segments, schema)) = known.or_else(|| named::path(keys, path)) else {
            let expected = format!("unknown key; known here: {}", siblings(keys, path));
            problems.push(Problem { key: path.clone(), value: None, expected, origin: Origin::Flag });
            continue;
        };
        origins.insert(path.clone(), Origin::Flag);
        given.push((segments, Value::new(Some(&"--set".into()), read(schema, text))));
    }
    Layer::of(given)
}

fn segments(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

fn siblings(keys: &[Key<'_>], path: &str) -> String {
    let section = path.rsplit_once('.').map_or("", |(section, _)| section);
    let mut near: Vec<&str> = keys
        .iter()
        .map(|key| key.path.as_str())
        .filter(|path| path.rsplit_once('.').map_or("", |(section, _)| section) == section)
        .collect();
    near.sort_unstable();
    if !near.is_empty() {
        return near.join(", ");
    }
    let mut sections: Vec<&str> = keys.iter().filter_map(|key| key.path.split('.').next()).collect();
    sections.sort_unstable();
    sections.dedup();
    sections.join(", ")
}

/// A text as the type that the schema asks for; a text that does not parse stays a text, and the check refuses it later
/// by its value.
fn read(schema: &Json, text: &str) -> ValueKind {
    let (schema, _) = unwrap(schema);
    // One of several forms: the first that the text can be.
    if let Some(forms) = forms(schema) {
        let read = forms.iter().map(|form| (form, read(form, text)));
        let mut fitting = read.filter(|(form, kind)| fits(form, &to_json(&Value::new(None, kind.clone()))));
        return fitting.next().map_or_else(|| ValueKind::String(text.into()), |(_, kind)| kind);
    }
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
