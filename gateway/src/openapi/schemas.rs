//! The schemas of bodies and answers, from the types.

use runbus::id::{ExecutionId, SessionId, StreamId};
use schemars::generate::{Contract, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::operation::SchemaOf;

/// Components of the document, collected while it is written. Schemas of requests and answers differ: a field with a
/// default may be left out of the one and is always in the other.
pub(super) struct Schemas {
    taken: SchemaGenerator,
    answered: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let generator = |contract: Contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
                settings.contract = contract;
                settings.transforms.push(Box::new(RecursiveTransform(bound)));
            });
            settings.into_generator()
        };
        Self { taken: generator(Contract::Deserialize), answered: generator(Contract::Serialize) }
    }

    /// The schema of request bodies.
    pub(super) fn taken(&mut self, schema: SchemaOf) -> Value {
        finished(&mut self.taken, schema)
    }

    /// The schema of answers.
    pub(super) fn answered(&mut self, schema: SchemaOf) -> Value {
        finished(&mut self.answered, schema)
    }

    /// All of them by name. A type that looks different in requests is there twice, once as `<name>Request`.
    pub(super) fn components(mut self, document: &mut Value) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        let mut taken = self.taken.take_definitions(true);
        let twice: Vec<String> = taken
            .iter()
            .filter(|(name, schema)| all.get(*name).is_some_and(|known| known != *schema))
            .map(|(name, _)| name.clone())
            .collect();
        for name in twice {
            let (old, new) =
                (format!("#/components/schemas/{name}"), format!("#/components/schemas/{name}Request"));
            for schema in taken.values_mut() {
                rename(schema, &old, &new);
            }
            rename_in_requests(document, &old, &new);
            if let Some(schema) = taken.remove(&name) {
                taken.insert(format!("{name}Request"), schema);
            }
        }
        all.extend(taken);
        all
    }
}

fn finished(generator: &mut SchemaGenerator, schema: SchemaOf) -> Value {
    let mut schema = schema(generator);
    for transform in generator.transforms_mut() {
        transform.transform(&mut schema);
    }
    schema.to_value()
}

/// Numbers of a known width have ends, which JSON Schema's formats do not say.
fn bound(schema: &mut Schema) {
    let most: Value = match schema.get("format").and_then(Value::as_str) {
        Some("uint32") => u32::MAX.into(),
        Some("uint64" | "uint") => u64::MAX.into(),
        _ => return,
    };
    if schema.get("maximum").is_none() {
        schema.insert("maximum".into(), most);
    }
}

fn rename(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "$ref" && text == old => *value = new.into(),
                    value => rename(value, old, new),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| rename(value, old, new)),
        _ => {}
    }
}

fn rename_in_requests(document: &mut Value, old: &str, new: &str) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        for part in ["requestBody", "parameters"] {
            if let Some(part) = operation.get_mut(part) {
                rename(part, old, new);
            }
        }
    }
}

/// The schema of a name in a path.
pub(super) fn in_path(name: &str) -> SchemaOf {
    match name {
        // Tasks and councils are executions, and agents are streams.
        "execution_id" | "task_id" | "run_id" => |generator| generator.subschema_for::<ExecutionId>(),
        "stream_id" | "agent_id" => |generator| generator.subschema_for::<StreamId>(),
        "session_id" => |generator| generator.subschema_for::<SessionId>(),
        _ => |_| json_schema!({ "type": "string", "minLength": 1 }),
    }
}

/// Any JSON object; for documents that other schemas describe.
#[derive(Debug)]
pub struct Object;

impl JsonSchema for Object {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Object".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

/// The schema of a refusal, for any code.
pub(super) fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": { "type": "string", "description": "stable: programs may compare it" },
                    "message": { "type": "string", "description": "for people; may change" },
                    "path": { "type": "string", "description": "the field or parameter that is wrong" },
                    "details": { "type": "object", "description": "the conflicting state" },
                },
            },
        },
    })
}
