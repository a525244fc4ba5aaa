//! Checking a call's arguments against the tool's JSON Schema.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::paths::LocationSegment;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::limits::{
    MAX_ARGUMENT_ERROR_BYTES, MAX_ARGUMENT_ERRORS, MAX_PATTERN_BYTES, MAX_PATTERN_STEPS, MAX_SCHEMA_BYTES,
    MAX_SCHEMAS,
};
use super::{Error, Spec, truncate};

/// A compiled JSON Schema. It fetches nothing: a reference to another document is refused.
#[derive(Debug)]
pub(super) struct Schema(Validator);

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn compile(parameters: &Value) -> Result<Self, String> {
        let bytes = parameters.to_string().len();
        if bytes > MAX_SCHEMA_BYTES {
            return Err(format!("{bytes} bytes are more than the limit of {MAX_SCHEMA_BYTES}"));
        }
        let patterns =
            PatternOptions::fancy_regex().size_limit(MAX_PATTERN_BYTES).backtrack_limit(MAX_PATTERN_STEPS);
        let options = jsonschema::options().offline().with_pattern_options(patterns);
        options.build(parameters).map(Self).map_err(|error| describe(&error))
    }

    /// Checks a call's arguments.
    ///
    /// # Errors
    ///
    /// [`Error::Arguments`], with the first few mistakes.
    pub(super) fn check(&self, arguments: &Value) -> Result<(), Error> {
        let mut errors = self.0.iter_errors(arguments);
        let Some(first) = errors.next() else { return Ok(()) };
        let mut message = describe(&first);
        for error in errors.by_ref().take(MAX_ARGUMENT_ERRORS - 1) {
            message += &format!("; at `{}`: {}", path(&error), describe(&error));
        }
        if errors.next().is_some() {
            message += "; and more";
        }
        Err(Error::Arguments { path: path(&first), message })
    }
}

/// What is wrong, without the value itself: the model knows it, and it may be long.
fn describe(error: &ValidationError<'_>) -> String {
    truncate(error.masked_with("this").to_string(), MAX_ARGUMENT_ERROR_BYTES).0
}

/// Where it is wrong, as in `items[2].price`; `.` for the whole.
fn path(error: &ValidationError<'_>) -> String {
    let mut path = String::new();
    for segment in error.instance_path() {
        match segment {
            LocationSegment::Index(index) => path += &format!("[{index}]"),
            LocationSegment::Property(name) if path.is_empty() => path += &name,
            LocationSegment::Property(name) => path += &format!(".{name}"),
        }
    }
    if path.is_empty() { ".".to_owned() } else { truncate(path, MAX_ARGUMENT_ERROR_BYTES).0 }
}

/// Compiled schemas by tool name, so that each is compiled once; also those of tools that come and go.
#[derive(Debug, Default)]
pub(super) struct Schemas(Mutex<HashMap<String, Compiled>>);

/// One of them; without a schema when it cannot be compiled.
#[derive(Debug)]
struct Compiled {
    parameters: Value,
    schema: Option<Arc<Schema>>,
}

impl Schemas {
    /// The compiled schema of a tool; `None` when it cannot be compiled: then the tool checks its arguments itself.
    pub(super) fn of(&self, spec: &Spec) -> Option<Arc<Schema>> {
        let mut compiled = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(&spec.name).filter(|known| known.parameters == spec.parameters) {
            return known.schema.clone();
        }
        if compiled.len() >= MAX_SCHEMAS {
            compiled.clear();
        }
        let schema = match Schema::compile(&spec.parameters) {
            Ok(schema) => Some(Arc::new(schema)),
            Err(error) => {
                tracing::warn!(
                    tool = spec.name,
                    error,
                    "the schema of a tool is not valid; its arguments go unchecked"
                );
                None
            }
        };
        let entry = Compiled { parameters: spec.parameters.clone(), schema: schema.clone() };
        compiled.insert(spec.name.clone(), entry);
        schema
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn mistakes_are_named_with_their_place_and_without_their_value() {
        let schema = json!({
            "type": "object", "required": ["items"], "additionalProperties": false,
            "properties": {"items": {"type": "array", "items": {"type": "object", "required": ["price"],
                "properties": {"price": {"type": "number", "minimum": 0}}}}},
        });
        let schema = Schema::compile(&schema).unwrap();
        let text = |value: Value| schema.check(&value).unwrap_err().to_string();
        assert!(schema.check(&json!({"items": [{"price": 1.5}]})).is_ok());
        assert!(text(json!({})).contains("at `.`: \"items\" is a required property"), "{}", text(json!({})));
        let long = "secret".repeat(100_000);
        let price = text(json!({"items": [{"price": 1}, {"price": long}]}));
        assert!(price.contains("at `items[1].price`") && price.contains("number"), "{price}");
        assert!(price.len() < 500 && !price.contains("secret"), "{price}");
        let many = text(json!({"items": [1, 2, 3, 4, 5, 6]}));
        assert!(many.contains("at `items[2]`") && many.ends_with("and more"), "{many}");
    }

    #[test]
    fn a_bad_schema_is_refused_and_nothing_is_fetched() {
        for schema in [
            json!({"type": "nonsense"}),
            json!({"$ref": "http://127.0.0.1:9/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"properties": {"a": {"pattern": "(((a{1000}){1000}){1000})"}}}),
            json!({"description": "x".repeat(MAX_SCHEMA_BYTES)}),
        ] {
            let error = Schema::compile(&schema).unwrap_err();
            assert!(!error.is_empty() && error.len() < 1000, "{error}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let tree = json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["value"]});
        let schema = Schema::compile(&tree).unwrap();
        let error = schema.check(&json!({"value": 1, "next": {"next": {}, "value": 2}})).unwrap_err();
        assert!(error.to_string().contains("next.next"), "{error}");
    }

    #[test]
    fn a_pattern_that_backtracks_ends() {
        let schema =
            Schema::compile(&json!({"properties": {"a": {"pattern": "^(?=(a+)+$)(a|aa)+$"}}})).unwrap();
        assert!(schema.check(&json!({"a": format!("{}!", "a".repeat(200))})).is_err());
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-z$#/(\\[*]{0,6}".prop_map(Value::from),
            prop::sample::select(vec!["object", "string", "array", "#", "number"]).prop_map(Value::from),
        ];
        let keys = prop::sample::select(vec![
            "type",
            "properties",
            "items",
            "required",
            "enum",
            "anyOf",
            "not",
            "pattern",
            "minimum",
            "a",
            "$ref",
            "format",
            "minLength",
            "additionalProperties",
            "if",
            "then",
            "multipleOf",
        ]);
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(keys.clone().prop_map(str::to_owned), inner, 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn neither_schemas_nor_arguments_make_it_panic(schema in any_json(), arguments in any_json()) {
            if let Ok(schema) = Schema::compile(&schema) {
                let _ = schema.check(&arguments);
            }
        }
    }
}
