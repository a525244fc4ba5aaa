//! How much work a schema is: counted before it is compiled, and before arguments are checked against it.
//!
//! The validator bounds neither: references expand without end, and a schema that refers to itself twice for one value
//! takes time that doubles with each level of the value.

use serde_json::{Map, Value};

use crate::limits::{
    SCHEMA_CHECK_DEPTH, SCHEMA_CHECK_STEPS, SCHEMA_DEPTH, SCHEMA_NODES, SCHEMA_PATTERN_CHARS, SCHEMA_PATTERNS,
};

/// Keywords whose value is data, not a schema.
const DATA: &[&str] = &["const", "enum", "default", "examples", "example", "required", "type"];

/// Keywords whose value maps names to schemas.
const MAPS: &[&str] = &["properties", "patternProperties", "dependentSchemas", "dependencies"];

/// Keywords whose schemas apply to nothing, unless a reference leads to them.
const DEFINITIONS: &[&str] = &["$defs", "definitions"];

/// Keywords whose schemas apply to the value itself.
const IN_PLACE: &[&str] = &["allOf", "anyOf", "oneOf", "not", "if", "then", "else"];

/// Keywords that look at a text.
const TEXT: &[&str] = &["pattern", "format", "contentMediaType", "contentEncoding"];

/// Bytes of a text that count as one step, for each keyword that looks at it.
const TEXT_STEP_BYTES: usize = 4;

/// Counts what a schema expands to.
///
/// # Errors
/// It is more than the limits, or it refers to something else than a place in itself.
pub(super) fn schema(root: &Value) -> Result<(), String> {
    Expansion { root, nodes: 0, patterns: 0, open: Vec::new() }.schema(root, 0)
}

/// Counts what checking a value takes.
///
/// # Errors
/// It is more than the limits.
pub(super) fn check(root: &Value, value: &Value) -> Result<(), String> {
    Checking { root, steps: 0 }.value(root, value, &mut Vec::new(), 0)
}

struct Expansion<'a> {
    root: &'a Value,
    nodes: usize,
    patterns: usize,
    /// The schemas that are being expanded: a reference to one of them goes no further.
    open: Vec<&'a Value>,
}

impl<'a> Expansion<'a> {
    fn schema(&mut self, schema: &'a Value, depth: usize) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > SCHEMA_NODES {
            return Err(format!("its references expand to more than {SCHEMA_NODES} schemas"));
        }
        if depth > SCHEMA_DEPTH {
            return Err(format!("it nests more than {SCHEMA_DEPTH} deep, references included"));
        }
        let Value::Object(fields) = schema else { return Ok(()) };
        self.open.push(schema);
        for (key, value) in fields {
            self.keyword(key, value, depth)?;
        }
        self.open.pop();
        Ok(())
    }

    fn keyword(&mut self, key: &str, value: &'a Value, depth: usize) -> Result<(), String> {
        match (key, value) {
            ("$ref", Value::String(to)) => {
                let target = target(self.root, to)?;
                if self.open.iter().any(|open| std::ptr::eq(*open, target)) {
                    return Ok(());
                }
                self.schema(target, depth + 1)
            }
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => Err(format!("it has {key}")),
            ("$id", Value::String(_)) if depth > 0 => Err("it has `$id` within it".to_owned()),
            ("pattern", Value::String(pattern)) => self.pattern(pattern),
            _ if DATA.contains(&key) || DEFINITIONS.contains(&key) => Ok(()),
            (_, Value::Object(schemas)) if MAPS.contains(&key) => {
                for (name, schema) in schemas {
                    if key == "patternProperties" {
                        self.pattern(name)?;
                    }
                    self.schema(schema, depth + 1)?;
                }
                Ok(())
            }
            (_, Value::Object(_)) => self.schema(value, depth + 1),
            (_, Value::Array(items)) => items.iter().try_for_each(|item| self.schema(item, depth + 1)),
            _ => Ok(()),
        }
    }

    fn pattern(&mut self, pattern: &str) -> Result<(), String> {
        self.patterns += 1;
        if pattern.len() > SCHEMA_PATTERN_CHARS {
            return Err(format!("a pattern has more than {SCHEMA_PATTERN_CHARS} bytes"));
        }
        if self.patterns > SCHEMA_PATTERNS {
            return Err(format!("its references expand to more than {SCHEMA_PATTERNS} patterns"));
        }
        Ok(())
    }
}

/// The place in a schema that a reference leads to.
fn target<'a>(root: &'a Value, to: &str) -> Result<&'a Value, String> {
    let shown: String = to.chars().take(100).collect();
    let pointer = to.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
    let pointer = pointer.filter(|pointer| !pointer.contains('%'));
    let Some(pointer) = pointer else {
        return Err(format!("it refers to {shown:?}; only `#` and `#/...` are followed"));
    };
    root.pointer(pointer).ok_or_else(|| format!("it refers to {shown:?}, which is not there"))
}

struct Checking<'a> {
    root: &'a Value,
    steps: usize,
}

impl<'a> Checking<'a> {
    fn step(&mut self, steps: usize) -> Result<(), String> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > SCHEMA_CHECK_STEPS {
            return Err(format!(
                "checking them takes more than {SCHEMA_CHECK_STEPS} steps: give fewer or shorter values"
            ));
        }
        Ok(())
    }

    /// `open` are the schemas that are at work on the very value.
    fn value(
        &mut self,
        schema: &'a Value,
        value: &Value,
        open: &mut Vec<&'a Value>,
        depth: usize,
    ) -> Result<(), String> {
        let Value::Object(fields) = schema else { return self.step(1) };
        // The validator, and this count, look at each keyword, known or not.
        self.step(1 + fields.len())?;
        if depth > SCHEMA_CHECK_DEPTH {
            return Err(format!("checking them goes more than {SCHEMA_CHECK_DEPTH} deep"));
        }
        if open.iter().any(|one| std::ptr::eq(*one, schema)) {
            return Ok(());
        }
        open.push(schema);
        for (key, keyword) in fields {
            self.keyword((key, keyword), value, open, depth)?;
        }
        if fields.contains_key("unevaluatedProperties") || fields.contains_key("unevaluatedItems") {
            self.unevaluated(fields, value, open, depth)?;
        }
        open.pop();
        Ok(())
    }

    fn keyword(
        &mut self,
        (key, keyword): (&str, &'a Value),
        value: &Value,
        open: &mut Vec<&'a Value>,
        depth: usize,
    ) -> Result<(), String> {
        match keyword {
            Value::String(to) if key == "$ref" => self.value(target(self.root, to)?, value, open, depth + 1),
            Value::String(_) if TEXT.contains(&key) => {
                self.step(value.as_str().map_or(0, str::len) / TEXT_STEP_BYTES)
            }
            // Each of a list may be compared with the whole value.
            Value::Array(items) if DATA.contains(&key) => self.step(items.len()),
            _ if DATA.contains(&key) => Ok(()),
            Value::Object(_) | Value::Bool(_) if IN_PLACE.contains(&key) => {
                self.value(keyword, value, open, depth + 1)
            }
            Value::Array(schemas) if IN_PLACE.contains(&key) => {
                schemas.iter().try_for_each(|schema| self.value(schema, value, open, depth + 1))
            }
            Value::Object(schemas) if key == "dependentSchemas" || key == "dependencies" => {
                schemas.values().try_for_each(|schema| self.value(schema, value, open, depth + 1))
            }
            Value::Object(schemas) if key == "properties" => {
                let Value::Object(fields) = value else { return Ok(()) };
                let both = schemas.iter().filter_map(|(name, schema)| Some((schema, fields.get(name)?)));
                for (schema, field) in both {
                    self.value(schema, field, &mut Vec::new(), depth + 1)?;
                }
                Ok(())
            }
            _ if DEFINITIONS.contains(&key) => Ok(()),
            // Lists of names, and no schemas.
            Value::Object(lists) if key == "dependentRequired" => {
                self.step(lists.values().filter_map(Value::as_array).map(|names| 1 + names.len()).sum())
            }
            Value::Object(schemas) if key == "patternProperties" => {
                schemas.values().try_for_each(|schema| self.children(schema, value, depth))
            }
            // `items`, `additionalProperties`, `contains`, `propertyNames` and unknown keywords: at most each child.
            Value::Object(_) => self.children(keyword, value, depth),
            Value::Array(schemas) => {
                schemas.iter().try_for_each(|schema| self.children(schema, value, depth))
            }
            Value::Bool(true) if key == "uniqueItems" => self.children(keyword, value, depth),
            _ => Ok(()),
        }
    }

    fn children(&mut self, schema: &'a Value, value: &Value, depth: usize) -> Result<(), String> {
        match value {
            Value::Array(items) => {
                items.iter().try_for_each(|item| self.value(schema, item, &mut Vec::new(), depth + 1))
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.step(name.len() / TEXT_STEP_BYTES)?;
                    self.value(schema, field, &mut Vec::new(), depth + 1)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// For each child the validator looks through all that applies to the value again.
    fn unevaluated(
        &mut self,
        fields: &'a Map<String, Value>,
        value: &Value,
        open: &mut Vec<&'a Value>,
        depth: usize,
    ) -> Result<(), String> {
        let children = match value {
            Value::Array(items) => items.len(),
            Value::Object(fields) => fields.len(),
            _ => 0,
        };
        for _ in 0..children {
            self.step(fields.len())?;
            for (key, keyword) in
                fields.iter().filter(|(key, _)| *key == "$ref" || IN_PLACE.contains(&key.as_str()))
            {
                self.keyword((key, keyword), value, open, depth)?;
            }
        }
        Ok(())
    }
}
