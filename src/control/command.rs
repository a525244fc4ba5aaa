//! Commands: what a session's inbox holds. One JSON object a command.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{CorrelationId, EventId, ExecutionId, SessionId, StreamId};
use crate::log::Sequence;
use crate::time::Timestamp;

/// A command with its identity: the same id twice is one command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Its identity.
    pub id: EventId,
    /// When it was given.
    pub at: Timestamp,
    /// What to do.
    #[serde(flatten)]
    pub action: Action,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Action {
    /// Begin an execution.
    Start(Start),
    /// A later version's command: recorded and left alone.
    #[serde(other)]
    Unknown,
}

/// Begin an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The run.
    pub execution_id: ExecutionId,
    /// Its line of work.
    pub stream_id: StreamId,
    /// The agent or graph.
    pub definition: String,
    /// What it is given.
    #[serde(default)]
    pub input: Value,
    /// What ties it to other executions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
}

impl Command {
    /// As one line.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn encode(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// From one line.
    ///
    /// # Errors
    /// It is no command.
    pub fn decode(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }
}

/// What a wake-up job says: look into this session's inbox, at least up to here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeUp {
    /// The session.
    pub session_id: SessionId,
    /// The place of the command in the inbox.
    pub inbox: Sequence,
}

impl WakeUp {
    /// As a job's payload.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn encode(&self) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(self).map(Bytes::from)
    }

    /// From a job's payload.
    ///
    /// # Errors
    /// It is no wake-up.
    pub fn decode(payload: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_later_versions_are_kept_apart() {
        let line = br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","at":"2026-01-01T00:00:00Z","command":"teleport","to":1}"#;
        assert_eq!(Command::decode(line).unwrap().action, Action::Unknown);
        assert!(Command::decode(b"{}").is_err());
    }

    #[test]
    fn a_start_round_trips() {
        let command = Command {
            id: EventId::derived("x"),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            action: Action::Start(Start {
                execution_id: ExecutionId::new("e").unwrap(),
                stream_id: StreamId::new("s").unwrap(),
                definition: "council".into(),
                input: serde_json::json!({"a": [1]}),
                correlation_id: None,
            }),
        };
        assert_eq!(Command::decode(&command.encode().unwrap()).unwrap(), command);
    }
}
