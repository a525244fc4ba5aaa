//! Messages of clients.

use std::borrow::Cow;
use std::sync::Arc;

use runbus::bus::Filter;
use runbus::config::Secret;
use runbus::id::StreamId;
use runbus::json;
use runbus::log::{Cursor, Since};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::command::{Action, Command};
use super::list::List;
use super::start::Start;
use crate::limits;

/// A message of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Begin to send events.
    Subscribe(Subscribe),
    /// Stop sending them.
    Unsubscribe {
        /// Which subscription.
        id: String,
    },
    /// A credential: the first one, or a fresh one of the same subject.
    Auth {
        /// A token or a key.
        token: Secret,
    },
    /// Answer with `pong`.
    Ping {
        /// Given back.
        nonce: Option<String>,
    },
    /// Begin to send a monitor.
    Monitor(Monitor),
    /// Begin to send a list as it changes.
    List(Box<List>),
    /// Do something; answered when it is durable.
    Command(Box<Command>),
}

/// Begin to send events.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The client's name for it.
    pub id: String,
    /// Which events.
    #[serde(default, deserialize_with = "json::object::only")]
    pub filter: Filter,
    /// Where to begin.
    #[serde(default = "new", deserialize_with = "since")]
    #[schemars(schema_with = "since_schema")]
    pub since: Start,
    /// Whether consecutive deltas of one message may come as one event; `None`: when the client falls behind.
    #[serde(default)]
    pub coalesce: Option<bool>,
    /// Events in one message, at most.
    #[serde(default)]
    pub batch: BatchSize,
    /// Also send the watchers of the filter's execution, with each join and leave.
    #[serde(default)]
    pub presence: bool,
    /// Under which label others see this subscription, beside its credential's subject.
    #[serde(default)]
    pub label: Option<Label>,
}

/// Events in one message: 1 to [`limits::BATCH_EVENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct BatchSize(pub usize);

impl Default for BatchSize {
    fn default() -> Self {
        Self(limits::BATCH_EVENTS)
    }
}

impl TryFrom<u64> for BatchSize {
    type Error = String;

    fn try_from(wanted: u64) -> Result<Self, Self::Error> {
        let known = usize::try_from(wanted).ok().filter(|wanted| (1..=limits::BATCH_EVENTS).contains(wanted));
        known.map(Self).ok_or_else(|| format!("1 to {} is needed", limits::BATCH_EVENTS))
    }
}

/// Begin to send a monitor: of one stream, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// The client's name for it; one name space with its subscriptions.
    pub id: String,
    /// The stream; absent: all.
    #[serde(default)]
    pub stream_id: Option<StreamId>,
}

/// A watcher's own label: 1 to [`limits::LABEL_BYTES`] bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label(pub Arc<str>);

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() || text.len() > limits::LABEL_BYTES || text.chars().any(char::is_control) {
            let wrong = format!("1 to {} bytes without control characters are needed", limits::LABEL_BYTES);
            return Err(serde::de::Error::custom(wrong));
        }
        Ok(Self(text.into()))
    }
}

impl JsonSchema for BatchSize {
    fn schema_name() -> Cow<'static, str> {
        "BatchSize".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": limits::BATCH_EVENTS })
    }
}

impl JsonSchema for Label {
    fn schema_name() -> Cow<'static, str> {
        "Label".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "maxLength": limits::LABEL_BYTES,
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$",
        })
    }
}

const fn new() -> Start {
    Start::At(Since::New)
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireSince {
    New,
    All,
    Snapshot,
    Cursor(Cursor),
}

fn since<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Start, D::Error> {
    Ok(match WireSince::deserialize(deserializer)? {
        WireSince::New => Since::New.into(),
        WireSince::All => Since::All.into(),
        WireSince::Snapshot => Start::Snapshot,
        WireSince::Cursor(cursor) => Since::After(cursor).into(),
    })
}

fn since_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "oneOf": [
            {
                "type": "string",
                "enum": ["new", "all", "snapshot"],
                "description": "`new`: events stored from now on. `all`: the oldest event that is left. `snapshot`: the state of the \
                    filter's execution, then the events behind it.",
            },
            {
                "type": "object",
                "required": ["cursor"],
                "properties": { "cursor": { "type": "string", "minLength": 1, "maxLength": runbus::limits::CURSOR_BYTES } },
                "additionalProperties": false,
                "description": "behind an event's cursor, or the cursor of a `subscribed`",
            },
        ],
        "default": "new",
    })
}

/// End a subscription, a monitor or a list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unsubscribe {
    /// Which.
    id: String,
}

/// A credential: the first one, or a fresh one of the same subject.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    /// A token or an API key.
    token: Secret,
}

/// Ask for `pong`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ping {
    /// Given back.
    #[serde(default)]
    nonce: Option<String>,
}

/// Why a message cannot be followed. The connection stays open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// It is no JSON object with a text `type`.
    #[error("{0}")]
    Json(String),
    /// The same in CBOR.
    #[error("{0}")]
    Cbor(String),
    /// There is no such command.
    #[error("there is no command {name:?}")]
    Command {
        /// The given name.
        name: String,
        /// The request that it was, as far as that is known.
        id: Option<String>,
    },
    /// A field is missing, unknown or wrong.
    #[error("{path}: {message}")]
    Field {
        /// Which.
        path: String,
        /// The fault.
        message: String,
        /// The subscription or request that it was about, as far as that is known.
        id: Option<String>,
    },
}

impl Invalid {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(_) => "invalid_json",
            Self::Cbor(_) => "invalid_cbor",
            Self::Command { .. } => "unknown_command",
            Self::Field { .. } => "invalid_argument",
        }
    }

    /// The field that is wrong, if one is.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Field { path, .. } => Some(path),
            Self::Json(_) | Self::Cbor(_) | Self::Command { .. } => None,
        }
    }

    /// The subscription or request that it was about, as far as that is known.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Field { id, .. } | Self::Command { id, .. } => id.as_deref(),
            Self::Json(_) | Self::Cbor(_) => None,
        }
    }
}

impl Message {
    /// Reads a message in JSON.
    ///
    /// # Errors
    /// See [`Invalid`].
    pub fn decode(text: &str) -> Result<Self, Invalid> {
        let value = json::from_str(text).map_err(|error| Invalid::Json(error.to_string()))?;
        let mut message = Self::read(value)?;
        if let Self::Command(command) = &mut message
            && let Action::Publish(publish) = &mut command.action
        {
            publish.keep(text);
        }
        Ok(message)
    }

    /// Reads a message, in any encoding.
    ///
    /// # Errors
    /// See [`Invalid`].
    pub fn read(mut value: serde_json::Value) -> Result<Self, Invalid> {
        let Some(fields) = value.as_object_mut() else {
            return Err(Invalid::Json("a message is an object".into()));
        };
        let Some(serde_json::Value::String(kind)) = fields.remove("type") else {
            return Err(Invalid::Field { path: "type".into(), message: "a text is needed".into(), id: None });
        };
        let id = fields.get("id").and_then(serde_json::Value::as_str).map(str::to_owned);
        let message = match kind.as_str() {
            "subscribe" => Self::Subscribe(typed(value, id)?),
            "unsubscribe" => {
                typed::<Unsubscribe>(value, id).map(|found| Self::Unsubscribe { id: found.id })?
            }
            "auth" => typed::<Auth>(value, id).map(|found| Self::Auth { token: found.token })?,
            "monitor" => Self::Monitor(typed(value, id)?),
            "list" => Self::List(Box::new(List::read(value, id)?)),
            "ping" => typed::<Ping>(value, id).map(|found| Self::Ping { nonce: found.nonce })?,
            _ => {
                let fields = std::mem::take(fields);
                let command = Command::decode(&kind, fields).ok_or(Invalid::Command { name: kind, id })?;
                Self::Command(Box::new(command?))
            }
        };
        let id = match &message {
            Self::List(list) => Some(&list.id),
            Self::Subscribe(Subscribe { id, .. })
            | Self::Monitor(Monitor { id, .. })
            | Self::Unsubscribe { id } => Some(id),
            Self::Command(command) => Some(&command.id),
            Self::Auth { .. } | Self::Ping { .. } => None,
        };
        if let Some(id) = id
            && (id.is_empty() || id.len() > limits::SUBSCRIPTION_ID_BYTES)
        {
            let message = format!("1 to {} bytes are needed", limits::SUBSCRIPTION_ID_BYTES);
            return Err(Invalid::Field { path: "id".into(), message, id: None });
        }
        Ok(message)
    }
}

pub(super) fn typed<T: serde::de::DeserializeOwned>(
    value: serde_json::Value,
    id: Option<String>,
) -> Result<T, Invalid> {
    json::read(value).map_err(|fault| Invalid::Field {
        path: fault.path,
        message: fault.error.to_string(),
        id,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_are_read() {
        let text = r#"{"type":"subscribe","id":"a","filter":{"execution_id":"run-1","types":["custom"]},"since":"all"}"#;
        let Message::Subscribe(subscribe) = Message::decode(text).unwrap() else { panic!() };
        assert_eq!((subscribe.id.as_str(), &subscribe.since), ("a", &Start::At(Since::All)));
        assert_eq!(subscribe.filter.execution_id.unwrap().as_str(), "run-1");
        let cursor = Cursor::start();
        let text = format!(r#"{{"type":"subscribe","id":"a","since":{{"cursor":"{cursor}"}}}}"#);
        let Message::Subscribe(subscribe) = Message::decode(&text).unwrap() else { panic!() };
        assert_eq!(subscribe.since, Start::At(Since::After(cursor)));
        let text = r#"{"type":"subscribe","id":"a","since":"snapshot","coalesce":false}"#;
        let Message::Subscribe(subscribe) = Message::decode(text).unwrap() else { panic!() };
        assert_eq!((subscribe.since, subscribe.coalesce), (Start::Snapshot, Some(false)));
        assert_eq!(Message::decode(r#"{"type":"ping"}"#).unwrap(), Message::Ping { nonce: None });
    }

    #[test]
    fn faults_have_a_code_and_a_path() {
        for (text, code, start) in [
            ("{", "invalid_json", ""),
            ("[1]", "invalid_json", "a message"),
            (r#"{"id":"a"}"#, "invalid_argument", "type"),
            (r#"{"type":"fly"}"#, "unknown_command", "there is no"),
            (r#"{"type":"subscribe"}"#, "invalid_argument", ""),
            (r#"{"type":"subscribe","id":""}"#, "invalid_argument", "id"),
            (
                r#"{"type":"subscribe","id":"a","filter":{"stream_id":""}}"#,
                "invalid_argument",
                "filter.stream_id",
            ),
            (
                r#"{"type":"subscribe","id":"a","filter":{"types":["Not A Type"]}}"#,
                "invalid_argument",
                "filter.types[0]",
            ),
            (r#"{"type":"subscribe","id":"a","filter":[[]]}"#, "invalid_argument", "filter"),
            (r#"{"type":"subscribe","id":"a","since":{"cursor":"x"}}"#, "invalid_argument", "since.cursor"),
            (r#"{"type":"subscribe","id":"a","colour":1}"#, "invalid_argument", "colour"),
            (r#"{"type":"subscribe","id":"a","batch":0}"#, "invalid_argument", "batch"),
            (r#"{"type":"subscribe","id":"a","batch":257}"#, "invalid_argument", "batch"),
            (r#"{"type":"subscribe","id":"a","label":"a\u0007"}"#, "invalid_argument", "label"),
            (r#"{"type":"subscribe","id":"a","presence":1}"#, "invalid_argument", "presence"),
            (r#"{"type":"monitor","id":"a","stream_id":""}"#, "invalid_argument", "stream_id"),
            (r#"{"type":"list","id":"a","list":"trees"}"#, "invalid_argument", "list"),
            (
                r#"{"type":"list","id":"a","list":"executions","query":{"limit":0}}"#,
                "invalid_argument",
                "query.limit",
            ),
            (
                r#"{"type":"list","id":"a","list":"executions","query":{"cursor":"x"}}"#,
                "invalid_argument",
                "query.cursor",
            ),
            (
                r#"{"type":"list","id":"a","list":"executions","query":{"label":{}}}"#,
                "invalid_argument",
                "query.label",
            ),
            (r#"{"type":"monitor","id":""}"#, "invalid_argument", "id"),
        ] {
            let error = Message::decode(text).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(error.to_string().starts_with(start), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}|\\{\"type\":\"(subscribe|ping|start|cancel|decide|publish)\"[ -~]{0,40}\\}?") {
            let _ = Message::decode(&text);
        }
    }
}
