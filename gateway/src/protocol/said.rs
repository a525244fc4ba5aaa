//! The gateway's messages as types: [`super::server`] writes them, and the contracts of messages are made from them (`crate::contract`). `type`
//! and `sub`, the subscription that a message is about, are added to each where it is written.

use runbus::control::presence::Watcher;
use runbus::id::ExecutionId;
use runbus::log::{Cursor, GapReason};
use runbus::monitor::{Monitor, Revision};
use runbus::snapshot::Snapshot;
use runbus::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A message of the gateway.
pub trait Said: Serialize {
    /// Its `type`.
    const TYPE: &'static str;

    /// The message, as a value.
    fn value(&self) -> Value {
        let mut message = Map::from_iter([("type".to_owned(), Value::from(Self::TYPE))]);
        // Texts, numbers and times: they have a JSON form.
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            message.extend(fields);
        }
        message.into()
    }
}

/// The first message of a connection.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Hello<'a> {
    /// The subprotocol of the connection.
    #[schemars(extend("enum" = ["runbus.v1", "runbus.v1.cbor"]))]
    pub protocol: &'a str,
    /// `none`: authentication is disabled. `required`: the client must send `auth`. `ok`: the handshake had a valid credential.
    #[schemars(extend("enum" = ["none", "required", "ok"]))]
    pub auth: &'a str,
    /// The program and its version.
    pub server: &'a str,
    /// The limits of the connection.
    pub limits: HelloLimits,
}

/// The limits of a connection.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HelloLimits {
    /// Bytes of a client's message, at most.
    pub max_message_bytes: usize,
    /// Subscriptions, monitors and lists, at most.
    pub max_subscriptions: usize,
    /// Commands at work at the same time, at most.
    pub max_commands: usize,
    /// Events of one `events` message, at most.
    pub max_batch: usize,
    /// The gateway closes the connection after so long without a sign of life.
    pub idle_timeout_ms: u64,
}

/// The credential is valid.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuthOk {
    /// Until then; `null`: without end.
    pub expires_at: Option<Timestamp>,
}

/// A subscription, a monitor or a list has begun.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Subscribed<'a> {
    /// The place where the subscription begins: hand it back to resume from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub cursor: Option<&'a Cursor>,
}

/// A subscription, a monitor or a list has ended.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Unsubscribed {}

/// The answer to `ping`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pong<'a> {
    /// As in the `ping`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<&'a str>,
}

/// A message of the client was not followed. The connection stays open.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Error<'a> {
    /// A stable code: programs may compare it.
    pub code: &'a str,
    /// The cause in words; it may change.
    pub message: &'a str,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    /// The subscription or command that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    /// The conflicting state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// Events are missing: both places as cursors. The next events follow.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Gap {
    /// The place where the reader stood.
    #[schemars(with = "String")]
    pub requested: Cursor,
    /// The place where it goes on.
    #[schemars(with = "String")]
    pub first_available: Cursor,
    /// Why.
    pub reason: GapReason,
}

/// The state of an execution, behind `subscribed` and before any event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SnapshotShown {
    /// The place behind the events that are in.
    #[schemars(with = "String")]
    pub cursor: Cursor,
    /// The state.
    pub snapshot: Snapshot,
}

/// The events that were stored when the subscription began have been sent; live events follow.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaughtUp {}

/// A stored line that is no event.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Undecodable {
    /// The line as text; of a long one the beginning.
    pub line: String,
    /// Its bytes in base64, where they are no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_base64: Option<String>,
    /// How many bytes the line has, where it is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_bytes: Option<u64>,
    /// The fault of the line.
    pub reason: String,
    /// As of an event.
    pub seq: u64,
    /// As of an event.
    #[schemars(with = "String")]
    pub cursor: Cursor,
}

/// The watchers of an execution have changed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PresenceChanged {
    /// Which.
    pub execution_id: ExecutionId,
    /// Subscriptions, over all gateways.
    pub count: u64,
    /// Those who joined since the last message.
    pub joined: Vec<Watcher>,
    /// Those who left since then.
    pub left: Vec<Watcher>,
}

/// The whole monitor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MonitorSnapshot {
    /// Counts up with every change; no gateway knows another one's.
    pub revision: Revision,
    /// The monitor.
    pub monitor: Monitor,
}

/// The change of a monitor from one revision to another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MonitorPatch {
    /// The revision that the patch applies to.
    pub base: Revision,
    /// The revision that it leads to.
    pub revision: Revision,
    /// The operations in order (JSON Patch, RFC 6902).
    pub patch: Vec<PatchOperation>,
}

/// An operation of a JSON Patch.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PatchOperation {
    /// Its kind.
    #[schemars(extend("enum" = ["add", "remove", "replace", "move", "copy", "test"]))]
    pub op: String,
    /// The place, a JSON Pointer.
    pub path: String,
    /// The place to take from, of `move` and `copy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The value, of `add`, `replace` and `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

macro_rules! types {
    ($($kind:literal: $name:ty;)*) => {
        $(impl Said for $name {
            const TYPE: &'static str = $kind;
        })*
    };
}

types! {
    "hello": Hello<'_>;
    "auth_ok": AuthOk;
    "subscribed": Subscribed<'_>;
    "unsubscribed": Unsubscribed;
    "pong": Pong<'_>;
    "error": Error<'_>;
    "gap": Gap;
    "snapshot": SnapshotShown;
    "caught_up": CaughtUp;
    "undecodable": Undecodable;
    "presence": runbus::control::presence::Presence;
    "presence_changed": PresenceChanged;
    "monitor_snapshot": MonitorSnapshot;
    "monitor_patch": MonitorPatch;
}
