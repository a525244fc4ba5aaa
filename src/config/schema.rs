//! Reading the JSON Schema that schemars derives: only the part of it that such schemas use.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::secret_file;

/// The schema of a type without references, with the keys of secrets' files.
pub(super) fn of<T: JsonSchema>() -> Value {
    let mut schema = own::<T>();
    secret_file::declare(&mut schema);
    schema
}

/// The schema that the type itself declares.
pub(super) fn own<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// One key that can be set.
#[derive(Debug)]
pub(super) struct Key<'s> {
    /// `section.key`.
    pub(super) path: String,
    pub(super) schema: &'s Value,
    pub(super) default: Option<&'s Value>,
}

/// The environment variable of a key.
pub(super) fn variable(path: &str) -> String {
    format!("RUNBUS_{}", path.replace('.', "__").to_uppercase())
}

/// The schema beside `null`, and whether `null` is allowed.
pub(super) fn unwrap(schema: &Value) -> (&Value, bool) {
    for word in ["anyOf", "oneOf"] {
        if let Some(options) = schema.get(word).and_then(Value::as_array) {
            let is_null = |option: &&Value| option.get("type").and_then(Value::as_str) == Some("null");
            let mut others = options.iter().filter(|option| !is_null(option));
            if let (Some(one), None) = (others.next(), others.next()) {
                return (one, options.len() > 1);
            }
        }
    }
    (schema, types(schema).contains(&"null"))
}

/// The forms of a value that may be one of several, and is no enumeration.
pub(super) fn forms(schema: &Value) -> Option<&[Value]> {
    let several = ["anyOf", "oneOf"].into_iter().find_map(|word| schema.get(word)?.as_array())?;
    (several.len() > 1 && choices(schema).is_empty()).then_some(several)
}

/// The JSON types that a schema allows; empty: it does not say.
pub(super) fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The values of an enumeration; empty: it is none.
pub(super) fn choices(schema: &Value) -> Vec<&Value> {
    if let Some(several) = schema.get("enum").and_then(Value::as_array) {
        return several.iter().collect();
    }
    if let Some(one) = schema.get("const") {
        return vec![one];
    }
    let Some(options) = schema.get("oneOf").and_then(Value::as_array) else {
        return Vec::new();
    };
    let each: Vec<Vec<&Value>> = options.iter().map(choices).collect();
    if each.iter().any(Vec::is_empty) { Vec::new() } else { each.into_iter().flatten().collect() }
}

/// Whether the value must not be shown.
pub(super) fn is_secret(schema: &Value) -> bool {
    let yes = |schema: &Value| schema.get("writeOnly").and_then(Value::as_bool) == Some(true);
    yes(schema) || yes(unwrap(schema).0)
}

/// Whether something below the schema must not be shown: a table with secrets, written as one text.
pub(super) fn holds_secret(schema: &Value) -> bool {
    is_secret(schema)
        || match schema {
            Value::Object(fields) => fields.values().any(holds_secret),
            Value::Array(items) => items.iter().any(holds_secret),
            _ => false,
        }
}

/// All keys below a schema, in the order of the struct.
pub(super) fn keys(root: &Value) -> Vec<Key<'_>> {
    let mut found = Vec::new();
    collect(root, "", None, &mut found);
    found
}

fn collect<'s>(schema: &'s Value, path: &str, default: Option<&'s Value>, found: &mut Vec<Key<'s>>) {
    let Some(properties) = unwrap(schema).0.get("properties").and_then(Value::as_object) else {
        if !path.is_empty() {
            found.push(Key { path: path.into(), schema, default });
        }
        return;
    };
    for (name, property) in properties {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let inherited = default.and_then(|default| default.get(name));
        collect(property, &path, inherited.or_else(|| property.get("default")), found);
    }
}
