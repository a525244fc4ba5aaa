//! Snapshots: a pure fold of an execution's events into the view of a client that watched it from its start.
//!
//! ```text
//! fold(e0 .. en)                      ==  what a watcher of e0 .. en knows
//! apply(fold(e0 .. ek), ek+1 .. en)   ==  fold(e0 .. en), also after a snapshot was written as JSON and read again
//! ```
//!
//! A reader that joins in mid-stream takes a snapshot and applies the events behind its `cursor`. Everything in it is
//! bounded; left-out parts are counted.

mod bounded;
mod call;
mod fold;
mod node;
mod schema;
#[cfg(test)]
mod takeover_tests;
#[cfg(test)]
mod tests;
mod turn;
mod waiting;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use bounded::{Excerpt, Text};
pub use call::{Call, CallState};
pub use node::{Node, NodeState};
pub use schema::schema;
pub use turn::{Draft, Turn};
pub use waiting::{Approval, Question};

use crate::execution::Execution;
use crate::id::NodeId;
use crate::log::Cursor;

/// The place of an event, for readers.
#[derive(Debug, Clone, Copy)]
pub struct At<'a> {
    /// Its `seq`; of events that were merged the last one's.
    pub seq: u64,
    /// How many events it stands for: 1, or more when deltas were merged.
    pub merged: u64,
    /// Somebody who is no part of Runbus published it.
    pub external: bool,
    /// The place behind it.
    pub cursor: &'a Cursor,
}

/// An execution as of one position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Snapshot {
    /// The position: events behind it are not in.
    #[schemars(with = "String")]
    pub cursor: Cursor,
    /// Whether everything from the execution's beginning on is in. `false`: retention removed a part, or that it did not
    /// cannot be proven.
    pub complete: bool,
    /// Status, usage, output, error and the rest of a run's state; `None` before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<Execution>,
    /// Bytes of JSON that `execution.output` lacks; it is the beginning of its JSON text then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub output_truncated_bytes: u64,
    /// The same of `execution.error`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub error_truncated_bytes: u64,
    /// The steps, [`crate::limits::SNAPSHOT_NODES`] at most.
    #[serde(default)]
    pub nodes: BTreeMap<NodeId, Node>,
    /// Events of nodes that are not in `nodes`, because there are too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nodes_omitted_events: u64,
    /// The turns of models, oldest first; those that are not `done` are being written. [`crate::limits::SNAPSHOT_TURNS`]
    /// and [`crate::limits::SNAPSHOT_TEXT_BYTES`] at most: the oldest go first.
    #[serde(default)]
    pub turns: Vec<Turn>,
    /// Turns that are not in `turns` any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub turns_omitted: u64,
    /// Turns that have begun, void ones too.
    #[serde(default)]
    pub turns_begun: u64,
    /// Calls of tools, oldest first, [`crate::limits::SNAPSHOT_CALLS`] at most: the oldest completed ones go first.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Calls that are not in `calls` any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub calls_omitted: u64,
    /// Calls that wait for a decision, oldest first.
    #[serde(default)]
    pub approvals: Vec<Approval>,
    /// Questions that wait for an answer, oldest first.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// Approvals and questions that were left out: more than [`crate::limits::SNAPSHOT_WAITING`] waited.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub waiting_omitted: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}
