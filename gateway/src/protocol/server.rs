//! What the gateway says. Messages are made as text; events in them are the stored lines with their places added.

use runbus::log::{Cursor, Gap};
use serde::Serialize;
use serde_json::{Value, json};

use super::SUBPROTOCOL;
use crate::config::Config;

fn text(value: &Value) -> String {
    value.to_string()
}

/// The first message.
#[must_use]
pub fn hello(config: &Config) -> String {
    text(&json!({
        "type": "hello",
        "protocol": SUBPROTOCOL,
        "server": concat!("runbus/", env!("CARGO_PKG_VERSION")),
        "limits": {
            "max_message_bytes": config.max_message_bytes,
            "max_subscriptions": config.max_subscriptions,
            "idle_timeout_ms": config.idle_timeout_ms,
        },
    }))
}

/// A subscription stands; `cursor` resumes from where it begins.
#[must_use]
pub fn subscribed(id: &str, cursor: Option<&Cursor>) -> String {
    match cursor {
        Some(cursor) => text(&json!({ "type": "subscribed", "sub": id, "cursor": cursor })),
        None => text(&json!({ "type": "subscribed", "sub": id })),
    }
}

/// A subscription has ended.
#[must_use]
pub fn unsubscribed(id: &str) -> String {
    text(&json!({ "type": "unsubscribed", "sub": id }))
}

/// What was stored when the subscription began has been sent.
#[must_use]
pub fn caught_up(id: &str) -> String {
    text(&json!({ "type": "caught_up", "sub": id }))
}

/// The answer to `ping`.
#[must_use]
pub fn pong(nonce: Option<&str>) -> String {
    nonce.map_or_else(
        || text(&json!({ "type": "pong" })),
        |nonce| text(&json!({ "type": "pong", "nonce": nonce })),
    )
}

/// Something is wrong; the connection stays open.
#[must_use]
pub fn error(code: &str, message: &str, path: Option<&str>, id: Option<&str>) -> String {
    let mut value = json!({ "type": "error", "code": code, "message": message });
    if let Some(path) = path {
        value["path"] = path.into();
    }
    if let Some(id) = id {
        value["id"] = id.into();
    }
    text(&value)
}

#[derive(Serialize)]
struct GapFields<'a> {
    requested: &'a Cursor,
    first_available: &'a Cursor,
    reason: runbus::log::GapReason,
}

/// The fields of a `gap` message, behind its `type` and `sub`.
#[must_use]
pub fn gap_fields(gap: &Gap) -> String {
    let requested = Cursor::start().with(gap.shard, gap.requested);
    let first_available = Cursor::start().with(gap.shard, gap.resumes());
    let fields = GapFields { requested: &requested, first_available: &first_available, reason: gap.reason };
    serde_json::to_string(&fields).unwrap_or_default()
}

/// A message about one subscription: `type`, `sub`, and the fields of a JSON object.
#[must_use]
pub fn about(kind: &str, id: &str, fields: &str) -> String {
    let rest = fields.strip_prefix('{').unwrap_or("}");
    let id = Value::from(id);
    format!("{{\"type\":\"{kind}\",\"sub\":{id},{rest}")
}

/// The beginning of an `events` message; events follow, separated by commas, then [`EVENTS_END`].
#[must_use]
pub fn events_begin(id: &str) -> String {
    let id = Value::from(id);
    format!("{{\"type\":\"events\",\"sub\":{id},\"events\":[")
}

/// The end of an `events` message.
pub const EVENTS_END: &str = "]}";
