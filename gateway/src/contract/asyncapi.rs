//! The AsyncAPI document of the WebSocket.

use runbus::schema::change_references;
use serde_json::{Map, Value, json};

use super::DEFINITIONS;
use super::messages::{Message, Messages};
use crate::auth::credential;
use crate::protocol::Encoding;

/// Where the schemas are in this document.
const SCHEMAS: &str = "#/components/schemas";
/// The one channel.
const CHANNEL: &str = "websocket";

/// The document.
pub(super) fn document(messages: Messages) -> Value {
    let Messages { client, server, definitions } = messages;
    let mut schemas = Value::from(definitions);
    change_references(&mut schemas, &|reference| {
        Some(format!("{SCHEMAS}{}", reference.strip_prefix(DEFINITIONS)?))
    });
    // Here it would be a text with another meaning.
    remove(&mut schemas, "discriminator");
    let mut components = Map::new();
    let mut channel = Map::new();
    let mut add = |name: &str, kind: &str, summary: &str| {
        if components.contains_key(name) {
            return;
        }
        let mut message = json!({
            "name": kind,
            "title": name,
            "summary": summary,
            "contentType": "application/json",
            "payload": { "$ref": format!("{SCHEMAS}/{name}") },
        });
        if schemas[name]["properties"].get("id").is_some() {
            message["correlationId"] = json!({
                "location": "$message.payload#/id",
                "description": "The answer has the `id` of the message that it answers; `subscribed` has it as `sub`.",
            });
        }
        components.insert(name.into(), message);
        channel.insert(name.into(), json!({ "$ref": format!("#/components/messages/{name}") }));
    };
    for Message { kind, name, summary, .. } in client.iter().chain(&server) {
        add(name, kind, summary);
    }
    for answer in client.iter().flat_map(|message| &message.answers) {
        add(answer, "ok", schemas[answer]["description"].as_str().unwrap_or_default());
    }
    let subprotocols: Vec<&str> = Encoding::ALL.iter().map(|encoding| encoding.subprotocol()).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Runbus gateway",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events of agent executions as they happen, and commands to them, over a WebSocket. In words: docs/protocol.md. \
                REST and event streams: docs/openapi.json.",
            "license": { "name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0" },
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "127.0.0.1:8700",
                "protocol": "ws",
                "description": "A gateway on the default address; `wss` where it has a certificate.",
                "security": [
                    { "$ref": "#/components/securitySchemes/bearer" },
                    { "$ref": "#/components/securitySchemes/api_key" },
                    { "$ref": "#/components/securitySchemes/stream_token" },
                ],
            },
        },
        "channels": {
            CHANNEL: {
                "address": "/v1/ws",
                "title": "The WebSocket of a gateway",
                "description": "One connection for any number of subscriptions and commands. `hello` is the first message. Authentication may be \
                    disabled, or follow in band (`auth`): docs/auth.md.",
                "servers": [{ "$ref": "#/servers/gateway" }],
                "messages": channel,
                "bindings": {
                    "ws": {
                        "method": "GET",
                        "headers": {
                            "type": "object",
                            "properties": {
                                "Sec-WebSocket-Protocol": {
                                    "type": "string",
                                    "enum": subprotocols,
                                    "description": "the form of the messages; without it they are JSON",
                                },
                            },
                        },
                        "bindingVersion": "0.1.0",
                    },
                },
            },
        },
        "operations": operations(&client, &server),
        "components": {
            "messages": components,
            "schemas": schemas,
            "securitySchemes": security(),
        },
    })
}

/// The operations, as the gateway sees them: it receives what clients send.
fn operations(client: &[Message], server: &[Message]) -> Map<String, Value> {
    let mut operations = Map::new();
    for Message { kind, name, summary, answers } in client {
        operations.insert(
            (*kind).into(),
            json!({
                "action": "receive",
                "summary": summary,
                "channel": { "$ref": format!("#/channels/{CHANNEL}") },
                "messages": [in_channel(name)],
                "reply": {
                    "channel": { "$ref": format!("#/channels/{CHANNEL}") },
                    "messages": answers.iter().map(|answer| in_channel(answer)).collect::<Vec<_>>(),
                },
            }),
        );
    }
    for Message { kind, name, summary, .. } in server {
        operations.insert(
            format!("send_{kind}"),
            json!({
                "action": "send",
                "summary": summary,
                "channel": { "$ref": format!("#/channels/{CHANNEL}") },
                "messages": [in_channel(name)],
            }),
        );
    }
    operations
}

/// The ways to authenticate.
fn security() -> Value {
    json!({
        "bearer": { "type": "http", "scheme": "bearer", "description": "a JWT, a stream token or an API key" },
        "api_key": { "type": "httpApiKey", "in": "header", "name": "x-api-key", "description": "an API key" },
        "stream_token": {
            "type": "httpApiKey",
            "in": "query",
            "name": credential::PARAMETER,
            "description": "a stream token of `POST /v1/auth/tokens`",
        },
    })
}

fn in_channel(name: &str) -> Value {
    json!({ "$ref": format!("#/channels/{CHANNEL}/messages/{name}") })
}

/// Removes a keyword from all schemas.
fn remove(value: &mut Value, keyword: &str) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove(keyword);
            fields.values_mut().for_each(|value| remove(value, keyword));
        }
        Value::Array(all) => all.iter_mut().for_each(|value| remove(value, keyword)),
        _ => {}
    }
}
