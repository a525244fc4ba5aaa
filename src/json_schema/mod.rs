//! Checks a value against a JSON Schema that comes from elsewhere, in bounded time: a call's arguments against the schema of its tool.

use std::sync::Arc;

use jsonschema::paths::LocationSegment;
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::blocking::{self, Pool};
use crate::limits::{
    SCHEMA_BYTES, SCHEMA_COMPILE_TIME, SCHEMA_COMPILES, SCHEMA_COMPILES_WAITING, SCHEMA_ERROR_BYTES,
    SCHEMA_ERRORS, SCHEMA_PATTERN_BYTES,
};
use crate::truncate::truncate;

mod bounds;

static COMPILES: Pool = Pool::new("schema", SCHEMA_COMPILES, SCHEMA_COMPILES_WAITING, SCHEMA_COMPILE_TIME);

/// Why there is no compiled schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// The schema has a fault, or is over a limit.
    #[error("{0}")]
    Schema(String),
    /// There is no thread or no time for it: the same schema may compile later.
    #[error(transparent)]
    Pool(#[from] blocking::Error),
}

/// Why a value does not fit a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at `{path}`: {message}")]
pub struct Mismatch {
    /// The place in the value, as in `items[2].price`; `.` for the whole.
    pub path: String,
    /// The fault.
    pub message: String,
}

/// A compiled JSON Schema. It fetches nothing: a reference to another document is refused. Its expansion, and the work of checking
/// a value, are bounded; its patterns take time that grows with the text.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    parameters: Arc<Value>,
}

impl Schema {
    /// Compiles a schema of the program's own tools, on this thread.
    ///
    /// # Errors
    ///
    /// The fault of the schema.
    pub fn compile(parameters: &Value) -> Result<Self, String> {
        let bytes = parameters.to_string().len();
        if bytes > SCHEMA_BYTES {
            return Err(format!("{bytes} bytes are more than the limit of {SCHEMA_BYTES}"));
        }
        bounds::schema(parameters)?;
        let patterns =
            PatternOptions::regex().size_limit(SCHEMA_PATTERN_BYTES).dfa_size_limit(SCHEMA_PATTERN_BYTES);
        let options = jsonschema::options().offline().with_pattern_options(patterns);
        let validator = options.build(parameters).map_err(|error| describe(&error))?;
        Ok(Self { validator, parameters: Arc::new(parameters.clone()) })
    }

    /// Compiles a schema that comes from elsewhere, off the runtime.
    ///
    /// # Errors
    ///
    /// See [`CompileError`].
    pub async fn compile_elsewhere(parameters: Value) -> Result<Arc<Self>, CompileError> {
        let compiled = COMPILES.run(move || Self::compile(&parameters)).await?;
        compiled.map(Arc::new).map_err(CompileError::Schema)
    }

    /// The schema as it was given.
    #[must_use]
    pub const fn parameters(&self) -> &Arc<Value> {
        &self.parameters
    }

    /// Checks a call's arguments.
    ///
    /// # Errors
    ///
    /// The first few mistakes.
    pub fn check(&self, arguments: &Value) -> Result<(), Mismatch> {
        bounds::check(&self.parameters, arguments)
            .map_err(|message| Mismatch { path: ".".to_owned(), message })?;
        let mut errors = self.validator.iter_errors(arguments);
        let Some(first) = errors.next() else { return Ok(()) };
        let mut message = describe(&first);
        for error in errors.by_ref().take(SCHEMA_ERRORS - 1) {
            message += &format!("; at `{}`: {}", path(&error), describe(&error));
        }
        if errors.next().is_some() {
            message += "; and more";
        }
        Err(Mismatch { path: path(&first), message })
    }
}

/// The fault, without the value itself: the model knows it, and it may be long.
fn describe(error: &ValidationError<'_>) -> String {
    truncate(error.masked_with("this").to_string(), SCHEMA_ERROR_BYTES).0
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
    if path.is_empty() { ".".to_owned() } else { truncate(path, SCHEMA_ERROR_BYTES).0 }
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
            json!({"description": "x".repeat(SCHEMA_BYTES)}),
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
        for schema in [
            json!({"$ref": "#"}),
            json!({"allOf": [{"$ref": "#"}]}),
            json!({"not": {"$ref": "#"}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}}),
        ] {
            if let Ok(schema) = Schema::compile(&schema) {
                let _ = schema.check(&json!({"a": 1}));
            }
        }
    }

    #[test]
    fn a_pattern_takes_no_longer_than_its_text() {
        let schema = Schema::compile(&json!({"properties": {"a": {"pattern": "^(a|aa)+$"}}})).unwrap();
        assert!(schema.check(&json!({"a": format!("{}!", "a".repeat(200))})).is_err());
        let error = Schema::compile(&json!({"pattern": "^(?=(a+)+$)(a|aa)+$"})).unwrap_err();
        assert!(error.contains("regex"), "{error}");
    }

    /// Definitions that refer to the next one, each `width` times.
    fn tower(height: usize, width: usize, kind: &str) -> Value {
        let mut defs = serde_json::Map::new();
        for n in 0..height {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            let list = vec![next.clone(); width];
            let definition = match kind {
                "properties" => {
                    let fields = (0..width).map(|m| (format!("p{m}"), next.clone()));
                    json!({"type": "object", "properties": fields.collect::<serde_json::Map<_, _>>()})
                }
                _ => json!({kind: list}),
            };
            defs.insert(format!("d{n}"), definition);
        }
        defs.insert(format!("d{height}"), json!({"type": "string"}));
        json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": defs})
    }

    #[test]
    fn a_schema_that_expands_without_end_is_refused_with_the_reason() {
        for kind in ["properties", "allOf", "anyOf", "oneOf", "prefixItems"] {
            let error = Schema::compile(&tower(20, 4, kind)).unwrap_err();
            assert!(error.contains("expand to more than"), "{kind}: {error}");
            Schema::compile(&tower(3, 4, kind)).unwrap();
        }
        let chain = Schema::compile(&tower(1_000, 1, "allOf")).unwrap_err();
        assert!(chain.contains("deep"), "{chain}");
        // Each of them refers to all others.
        let all: Vec<Value> = (0..12).map(|n| json!({"$ref": format!("#/$defs/d{n}")})).collect();
        let defs: serde_json::Map<_, _> = (0..12).map(|n| (format!("d{n}"), json!({"anyOf": all}))).collect();
        let knot = json!({"$ref": "#/$defs/d0", "$defs": defs});
        assert!(Schema::compile(&knot).unwrap_err().contains("more than"));
        for refused in [
            json!({"properties": {"a": {"$dynamicRef": "#a"}}}),
            json!({"properties": {"a": {"$id": "http://x/", "$ref": "y"}}}),
            json!({"properties": {"a": {"$ref": "#/nowhere"}}}),
            json!({"properties": {"a": {"$ref": "#anchor"}}, "$anchor": "anchor"}),
        ] {
            Schema::compile(&refused).unwrap_err();
        }
    }

    #[test]
    fn checking_that_takes_too_many_steps_is_refused() {
        let twice = json!({"properties": {"a": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}}});
        let schema = Schema::compile(&twice).unwrap();
        let mut deep = json!({});
        for _ in 0..40 {
            deep = json!({"a": deep});
        }
        let error = schema.check(&deep).unwrap_err().to_string();
        assert!(error.contains("takes more than"), "{error}");
        assert!(schema.check(&json!({"a": {"a": {"a": {}}}})).is_ok());
        let items = json!({"properties": {"a": {"items": {"enum": (0..1000).collect::<Vec<_>>()}}}});
        let schema = Schema::compile(&items).unwrap();
        assert!(schema.check(&json!({"a": vec![999; 10]})).is_ok());
        assert!(schema.check(&json!({"a": vec![999; 1000]})).is_err());
        let once = Schema::compile(&json!({"properties": {"a": {"pattern": "b$"}}})).unwrap();
        assert!(once.check(&json!({"a": format!("{}b", "a".repeat(40_000))})).is_ok());
        assert!(once.check(&json!({"a": "a".repeat(1_000_000)})).unwrap_err().to_string().contains("steps"));
    }

    /// The reported schema, and others of its kind: each is answered while another task goes on.
    #[tokio::test(flavor = "current_thread")]
    async fn a_schema_from_elsewhere_holds_up_no_other_task() {
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let ticks = tokio::spawn(async move {
            let mut count = 0_u64;
            while !*stopped.borrow_and_update() {
                count += 1;
                tokio::task::yield_now().await;
            }
            count
        });
        // As large as the limit allows, and its patterns as expensive.
        let heavy: Vec<Value> =
            (0..60).map(|n| json!({"pattern": format!("^([a-f]|{n}){{1,40}}$")})).collect();
        for (schema, is_refused) in [
            (tower(20, 4, "properties"), true),
            (tower(20, 4, "allOf"), true),
            (tower(5, 4, "properties"), false),
            (json!({"type": "object", "properties": {"a": {"anyOf": heavy}}}), false),
        ] {
            assert_eq!(Schema::compile_elsewhere(schema).await.is_err(), is_refused);
        }
        stop.send(true).unwrap();
        assert!(ticks.await.unwrap() > 4, "the other task did not go on");
    }

    #[test]
    fn each_keyword_is_a_step_whether_it_is_known_or_not() {
        let fields: Value =
            (0..4_000).map(|n| (n.to_string(), json!(1))).collect::<serde_json::Map<_, _>>().into();
        let many = |value: Value| -> Value {
            (0..900).map(|n| (format!("x{n}"), value.clone())).collect::<serde_json::Map<_, _>>().into()
        };
        let names = Schema::compile(&json!({"dependentRequired": many(json!(["0", "1", "2"]))})).unwrap();
        assert!(names.check(&fields).is_ok());
        for (keyword, schema) in [
            ("unknown keywords", json!({"additionalProperties": many(json!(1))})),
            ("an unknown map", json!({"unknown": many(json!(1))})),
            ("unevaluated", {
                let mut schema = many(json!(1));
                schema["unevaluatedProperties"] = json!(true);
                schema
            }),
        ] {
            let error = Schema::compile(&schema).unwrap().check(&fields).unwrap_err().to_string();
            assert!(error.contains("steps"), "{keyword}: {error}");
        }
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
