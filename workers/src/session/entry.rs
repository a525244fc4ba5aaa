//! Journal entries: what a session's owner decided and what its tools answered. The truth about a session.

use bytes::Bytes;
use runbus::control::command::Command;
use runbus::id::{ExecutionId, NodeId, WorkerId};
use runbus::log::Sequence;
use runbus::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Message, ToolCall, Turn};

/// An entry with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was decided.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// What was decided, or answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Fact {
    /// A worker owns the session from here on.
    Claimed {
        /// Who.
        worker: WorkerId,
        /// The number of this claim, from 1.
        epoch: u64,
    },
    /// The owner let go: nobody owns the session.
    Released,
    /// A command was taken from the inbox.
    CommandTaken {
        /// Its place there.
        inbox: Sequence,
        /// The command; `None`: the message was none.
        command: Option<Command>,
    },
    /// The next execution in the queue began.
    ExecutionStarted {
        /// Which.
        execution_id: ExecutionId,
    },
    /// A node began.
    NodeStarted {
        /// Which.
        node: NodeId,
        /// How often it has begun in this execution, from 1.
        visit: u32,
        /// The pass of the graph's cycle, from 1.
        iteration: u32,
        /// The messages that it begins with.
        opening: Vec<Message>,
        /// Whether it continues the session's conversation.
        #[serde(default)]
        converses: bool,
    },
    /// The model answered.
    TurnCompleted {
        /// What.
        turn: Turn,
    },
    /// A call of the model failed and will be tried again.
    TurnFailed {
        /// The error, as events show it.
        error: Value,
        /// Which try comes next, from 2.
        next_try: u32,
        /// The wait before it, in milliseconds.
        delay_ms: u64,
        /// What the model is told about it, when it was its own fault.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correction: Option<String>,
    },
    /// Tools are about to run: the intent.
    ToolsStarted {
        /// Their calls.
        calls: Vec<ToolCall>,
    },
    /// A tool answered, or its call was answered without running it: the outcome.
    ToolCompleted {
        /// The call.
        call_id: String,
        /// The tool.
        name: String,
        /// What the model will read.
        result: String,
        /// Whether it failed.
        is_error: bool,
    },
    /// Calls whose outcome nobody knows and that are not safe to repeat: their worker died while they ran. They stay
    /// open until somebody decides.
    CallsLeftPending {
        /// Their ids.
        call_ids: Vec<String>,
    },
    /// A node ended.
    NodeCompleted {
        /// Which.
        node: NodeId,
        /// Its output.
        output: Value,
        /// Calls of the model that it took.
        #[serde(default)]
        rounds: u32,
    },
    /// The execution ended.
    ExecutionEnded {
        /// How.
        outcome: Outcome,
    },
    /// A later version's entry.
    #[serde(other)]
    Unknown,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// Well.
    Completed {
        /// The result.
        output: Value,
    },
    /// Badly.
    Failed {
        /// What went wrong: `{code, message, ...}`.
        error: Value,
    },
}

impl Entry {
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
    /// It is no entry.
    pub fn decode(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }
}
