//! The JSON Schema of events, generated from the types.

use schemars::SchemaGenerator;
use serde_json::{Value, json};

use super::payload;

/// The schema of an event as it is published, with each type's payload (JSON Schema draft 2020-12).
///
/// Delivered events carry `seq` and `cursor` besides.
#[must_use]
pub fn schema() -> Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let mut schema = schema_in(&mut generator);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "Runbus event".into();
    schema["$defs"] = generator.take_definitions(true).into();
    schema
}

/// The same as a part of another document; types are defined where `generator` puts them.
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
    json!({
        "type": "object",
        "required": ["id", "type", "stream_id", "data", "timestamp"],
        "properties": {
            "id": { "type": "string", "format": "uuid", "description": "UUIDv7, made by the publisher" },
            "type": {
                "type": "string",
                "pattern": "^[a-z][a-z0-9_]{0,63}$",
                "description": "a type of the catalogue, or any other: unknown types are kept",
                "examples": known,
            },
            "stream_id": generator.subschema_for::<crate::id::StreamId>(),
            "node_id": generator.subschema_for::<crate::id::NodeId>(),
            "execution_id": generator.subschema_for::<crate::id::ExecutionId>(),
            "correlation_id": generator.subschema_for::<crate::id::CorrelationId>(),
            "session_id": generator.subschema_for::<crate::id::SessionId>(),
            "attempt": { "type": "integer", "minimum": 0 },
            "data": { "type": "object" },
            "timestamp": { "type": "string", "format": "date-time" },
            "seq": { "type": "integer", "minimum": 0, "description": "added on delivery: see docs/events.md" },
            "external": { "const": true, "description": "added on delivery: the publisher is no part of Runbus" },
            "cursor": { "type": "string", "description": "added on delivery: hand it back to resume after this event" },
        },
        "allOf": rules,
    })
}
