//! The fields of a stored event that passing it on needs. The other fields are checked as [`Event::decode`] checks them,
//! and dropped.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::{Error, Event};
use super::kind::Kind;
use super::sound::SoundLine;
use crate::id::{Checked, EventId};
use crate::json;
use crate::subject::Topic;
use crate::time::Timestamp;

/// An event's type and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The event type.
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
        Self::of(json::from_slice(line), line)
    }

    /// The same for a line that is known to be text.
    ///
    /// # Errors
    /// As [`Event::decode`].
    pub fn decode_sound(line: &SoundLine) -> Result<Self, Error> {
        Self::of(json::from_str(line), line.as_bytes())
    }

    fn of(fields: Result<Fields<'_>, json::Error>, line: &[u8]) -> Result<Self, Error> {
        match fields {
            Ok(fields) if fields.data.get().starts_with('{') => {
                Ok(Self { kind: fields.kind, timestamp: fields.timestamp })
            }
            // `Event::decode` reports the fault.
            _ => Event::decode(line).map(Self::from),
        }
    }
}

/// Where a line says that its event belongs.
#[derive(Deserialize)]
struct Names<'a> {
    #[serde(borrow)]
    stream_id: Cow<'a, str>,
    #[serde(default)]
    node_id: Option<Cow<'a, str>>,
    #[serde(default)]
    execution_id: Option<Cow<'a, str>>,
}

/// Whether a line that [`Head::decode`] reads says that its event belongs where it was found.
#[must_use]
pub fn is_of(line: &[u8], topic: &Topic) -> bool {
    let Topic::Events { stream, node, execution } = topic else { return false };
    json::from_slice::<Names<'_>>(line).is_ok_and(|names| {
        names.stream_id == stream.as_str()
            && names.node_id.as_deref() == node.as_ref().map(|id| id.as_str())
            && names.execution_id.as_deref() == execution.as_ref().map(|id| id.as_str())
    })
}

impl From<Event> for Head {
    fn from(event: Event) -> Self {
        Self { kind: event.kind, timestamp: event.timestamp }
    }
}
