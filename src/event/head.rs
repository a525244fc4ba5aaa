//! What has to be known of a stored event to pass it on. The rest is checked as [`Event::decode`] checks it, and not kept.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::{Error, Event};
use super::kind::Kind;
use crate::id::{Checked, EventId};
use crate::time::Timestamp;

/// An event's type and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What happened.
    pub kind: Kind,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// The fields of [`Event`].
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(rename = "id")]
    _id: EventId,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(rename = "stream_id")]
    _stream: Checked,
    #[serde(default, rename = "node_id")]
    _node: Option<Checked>,
    #[serde(default, rename = "execution_id")]
    _execution: Option<Checked>,
    #[serde(default, rename = "correlation_id")]
    _correlation: Option<Checked>,
    #[serde(default, rename = "session_id")]
    _session: Option<Checked>,
    #[serde(default, rename = "attempt")]
    _attempt: Option<u32>,
    #[serde(borrow)]
    data: &'a RawValue,
    timestamp: Timestamp,
}

impl Head {
    /// Reads a line that [`Event::decode`] would read, several times as fast.
    ///
    /// # Errors
    /// As [`Event::decode`].
    pub fn decode(line: &[u8]) -> Result<Self, Error> {
        match serde_json::from_slice::<Fields<'_>>(line) {
            Ok(fields) if fields.data.get().starts_with('{') => {
                Ok(Self { kind: fields.kind, timestamp: fields.timestamp })
            }
            // What is wrong is said there.
            _ => Event::decode(line).map(Self::from),
        }
    }
}

impl From<Event> for Head {
    fn from(event: Event) -> Self {
        Self { kind: event.kind, timestamp: event.timestamp }
    }
}
