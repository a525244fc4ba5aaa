//! The contracts of the WebSocket: every message of clients and gateway as a JSON Schema, and as an AsyncAPI document.
//!
//! - [`messages`]: one object for each message, from the types
//! - `asyncapi`: the document around them
//!
//! A message that is not listed in [`messages`] is in no contract: the tests compare each message that they receive.

mod asyncapi;
pub mod messages;

use runbus::schema;
use serde_json::{Value, json};

use messages::{Message, Messages};

/// Where the schemas are in [`protocol`].
pub(crate) const DEFINITIONS: &str = "#/$defs";

/// The schema of every message of the WebSocket in both directions (JSON Schema draft 2020-12).
#[must_use]
pub fn protocol() -> Value {
    let Messages { client, server, mut definitions } = messages::all();
    let union = |messages: &[Message], description: &str| {
        let names: Vec<String> = messages.iter().map(|message| message.name.clone()).collect();
        json!({
            "description": description,
            "type": "object",
            "required": ["type"],
            "discriminator": { "propertyName": "type" },
            "oneOf": schema::references(DEFINITIONS, &names),
        })
    };
    definitions.insert("ClientMessage".into(), union(&client, "A message of a client."));
    definitions.insert("ServerMessage".into(), union(&server, "A message of the gateway."));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ProtocolMessage",
        "description": "A message of the gateway's WebSocket (subprotocols runbus.v1, in JSON, and runbus.v1.cbor, the same in CBOR). \
            In words: docs/protocol.md. Readers ignore fields and types that they do not know. Of the gateway's messages an optional \
            field is absent where it has no value.",
        "oneOf": schema::references(DEFINITIONS, &["ClientMessage".into(), "ServerMessage".into()]),
        "$defs": definitions,
    })
}

/// The AsyncAPI 3 document of the WebSocket.
#[must_use]
pub fn asyncapi() -> Value {
    asyncapi::document(messages::all())
}
