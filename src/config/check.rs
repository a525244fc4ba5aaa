//! Checking a value against a schema, so that a refusal names the key, the value and the range.

use serde_json::Value;

use super::address::without_credentials;
use super::schema::{choices, forms, holds_secret, types, unwrap};
use super::secret::HIDDEN;

/// Longest value that a refusal shows, in characters.
const SHOWN_CHARS: usize = 120;

/// A value that does not fit.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) value: Option<String>,
    pub(super) expected: String,
}

/// A value as a refusal shows it.
pub(super) fn show(schema: &Value, value: &Value) -> String {
    if holds_secret(schema) {
        return HIDDEN.into();
    }
    let text = without_credentials(&value.to_string());
    if text.chars().count() <= SHOWN_CHARS {
        return text;
    }
    text.chars().take(SHOWN_CHARS).chain("...".chars()).collect()
}

/// The values that a schema accepts, in words: `an integer from 1 to 9`.
pub(super) fn wanted(schema: &Value) -> String {
    let (schema, _) = unwrap(schema);
    if let Some(forms) = forms(schema) {
        return forms.iter().map(wanted).collect::<Vec<_>>().join(", or ");
    }
    let choices = choices(schema);
    if !choices.is_empty() {
        let names: Vec<String> = choices.iter().map(ToString::to_string).collect();
        return format!("one of {}", names.join(", "));
    }
    let name = match types(schema).first().copied() {
        Some("integer") => "an integer",
        Some("number") => "a number",
        Some("boolean") => "true or false",
        Some("string") => "a text",
        Some("array") => "a list",
        Some("object") => "a table",
        _ => "another value",
    };
    match range(schema) {
        Some(range) => format!("{name} {range}"),
        None => name.into(),
    }
}

/// The range of a schema in words, if it has one.
pub(super) fn range(schema: &Value) -> Option<String> {
    let (schema, _) = unwrap(schema);
    let bound = |word| schema.get(word).map(ToString::to_string);
    let words = |low: Option<String>, high: Option<String>, unit: &str| match (low, high) {
        (Some(low), Some(high)) => Some(format!("from {low} to {high}{unit}")),
        (Some(low), None) => Some(format!("of at least {low}{unit}")),
        (None, Some(high)) => Some(format!("of at most {high}{unit}")),
        (None, None) => None,
    };
    words(bound("minimum"), bound("maximum"), "")
        .or_else(|| words(bound("minLength"), bound("maxLength"), " characters"))
        .or_else(|| words(bound("minItems"), bound("maxItems"), " items"))
}

/// Adds everything in `value` that `schema` does not allow.
pub(super) fn examine(schema: &Value, value: &Value, path: &str, found: &mut Vec<Found>) {
    let (inner, nullable) = unwrap(schema);
    if value.is_null() && nullable {
        return;
    }
    if !fits(inner, value) {
        found.push(Found {
            key: path.into(),
            value: Some(show(schema, value)),
            expected: format!("expected {}", wanted(schema)),
        });
        return;
    }
    match value {
        Value::Array(items) => {
            let Some(of) = inner.get("items") else { return };
            for (n, item) in items.iter().enumerate() {
                examine(of, item, &format!("{path}[{n}]"), found);
            }
        }
        Value::Object(fields) => {
            let properties = inner.get("properties").and_then(Value::as_object);
            let closed = inner.get("additionalProperties") == Some(&Value::Bool(false));
            for (name, field) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match properties.and_then(|properties| properties.get(name)) {
                    Some(of) => examine(of, field, &path, found),
                    None if closed => found.push(Found {
                        key: path,
                        value: None,
                        expected: format!("unknown key; known here: {}", known(properties)),
                    }),
                    None => {
                        if let Some(of) = inner.get("additionalProperties").filter(|of| of.is_object()) {
                            examine(of, field, &path, found);
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

fn known(properties: Option<&serde_json::Map<String, Value>>) -> String {
    let mut names: Vec<&str> =
        properties.into_iter().flat_map(|all| all.keys().map(String::as_str)).collect();
    names.sort_unstable();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Whether the value itself (not what is in it) has the right type and lies in the range.
pub(super) fn fits(schema: &Value, value: &Value) -> bool {
    if let Some(forms) = forms(schema) {
        return forms.iter().any(|form| {
            let mut found = Vec::new();
            examine(form, value, "", &mut found);
            found.is_empty()
        });
    }
    let choices = choices(schema);
    if !choices.is_empty() {
        return choices.contains(&value);
    }
    let types = types(schema);
    let type_fits = types.is_empty()
        || types.iter().any(|name| match *name {
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "null" => value.is_null(),
            _ => true,
        });
    let size = match value {
        Value::Number(_) => return type_fits && between(schema, value.as_f64(), "minimum", "maximum"),
        Value::String(text) => (text.chars().count(), "minLength", "maxLength"),
        Value::Array(items) => (items.len(), "minItems", "maxItems"),
        _ => return type_fits,
    };
    #[expect(clippy::cast_precision_loss, reason = "lengths of configuration values are small")]
    let length = size.0 as f64;
    type_fits && between(schema, Some(length), size.1, size.2)
}

fn between(schema: &Value, value: Option<f64>, low: &str, high: &str) -> bool {
    let bound = |word| schema.get(word).and_then(Value::as_f64);
    let Some(value) = value else { return true };
    bound(low).is_none_or(|low| value >= low) && bound(high).is_none_or(|high| value <= high)
}
