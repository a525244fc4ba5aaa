//! Files in place of secrets, in every layer: each secret `key` has a key `key_file` beside it, each table of secrets `key` has a
//! table `key_files`.

use serde_json::{Map, Value, json};

use super::Secret;
use super::check::Found;
use super::schema::{is_secret, unwrap};

/// The end of the name of a secret's file.
const FILE: &str = "_file";

/// The end of the name of a table of files.
const FILES: &str = "_files";

/// Adds the keys of files to a schema. A section that declares such a key itself keeps its own.
pub(super) fn declare(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(declare);
            if let Some(Value::Object(properties)) = fields.get_mut("properties") {
                for (key, end) in secrets(properties) {
                    properties.insert(format!("{key}{end}"), declared(&key, end));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(declare),
        _ => {}
    }
}

fn declared(key: &str, end: &str) -> Value {
    let again = "read again when it changes, without the white space around the text";
    if end == FILE {
        let description = format!("A file with `{key}`, in place of it: {again}.");
        json!({ "type": ["string", "null"], "default": null, "description": description })
    } else {
        let description =
            format!("Files with values of `{key}`, by name, in place of them: each is {again}.");
        let each = json!({ "type": "string" });
        json!({ "type": "object", "additionalProperties": each, "default": {}, "description": description })
    }
}

/// The secrets and the tables of secrets that have no key for files yet, with the end of that key's name.
fn secrets(properties: &Map<String, Value>) -> Vec<(String, &'static str)> {
    let end = |schema: &Value| {
        let inner = unwrap(schema).0;
        let (is_table, each) = (inner["type"] == "object", inner.get("additionalProperties"));
        // A table that is hidden as a whole is no secret itself.
        if is_table {
            each.is_some_and(is_secret).then_some(FILES)
        } else {
            is_secret(schema).then_some(FILE)
        }
    };
    let found = properties.iter().filter_map(|(name, schema)| Some((name.clone(), end(schema)?)));
    found.filter(|(name, end)| !properties.contains_key(&format!("{name}{end}"))).collect()
}

/// The form of a file that [`Secret`] reads.
fn form(file: &Value, key: &str, found: &mut Vec<Found>) -> Value {
    let path = file.as_str().unwrap_or_default();
    if let Err(reason) = Secret::from_file(path.as_ref()) {
        found.push(Found {
            key: key.into(),
            value: Some(file.to_string()),
            expected: format!("expected a file with a secret: {reason}"),
        });
    }
    json!({ "file": file })
}

fn put(table: &mut Map<String, Value>, key: &str, file: &Value, place: &str, found: &mut Vec<Found>) {
    if table.get(key).is_none_or(Value::is_null) {
        table.insert(key.into(), form(file, place, found));
    } else {
        let expected = format!("expected the value {key} or its file, not both");
        found.push(Found { key: place.into(), value: Some(file.to_string()), expected });
    }
}

/// Puts the files in the place of the secrets. `own`: the schema without the keys of files.
pub(super) fn resolve(own: &Value, value: &mut Value, path: &str, found: &mut Vec<Found>) {
    let own = unwrap(own).0;
    let Value::Object(fields) = value else { return };
    let properties = own.get("properties").and_then(Value::as_object);
    for (key, end) in properties.map(secrets).unwrap_or_default() {
        let place = format!("{path}{key}{end}");
        match fields.remove(&format!("{key}{end}")) {
            Some(Value::Object(files)) => {
                let table = fields.entry(key).or_insert_with(|| json!({}));
                let Value::Object(table) = table else { continue };
                for (name, file) in files {
                    put(table, &name, &file, &format!("{place}.{name}"), found);
                }
            }
            Some(file @ Value::String(_)) => put(fields, &key, &file, &place, found),
            _ => {}
        }
    }
    for (name, field) in fields {
        let named = properties.and_then(|properties| properties.get(name));
        if let Some(inner) = named.or_else(|| own.get("additionalProperties")) {
            resolve(inner, field, &format!("{path}{name}."), found);
        }
    }
}
