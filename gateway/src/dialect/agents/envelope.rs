//! The envelope of everything that the server says on `/ws/agents`.

use runbus::time::Timestamp;
use serde_json::{Value, json};

/// The envelope's version.
const VERSION: &str = "1.0";

/// A message. `event` and `data` repeat `type` and `payload` for older clients. Without an agent `agentId` is `null`.
#[must_use]
pub fn envelope(kind: &str, agent: Option<&str>, at: Timestamp, payload: &Value) -> String {
    json!({
        "version": VERSION,
        "type": kind,
        "agentId": agent,
        "timestamp": at,
        "payload": payload,
        "event": kind,
        "data": payload,
    })
    .to_string()
}

/// An error. Clients that do not know it ignore it.
#[must_use]
pub fn error(agent: Option<&str>, at: Timestamp, code: &str, message: &str) -> String {
    envelope("error", agent, at, &json!({ "code": code, "message": message }))
}
