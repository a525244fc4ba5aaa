//! The gateway's messages ([`said`]). They are made as JSON and written in the client's encoding; for events see [`super::events`].

use std::sync::LazyLock;

use runbus::control;
use runbus::log::{Cursor, Gap};
use runbus::metrics;
use runbus::time::Timestamp;
use serde_json::{Value, json};

use super::said::{self, Said};
use super::{Encoding, Text};
use crate::config::Config;
use crate::limits;

fn text(message: &impl Said) -> String {
    message.value().to_string()
}

/// The first message. `auth`: `none` is asked for, `required` in band, or `ok`.
#[must_use]
pub fn hello(config: &Config, encoding: Encoding, auth: &str) -> String {
    text(&said::Hello {
        protocol: encoding.subprotocol(),
        auth,
        server: concat!("runbus/", env!("CARGO_PKG_VERSION")),
        limits: said::HelloLimits {
            max_message_bytes: config.max_message_bytes,
            max_subscriptions: config.max_subscriptions,
            max_commands: limits::COMMANDS,
            max_batch: limits::BATCH_EVENTS,
            idle_timeout_ms: config.idle_timeout_ms,
        },
    })
}

/// A credential counts, until `expires_at`.
#[must_use]
pub fn auth_ok(expires_at: Option<Timestamp>) -> String {
    text(&said::AuthOk { expires_at })
}

/// A subscription stands; `cursor` resumes from where it begins.
#[must_use]
pub fn subscribed(id: &str, cursor: Option<&Cursor>) -> String {
    about(id, &begun(cursor))
}

/// The same in a stream that is one subscription.
#[must_use]
pub fn begun(cursor: Option<&Cursor>) -> String {
    text(&said::Subscribed { cursor })
}

/// The gateway ends a stream; `code` is the close code that a WebSocket would get.
#[must_use]
pub fn closed(code: u16, reason: &str) -> Text {
    let message = json!({ "type": "closed", "code": code, "reason": reason }).to_string();
    Text::new(None, "closed", &[&message])
}

/// A subscription has ended.
#[must_use]
pub fn unsubscribed(id: &str) -> String {
    about(id, &text(&said::Unsubscribed {}))
}

/// The answer to `ping`.
#[must_use]
pub fn pong(nonce: Option<&str>) -> String {
    text(&said::Pong { nonce })
}

/// Counts every error that a client gets.
fn count(code: &str) {
    metrics::gateway::REFUSALS.of(metrics::Refused::of(code)).inc();
}

/// Something is wrong; the connection stays open.
#[must_use]
pub fn error(code: &str, message: &str, path: Option<&str>, id: Option<&str>) -> String {
    count(code);
    text(&said::Error { code, message, path, id, details: None })
}

/// A command was not followed.
#[must_use]
pub fn refused(id: &str, error: &control::Error) -> String {
    failed(id, error.code(), &error.to_string(), error.path(), error.details())
}

/// The same, in parts.
#[must_use]
pub fn failed(id: &str, code: &str, message: &str, path: Option<&str>, details: Option<Value>) -> String {
    count(code);
    text(&said::Error { code, message, path, id: Some(id), details })
}

/// A command is durable; `result` is an object.
#[must_use]
pub fn ok(id: &str, mut result: Value) -> String {
    result["type"] = "ok".into();
    result["id"] = id.into();
    result.to_string()
}

/// Events are missing.
#[must_use]
pub fn gap(gap: &Gap) -> Text {
    let message = text(&said::Gap {
        requested: Cursor::start().with(gap.shard, gap.requested),
        first_available: Cursor::start().with(gap.shard, gap.resumes()),
        reason: gap.reason,
    });
    Text::new(None, "gap", &[&message])
}

/// The snapshot of an execution, as JSON; `cursor` is the place behind its events.
#[must_use]
pub fn snapshot(cursor: &Cursor, snapshot: &str) -> Text {
    let begin = format!("{{\"type\":\"snapshot\",\"cursor\":\"{cursor}\",\"snapshot\":");
    Text::new(Some(cursor), "snapshot", &[&begin, snapshot, "}"])
}

/// The events stored when the subscription began have been sent.
pub fn caught_up() -> &'static Text {
    static TEXT: LazyLock<Text> =
        LazyLock::new(|| Text::new(None, "caught_up", &[r#"{"type":"caught_up"}"#]));
    &TEXT
}

/// A message about one of several subscriptions: a JSON object that is not empty, and `sub`.
#[must_use]
pub fn about(id: &str, json: &str) -> String {
    let fields = json.strip_suffix('}').unwrap_or(json);
    let id = Value::from(id);
    format!("{fields},\"sub\":{id}}}")
}
