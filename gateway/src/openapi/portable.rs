//! The document in the part of JSON Schema that generators of clients read.
//!
//! OpenAPI 3.1 allows all of JSON Schema 2020-12. Generators read less: definitions stand in the document's components, schemas are
//! objects, and a field with a default is taken for one that must be there.

use serde_json::{Map, Value};

/// Rewrites a document. It accepts what it accepted; where one boolean alone is allowed, both are.
pub(super) fn rewrite(document: &mut Value) {
    hoist(document);
    plain(document);
}

/// Definitions of a component become components, named after both.
fn hoist(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    let names: Vec<String> = schemas.keys().cloned().collect();
    let mut moved = Vec::new();
    for name in names {
        let defined =
            schemas.get_mut(&name).and_then(Value::as_object_mut).and_then(|schema| schema.remove("$defs"));
        let Some(Value::Object(defined)) = defined else { continue };
        for (inner, schema) in defined {
            let old = format!("#/components/schemas/{name}/$defs/{inner}");
            // A schema that is a component already is not there twice.
            let is_known = schemas.get(&inner).is_some_and(|known| *known == schema);
            let new = if is_known { inner } else { format!("{name}{inner}") };
            moved.push((old, format!("#/components/schemas/{new}")));
            if !is_known {
                schemas.insert(new, schema);
            }
        }
    }
    rename(document, &moved);
}

fn rename(value: &mut Value, moved: &[(String, String)]) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" => {
                        if let Some((_, new)) = moved.iter().find(|(old, _)| old == text) {
                            text.clone_from(new);
                        }
                    }
                    value => rename(value, moved),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, moved)),
        _ => {}
    }
}

/// Says defaults in words, and "anything" as a schema without a condition.
fn plain(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(default) = take_default(fields) {
                let said = fields.get("description").and_then(Value::as_str).unwrap_or("").trim_end();
                let said = format!("{said}{}Default: `{default}`.", if said.is_empty() { "" } else { " " });
                fields.insert("description".into(), said.into());
            }
            open(fields);
            enumerate(fields);
            // Of constants generators know texts.
            if fields.get("const").is_some_and(Value::is_boolean) {
                fields.remove("const");
                fields.insert("type".into(), "boolean".into());
            }
            for (key, value) in fields {
                match (key.as_str(), value) {
                    // Data, not schemas.
                    ("example" | "examples" | "const" | "enum", _) => {}
                    ("items" | "not", value) if *value == Value::Bool(true) => {
                        *value = Value::Object(Map::new())
                    }
                    ("properties", Value::Object(properties)) => {
                        properties.values_mut().for_each(|property| {
                            if *property == Value::Bool(true) {
                                *property = Value::Object(Map::new());
                            }
                            plain(property);
                        })
                    }
                    (_, value) => plain(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(plain),
        _ => {}
    }
}

/// An object of which nothing is said may have any field; generators take it for one that has none.
fn open(fields: &mut Map<String, Value>) {
    const SAYS: [&str; 6] =
        ["properties", "additionalProperties", "patternProperties", "allOf", "anyOf", "oneOf"];
    let is_object = fields.get("type").and_then(Value::as_str) == Some("object");
    if is_object && !SAYS.iter().any(|key| fields.contains_key(*key)) {
        fields.insert("additionalProperties".into(), true.into());
    }
}

/// Texts that are listed one by one become an `enum`: generators take several constants for types that all match.
fn enumerate(fields: &mut Map<String, Value>) {
    let Some(Value::Array(cases)) = fields.get("oneOf") else { return };
    let text =
        |case: &Value| Some((case.get("const")?.as_str()?.to_owned(), case.get("description").cloned()));
    let Some(texts) = cases.iter().map(text).collect::<Option<Vec<_>>>() else { return };
    let mut lines: Vec<String> =
        fields.get("description").and_then(Value::as_str).map(str::to_owned).into_iter().collect();
    lines.extend(
        texts
            .iter()
            .filter_map(|(text, meaning)| Some(format!("- `{text}`: {}", meaning.as_ref()?.as_str()?))),
    );
    fields.remove("oneOf");
    fields.insert("type".into(), "string".into());
    fields.insert("enum".into(), texts.into_iter().map(|(text, _)| text).collect());
    if !lines.is_empty() {
        fields.insert("description".into(), lines.join("\n").into());
    }
}

/// A schema's default; `null` says nothing.
fn take_default(fields: &mut Map<String, Value>) -> Option<Value> {
    // Of responses and cases `default` is a name.
    let is_schema = ["type", "$ref", "anyOf", "oneOf", "allOf", "description"]
        .iter()
        .any(|key| fields.contains_key(*key));
    let default = if is_schema { fields.remove("default") } else { None };
    default.filter(|default| !default.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_that_are_listed_become_an_enumeration() {
        let mut schema = json!({
            "description": "A status.",
            "oneOf": [
                { "const": "queued", "type": "string", "description": "It waits." },
                { "const": "running", "type": "string" },
            ],
        });
        plain(&mut schema);
        let expected = json!({
            "type": "string",
            "enum": ["queued", "running"],
            "description": "A status.\n- `queued`: It waits.",
        });
        assert_eq!(schema, expected);
        let mut mixed = json!({ "oneOf": [{ "const": "a" }, { "type": "integer" }] });
        plain(&mut mixed);
        assert_eq!(mixed, json!({ "oneOf": [{ "const": "a" }, { "type": "integer" }] }));
    }

    #[test]
    fn generators_find_components_fields_and_schemas() {
        let mut document = json!({
            "components": { "schemas": {
                "Event": {
                    "$defs": { "Queued": { "type": "object", "properties": { "default": { "type": "string" } } }, "Id": { "type": "string" } },
                    "properties": {
                        "data": { "$ref": "#/components/schemas/Event/$defs/Queued" },
                        "id": { "$ref": "#/components/schemas/Event/$defs/Id" },
                        "any": true,
                        "list": { "type": "array", "items": true, "default": [], "description": "All." },
                        "rank": { "$ref": "#/components/schemas/Id", "default": "normal" },
                        "input": { "description": "It.", "default": null },
                        "free": { "type": "object" },
                        "yes": { "const": true, "description": "Yes." },
                    },
                    "additionalProperties": true,
                    "example": { "items": true, "default": 1, "type": "x" },
                },
                "Id": { "type": "string" },
            } },
        });
        rewrite(&mut document);
        assert_eq!(
            document,
            json!({
                "components": { "schemas": {
                    "Event": {
                        "properties": {
                            "data": { "$ref": "#/components/schemas/EventQueued" },
                            "id": { "$ref": "#/components/schemas/Id" },
                            "any": {},
                            "list": { "type": "array", "items": {}, "description": "All. Default: `[]`." },
                            "rank": { "$ref": "#/components/schemas/Id", "description": "Default: `\"normal\"`." },
                            "input": { "description": "It." },
                            "free": { "type": "object", "additionalProperties": true },
                            "yes": { "type": "boolean", "description": "Yes." },
                        },
                        "additionalProperties": true,
                        "example": { "items": true, "default": 1, "type": "x" },
                    },
                    "EventQueued": { "type": "object", "properties": { "default": { "type": "string" } } },
                    "Id": { "type": "string" },
                } },
            })
        );
    }
}
