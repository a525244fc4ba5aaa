//! Schemas of tools and answers as services take them.

use serde_json::{Map, Value, json};

use super::history;
use super::limits::MAX_WIRE_DESCRIPTION_BYTES;
use super::quirks::{Asked, Quirks};
use crate::tool;

/// A tool as services take it: `properties` are always there, `$schema` is not.
pub(super) fn tool(spec: &tool::Spec, quirks: &Quirks) -> tool::Spec {
    let mut parameters = spec.parameters.clone();
    if let Value::Object(fields) = &mut parameters {
        fields.remove("$schema");
        fields.entry("type").or_insert_with(|| "object".into());
        fields.entry("properties").or_insert_with(|| json!({}));
    }
    if quirks.strict_schemas == Asked::Always {
        strict(&mut parameters);
    }
    let mut description = spec.description.clone();
    if quirks.short_descriptions == Asked::Always {
        description.truncate(description.floor_char_boundary(MAX_WIRE_DESCRIPTION_BYTES));
    }
    tool::Spec { name: history::name(&spec.name), description, parameters }
}

/// A schema as OpenAI's strict mode takes it: objects are closed, and every property is required; one that was not may be null.
pub(super) fn strict(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(strict),
        Value::Object(fields) => {
            if is_object(fields) {
                close(fields);
            }
            fields.values_mut().for_each(strict);
        }
        _ => {}
    }
}

fn is_object(fields: &Map<String, Value>) -> bool {
    fields.get("type").is_some_and(|kind| kind == "object")
        && fields.get("properties").is_some_and(Value::is_object)
}

fn close(fields: &mut Map<String, Value>) {
    let required: Vec<Value> = fields.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names = Vec::new();
    if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            let name = Value::from(name.as_str());
            if !required.contains(&name) {
                let given = property.take();
                *property = json!({ "anyOf": [given, { "type": "null" }] });
            }
            names.push(name);
        }
    }
    fields.insert("required".into(), names.into());
    fields.insert("additionalProperties".into(), false.into());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(parameters: Value) -> tool::Spec {
        tool::Spec { name: "t".into(), description: "é".repeat(600), parameters }
    }

    #[test]
    fn properties_are_always_there_and_the_dialect_is_not() {
        let given = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"});
        let sent = tool(&spec(given), &Quirks::default());
        assert_eq!(sent.parameters, json!({"type": "object", "properties": {}}));
        assert_eq!(sent.description.len(), 1200);
    }

    #[test]
    fn strict_schemas_are_closed_at_every_depth() {
        let given = json!({"type": "object", "required": ["a"], "properties": {
            "a": {"type": "array", "items": {"type": "object", "properties": {}}},
            "b": {"type": "string"},
        }});
        let quirks =
            Quirks { strict_schemas: Asked::Always, short_descriptions: Asked::Always, ..Quirks::default() };
        let sent = tool(&spec(given), &quirks);
        let wanted = json!({"type": "object", "required": ["a", "b"], "additionalProperties": false, "properties": {
            "a": {"type": "array", "items":
                {"type": "object", "properties": {}, "required": [], "additionalProperties": false}},
            "b": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        }});
        assert_eq!(sent.parameters, wanted);
        assert!(sent.description.len() <= MAX_WIRE_DESCRIPTION_BYTES);
    }
}
