//! Where a step stands.

use serde::{Deserialize, Serialize};

use super::bounded::Excerpt;
use crate::time::Timestamp;

/// The state of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It works.
    #[default]
    Running,
    /// It waits for a person.
    Waiting,
    /// It says that it makes no progress.
    Stalled,
    /// It has ended, until the graph visits it again.
    Completed,
    /// The execution ended while it worked.
    Stopped,
}

/// A step of the stream's graph.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Node {
    /// The state.
    pub state: NodeState,
    /// How often its loop began.
    pub visits: u32,
    /// Which pass of the graph's cycle, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// The round of its loop, from 1; 0: none has begun.
    pub round: u32,
    /// Names the message that its model is writing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Calls of its model that failed and were made again.
    #[serde(default)]
    pub retries: u32,
    /// The last output, [`crate::limits::SNAPSHOT_OUTPUT_BYTES`] at most; of client-facing nodes see the turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Excerpt>,
    /// When something happened to it last.
    pub updated_at: Timestamp,
}
