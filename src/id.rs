//! Identities: one newtype each, parsed once at the edge.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{limits, text};

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Error {
    /// The id's field name on the wire, for instance `stream_id`.
    pub field: &'static str,
    /// The fault of the id.
    pub reason: Reason,
}

/// The faults of ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The text is empty.
    #[error("must not be empty")]
    Empty,
    /// The text has more than [`limits::ID_BYTES`] bytes.
    #[error("has {bytes} bytes, the limit is {limit}", limit = limits::ID_BYTES)]
    TooLong {
        /// Its size.
        bytes: usize,
    },
    /// The text has a control character.
    #[error("has a control character at byte {at}")]
    Control {
        /// Where it stands.
        at: usize,
    },
    /// The text is `.` or `..`: clients and proxies take it out of a path.
    #[error("must not be `.` or `..`: paths cannot name it")]
    Dots,
    /// The text is no UUID, where one is needed.
    #[error("is no UUID")]
    NotUuid,
}

fn check(field: &'static str, text: &str) -> Result<(), Error> {
    let reason = if text.is_empty() {
        Reason::Empty
    } else if text.len() > limits::ID_BYTES {
        Reason::TooLong { bytes: text.len() }
    } else if let Some((at, _)) = text.char_indices().find(|(_, c)| c.is_control()) {
        Reason::Control { at }
    } else if matches!(text, "." | "..") {
        Reason::Dots
    } else {
        return Ok(());
    };
    Err(Error { field, reason })
}

/// An id of which only that it is one is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text::deserialize(deserializer, |text| check("", text).map_err(|error| error.reason))?;
        Ok(Self)
    }
}

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident = $field:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id's field name on the wire.
            pub const FIELD: &'static str = $field;

            /// Parses an id.
            ///
            /// # Errors
            /// The text is empty, longer than [`limits::ID_BYTES`], or has a control character.
            pub fn new(text: impl AsRef<str>) -> Result<Self, Error> {
                check($field, text.as_ref())?;
                Ok(Self(Arc::from(text.as_ref())))
            }

            /// A fresh id, unique and ordered by time.
            #[must_use]
            pub fn generate() -> Self {
                Self(Arc::from(uuid::Uuid::now_v7().hyphenated().to_string().as_str()))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                text::deserialize(deserializer, |text| Self::new(text).map_err(|error| error.reason))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "minLength": 1,
                    "maxLength": limits::ID_BYTES,
                    "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$",
                    "description": "at most 128 bytes of UTF-8 without control characters",
                })
            }
        }
    )*};
}

text_ids! {
    /// A long-lived line of work: an agent, a webhook, a council.
    StreamId = "stream_id";
    /// A step inside a stream's graph.
    NodeId = "node_id";
    /// One run of a stream from start to a terminal event.
    ExecutionId = "execution_id";
    /// A conversation that many executions continue.
    SessionId = "session_id";
    /// Ties events of several executions together; chosen by the caller.
    CorrelationId = "correlation_id";
    /// A worker process.
    WorkerId = "worker_id";
}

/// An event's identity: a UUID, version 7 when Runbus makes it, version 5 when it is derived from a journal entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct EventId(uuid::Uuid);

impl EventId {
    /// A fresh id, ordered by time.
    #[must_use]
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7())
    }

    /// The same id for the same name: a new owner derives the ids that its predecessor derived.
    #[must_use]
    pub fn derived(name: &str) -> Self {
        Self(uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()))
    }

    /// The UUID.
    #[must_use]
    pub const fn uuid(self) -> uuid::Uuid {
        self.0
    }
}

impl From<uuid::Uuid> for EventId {
    fn from(uuid: uuid::Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EventId {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        uuid::Uuid::parse_str(text)
            .map(Self)
            .map_err(|_not_a_uuid| Error { field: "id", reason: Reason::NotUuid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_refused_with_field_and_reason() {
        for (text, reason) in [
            ("", Reason::Empty),
            ("a\nb", Reason::Control { at: 1 }),
            (".", Reason::Dots),
            ("..", Reason::Dots),
            (&"x".repeat(129), Reason::TooLong { bytes: 129 }),
        ] {
            assert_eq!(StreamId::new(text), Err(Error { field: "stream_id", reason }));
        }
        assert_eq!(StreamId::new("...").unwrap().as_str(), "...");
        assert_eq!(StreamId::new("a.b *>ü").unwrap().as_str(), "a.b *>ü");
    }

    #[test]
    fn derived_ids_repeat() {
        assert_eq!(EventId::derived("s/3/0"), EventId::derived("s/3/0"));
        assert_ne!(EventId::derived("s/3/0"), EventId::derived("s/3/1"));
    }
}
