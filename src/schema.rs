//! JSON Schemas that are made from types: the functions that the committed contracts share.

use serde_json::{Map, Value, json};

/// Keywords that hold schemas by name.
const BY_NAME: [&str; 3] = ["properties", "patternProperties", "$defs"];
/// Keywords that hold one schema.
const ONE: [&str; 7] = ["items", "additionalProperties", "propertyNames", "not", "if", "then", "else"];
/// Keywords that hold a list of schemas.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// References to definitions: `{"$ref": "<at>/<name>"}` each.
#[must_use]
pub fn references(at: &str, names: &[String]) -> Vec<Value> {
    names.iter().map(|name| json!({ "$ref": format!("{at}/{name}") })).collect()
}

/// The name of a type for a text in snake case: `tool_call_started` is `ToolCallStarted`.
#[must_use]
pub fn pascal(snake: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    snake.split('_').map(word).collect()
}

/// Removes `null` from the schemas of optional fields: where such a field has no value, it is absent. Required fields keep it.
pub fn optional_is_absent(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    let required: Vec<Value> = match fields.get("required") {
        Some(Value::Array(names)) => names.clone(),
        _ => Vec::new(),
    };
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        for (name, property) in properties {
            if !required.iter().any(|known| known == name.as_str()) {
                remove_null(property);
            }
        }
    }
    for (keyword, value) in fields {
        match value {
            Value::Object(named) if BY_NAME.contains(&keyword.as_str()) => {
                named.values_mut().for_each(optional_is_absent);
            }
            Value::Array(all) if LISTS.contains(&keyword.as_str()) => {
                all.iter_mut().for_each(optional_is_absent)
            }
            one if ONE.contains(&keyword.as_str()) => optional_is_absent(one),
            _ => {}
        }
    }
}

fn remove_null(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if fields.get("default").is_some_and(Value::is_null) {
        fields.remove("default");
    }
    if let Some(Value::Array(cases)) = fields.get_mut("enum") {
        cases.retain(|case| !case.is_null());
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            fields.insert("type".into(), one);
        }
    }
    let Some(Value::Array(mut cases)) = fields.remove("anyOf") else { return };
    cases.retain(|case| case.get("type").is_none_or(|kind| kind != "null"));
    match cases.as_slice() {
        [Value::Object(one)] => {
            for (keyword, value) in one {
                // Words beside a reference are about this use of it.
                fields.entry(keyword.clone()).or_insert_with(|| value.clone());
            }
        }
        _ => {
            fields.insert("anyOf".into(), cases.into());
        }
    }
}

/// Changes the references of a schema: `change` has the reference as it is, and returns another one where it should be that.
pub fn change_references(schema: &mut Value, change: &impl Fn(&str) -> Option<String>) {
    match schema {
        Value::Object(fields) => {
            for (keyword, value) in fields {
                match value {
                    Value::String(reference) if keyword == "$ref" => {
                        if let Some(changed) = change(reference) {
                            *reference = changed;
                        }
                    }
                    value => change_references(value, change),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| change_references(one, change)),
        _ => {}
    }
}

/// Adds definitions to others. A definition with the name of another one that has a different content gets `prefix` in front of its name.
/// The references in `more` follow; `at` is where definitions are (`#/$defs`).
///
/// Returns the definitions that were renamed, by their names before.
pub fn merge_definitions(
    into: &mut Map<String, Value>,
    more: Map<String, Value>,
    at: &str,
    prefix: &str,
) -> Map<String, Value> {
    // A definition that uses a renamed one has a different content too.
    let mut renamed: Vec<String> = Vec::new();
    let changed = |value: &Value, renamed: &[String]| {
        let mut value = value.clone();
        change_references(&mut value, &|reference| {
            let name = reference.strip_prefix(at)?.strip_prefix('/')?;
            renamed.iter().any(|known| known == name).then(|| format!("{at}/{prefix}{name}"))
        });
        value
    };
    loop {
        let before = renamed.len();
        for (name, value) in &more {
            let is_other = into.get(name).is_some_and(|known| *known != changed(value, &renamed));
            if is_other && !renamed.contains(name) {
                renamed.push(name.clone());
            }
        }
        if renamed.len() == before {
            break;
        }
    }
    let mut names = Map::new();
    for (name, value) in &more {
        let new = if renamed.contains(name) { format!("{prefix}{name}") } else { name.clone() };
        into.insert(new.clone(), changed(value, &renamed));
        if new != *name {
            names.insert(name.clone(), new.into());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_lose_null_and_required_fields_keep_it() {
        let mut schema = json!({
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": { "type": ["string", "null"] },
                "b": { "type": ["string", "null"], "default": null },
                "c": { "anyOf": [{ "$ref": "#/$defs/X" }, { "type": "null" }], "description": "Why." },
                "d": { "type": "array", "items": { "properties": { "e": { "enum": ["f", null] } } } },
                "g": {},
            },
            "$defs": { "X": { "properties": { "h": { "type": ["integer", "string", "null"] } } } },
        });
        optional_is_absent(&mut schema);
        let expected = json!({
            "type": "object",
            "required": ["a"],
            "properties": {
                "a": { "type": ["string", "null"] },
                "b": { "type": "string" },
                "c": { "$ref": "#/$defs/X", "description": "Why." },
                "d": { "type": "array", "items": { "properties": { "e": { "enum": ["f"] } } } },
                "g": {},
            },
            "$defs": { "X": { "properties": { "h": { "type": ["integer", "string"] } } } },
        });
        assert_eq!(schema, expected);
    }

    #[test]
    fn a_definition_with_another_content_gets_a_name_of_its_own_and_its_users_follow() {
        let text = json!({ "type": "string" });
        let mut into: Map<String, Value> = [
            ("A".to_owned(), text.clone()),
            ("B".to_owned(), json!({ "$ref": "#/$defs/A" })),
            ("C".to_owned(), text.clone()),
        ]
        .into_iter()
        .collect();
        let more: Map<String, Value> = [
            ("A".to_owned(), json!({ "type": "integer" })),
            ("B".to_owned(), json!({ "$ref": "#/$defs/A" })),
            ("C".to_owned(), text.clone()),
            ("D".to_owned(), json!({ "items": { "$ref": "#/$defs/B" } })),
        ]
        .into_iter()
        .collect();
        let renamed = merge_definitions(&mut into, more, "#/$defs", "My");
        assert_eq!(Value::from(renamed), json!({ "A": "MyA", "B": "MyB" }));
        let expected = json!({
            "A": text, "B": { "$ref": "#/$defs/A" }, "C": text,
            "MyA": { "type": "integer" }, "MyB": { "$ref": "#/$defs/MyA" }, "D": { "items": { "$ref": "#/$defs/MyB" } },
        });
        assert_eq!(Value::from(into), expected);
    }

    #[test]
    fn names_of_types_are_made_of_the_words() {
        assert_eq!(pascal("tool_call_started"), "ToolCallStarted");
    }
}
