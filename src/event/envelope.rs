//! The envelope: the fields of every event.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::head::Head;
use super::kind::Kind;
use super::payload::{Mismatch, Payload};
use super::sound::{SoundLine, Unsound};
use crate::error_code::ErrorCode;
use crate::id::{CorrelationId, EventId, ExecutionId, NodeId, SessionId, StreamId};
use crate::time::Timestamp;
use crate::{json, limits};

/// One typed, immutable fact. Its `data` is kept as the publisher wrote it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Event {
    /// Made by the publisher; publishing the same id twice stores one event.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The line of work.
    pub stream_id: StreamId,
    /// The step inside the stream's graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<NodeId>,
    /// The run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
    /// The id that ties the execution to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The worker's try at the execution, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The payload: a JSON object.
    pub data: Arc<RawValue>,
    /// When it happened.
    pub timestamp: Timestamp,
}

/// A text is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is larger than [`limits::EVENT_BYTES`].
    #[error("the event has {bytes} bytes, the limit is {limit}: split it", limit = limits::EVENT_BYTES)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is not JSON, or a field is missing or wrong.
    #[error("{path}: {message}")]
    Field {
        /// The field's path; `.` is the whole text.
        path: String,
        /// The fault of the field.
        message: String,
    },
    /// Parsers differ about it: some readers could not decode it.
    #[error(transparent)]
    Unsound(#[from] Unsound),
    /// The payload does not have the fields that its type says.
    #[error(transparent)]
    Payload(#[from] Mismatch),
}

impl Error {
    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } | Self::Unsound(Unsound::TooLarge { .. }) => ErrorCode::TooLarge,
            Self::Field { .. } | Self::Unsound(_) | Self::Payload(_) => ErrorCode::InvalidEvent,
        }
    }
}

impl Event {
    /// Reads an event without decoding its payload: for events from the log.
    ///
    /// # Errors
    /// [`Error::Field`] when the text is no envelope.
    pub fn decode(line: &[u8]) -> Result<Self, Error> {
        // Where a fault is takes as long to follow as all the rest: it is looked for when there is one.
        let event: Self = json::from_slice(line).or_else(|_fault| Self::decode_or_say_where(line))?;
        if !event.data.get().starts_with('{') {
            return Err(Error::Field { path: "data".into(), message: "must be an object".into() });
        }
        Ok(event)
    }

    fn decode_or_say_where(line: &[u8]) -> Result<Self, Error> {
        json::read(line).map_err(|fault| Error::Field { path: fault.path, message: fault.error.to_string() })
    }

    /// Reads an event that somebody wants to publish: size and payload are checked too.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn accept(line: &[u8]) -> Result<Self, Error> {
        if line.len() > limits::EVENT_BYTES {
            return Err(Error::TooLarge { bytes: line.len() });
        }
        SoundLine::check(Bytes::copy_from_slice(line))?;
        let event = Self::decode(line)?;
        event.check_depth()?;
        event.payload()?;
        Ok(event)
    }

    /// Whether its payload is within the depth limit of callers' values.
    ///
    /// # Errors
    /// [`Error::Field`]: how deep it is, and the limit.
    pub fn check_depth(&self) -> Result<(), Error> {
        json::scan::check_within(self.data.get().as_bytes(), limits::EDGE_DEPTH)
            .map_err(|fault| Error::Field { path: "data".into(), message: fault.to_string() })
    }

    /// The line of an event that somebody wants to publish, when every reader can decode it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn publishable(&self) -> Result<Bytes, Error> {
        self.check_depth()?;
        self.payload()?;
        Ok(SoundLine::check(self.encode()?)?.into_bytes())
    }

    /// The typed payload.
    ///
    /// # Errors
    /// A field is missing or has the wrong type.
    pub fn payload(&self) -> Result<Payload, Mismatch> {
        Payload::read(&self.kind, &self.data)
    }

    /// The event as one line of JSON, without the line feed.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Field`] when no reader could read it.
    pub fn encode(&self) -> Result<Bytes, Error> {
        let line = serde_json::to_vec(self)
            .map_err(|error| Error::Field { path: ".".into(), message: error.to_string() })?;
        // Raw payloads may carry the publisher's line feeds; a frame is one line an event.
        let line = if line.contains(&b'\n') || line.contains(&b'\r') { flatten(&line)? } else { line };
        if line.len() > limits::EVENT_BYTES {
            return Err(Error::TooLarge { bytes: line.len() });
        }
        // By the code that every reader begins with.
        Head::decode(&line)?;
        Ok(Bytes::from(line))
    }
}

/// JSON text without line breaks: outside strings they are only white space, inside strings they are escaped already.
fn flatten(line: &[u8]) -> Result<Vec<u8>, Error> {
    if line.len() > 2 * limits::EVENT_BYTES {
        return Err(Error::TooLarge { bytes: line.len() });
    }
    Ok(line.iter().map(|&b| if b == b'\n' || b == b'\r' { b' ' } else { b }).collect())
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
            && self.kind == other.kind
            && self.stream_id == other.stream_id
            && self.node_id == other.node_id
            && self.execution_id == other.execution_id
            && self.correlation_id == other.correlation_id
            && self.session_id == other.session_id
            && self.attempt == other.attempt
            && self.data.get() == other.data.get()
            && self.timestamp == other.timestamp
    }
}
