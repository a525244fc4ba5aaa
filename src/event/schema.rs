//! The JSON Schema of events, generated from the types.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::payload;
use crate::schema;

/// The fields that every event has.
const REQUIRED: [&str; 5] = ["id", "type", "stream_id", "data", "timestamp"];
/// The fields that delivery adds to every event.
const DELIVERED: [&str; 2] = ["seq", "cursor"];
/// The pattern of event types.
const TYPE_PATTERN: &str = "^[a-z][a-z0-9_]{0,63}$";

/// The events that a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Published or delivered: the fields that delivery adds are optional.
    Any,
    /// Delivered: the fields that delivery adds are required.
    Delivered,
}

/// One named object for each event type of the catalogue, and one for every other type.
#[derive(Debug)]
pub struct Union {
    /// The names of the objects, in the order of the catalogue.
    pub known: Vec<String>,
    /// The name of the object of types that are not in the catalogue.
    pub other: String,
    /// The objects and their payloads by name. The generator holds the types that these use.
    pub definitions: Map<String, Value>,
}

/// The schema of an event whose type is in the catalogue (JSON Schema draft 2020-12): a union by `type`.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let Union { known, mut definitions, .. } = union(&mut generator, Form::Any);
    definitions.extend(generator.take_definitions(true));
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "KnownEvent",
        "description": "An event whose type is in the catalogue, as it is published or delivered. Readers also get events of other \
            types (OtherEvent) and keep them. An optional field is absent: Runbus never writes null for it. A reader takes null \
            of another publisher as absent.",
        "type": "object",
        "required": ["type"],
        "discriminator": { "propertyName": "type" },
        "oneOf": schema::references("#/$defs", &known),
        "$defs": definitions,
    });
    schema::optional_is_absent(&mut schema);
    schema
}

/// The objects of events, for a document. The types that their fields use are defined where `generator` puts them.
#[must_use]
pub fn union(generator: &mut SchemaGenerator, form: Form) -> Union {
    let at = format!("#{}", generator.settings().definitions_path);
    let mut known = Vec::new();
    let mut definitions = Map::new();
    for (kind, class, payload) in payload::objects(generator) {
        let (name, data) = (schema::pascal(kind) + "Event", schema::pascal(kind) + "Data");
        let kind = json!({ "type": "string", "const": kind });
        let mut event = object(generator, form, kind, json!({ "$ref": format!("{at}/{data}") }));
        event["x-class"] = json!(class);
        if let Some(description) = payload.get("description") {
            event["description"] = description.clone();
        }
        definitions.insert(data, payload.to_value());
        definitions.insert(name.clone(), event);
        known.push(name);
    }
    let kinds: Vec<&str> = super::Kind::ALL.iter().map(super::Kind::as_str).collect();
    let kind = json!({ "type": "string", "pattern": TYPE_PATTERN, "not": { "enum": kinds } });
    let mut event = object(generator, form, kind, json!({ "type": "object" }));
    event["description"] = "An event of a type that is not in the catalogue: readers keep it.".into();
    let other = String::from("OtherEvent");
    definitions.insert(other.clone(), event);
    Union { known, other, definitions }
}

/// The object of one event type.
fn object(generator: &mut SchemaGenerator, form: Form, kind: Value, data: Value) -> Value {
    let mut required = REQUIRED.to_vec();
    if form == Form::Delivered {
        required.extend(DELIVERED);
    }
    let mut properties = envelope(generator, kind, data);
    properties["merged"] = json!({
        "type": "integer",
        "minimum": 1,
        "description": "added on delivery: how many consecutive deltas this one stands for; absent: one",
    });
    json!({ "type": "object", "required": required, "properties": properties })
}

/// The fields of an event.
fn envelope(generator: &mut SchemaGenerator, kind: Value, data: Value) -> Value {
    json!({
        "id": { "type": "string", "format": "uuid", "description": "UUIDv7, made by the publisher" },
        "type": kind,
        "stream_id": generator.subschema_for::<crate::id::StreamId>(),
        "node_id": generator.subschema_for::<crate::id::NodeId>(),
        "execution_id": generator.subschema_for::<crate::id::ExecutionId>(),
        "correlation_id": generator.subschema_for::<crate::id::CorrelationId>(),
        "session_id": generator.subschema_for::<crate::id::SessionId>(),
        "attempt": { "type": "integer", "minimum": 0 },
        "data": data,
        "timestamp": { "type": "string", "format": "date-time" },
        "seq": { "type": "integer", "minimum": 0, "description": "added on delivery: see docs/events.md" },
        "external": { "const": true, "description": "added on delivery: the publisher is no part of Runbus" },
        "cursor": { "type": "string", "description": "added on delivery: hand it back to resume after this event" },
    })
}

/// Any event as one object with a rule for each type, as a part of another document; types are defined where `generator` puts them.
#[must_use]
pub fn schema_in(generator: &mut SchemaGenerator) -> Value {
    let payloads = payload::schemas(generator);
    let known: Vec<&str> = payloads.iter().map(|(kind, _, _)| *kind).collect();
    let rules: Vec<Value> = payloads
        .iter()
        .map(|(kind, class, schema)| {
            json!({
                "if": { "properties": { "type": { "const": kind } }, "required": ["type"] },
                "then": { "properties": { "data": schema } },
                "x-class": class,
            })
        })
        .collect();
    let kind = json!({
        "type": "string",
        "pattern": TYPE_PATTERN,
        "description": "a type of the catalogue, or any other: unknown types are kept",
        "examples": known,
    });
    json!({
        "type": "object",
        "required": REQUIRED,
        "properties": envelope(generator, kind, json!({ "type": "object" })),
        "allOf": rules,
    })
}
