//! An execution of a session, folded: its nodes at work and their open calls.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::below::Used;
use super::command::Start;
use super::entry::{Arrival, Outcome};
use super::message::{Message, ToolCall};
use super::transcript::Transcript;
use crate::event::family::model::Usage;
use crate::id::{ExecutionId, NodeId};
use crate::time::Timestamp;

/// An execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The start request.
    pub start: Start,
    /// The definition as it was when it began.
    pub definition: Option<Arc<Value>>,
    /// When it began.
    pub started_at: Timestamp,
    /// The worker's try, from 1.
    pub attempt: u32,
    /// The journal index of its `ExecutionStarted`.
    pub first_entry: u64,
    /// The nodes that are at work.
    pub visits: BTreeMap<NodeId, Visit>,
    /// Ways into nodes that have not begun.
    pub arrivals: Vec<Arrival>,
    /// The node that ended last, with its output.
    pub last_node: Option<NodeId>,
    /// The last output of each node.
    pub outputs: BTreeMap<NodeId, Value>,
    /// Nodes whose last output is an answer that a limit of tokens cut off.
    pub cut_off: BTreeSet<NodeId>,
    /// The pass of the graph's cycle, from 1.
    pub iteration: u32,
    /// How often each node has begun.
    pub counts: BTreeMap<NodeId, u32>,
    /// Calls of the model that were answered, those below included.
    pub rounds: u32,
    /// Tokens of all of them, those below included.
    pub usage: Usage,
    /// The part of both that executions below used.
    pub below: Used,
    /// Somebody paused it.
    pub paused: bool,
    /// Somebody stopped it.
    pub stop: Option<Stop>,
    /// A constraint that does not hold and must.
    pub violated: Option<String>,
    /// How it ended; `None`: it runs.
    pub outcome: Option<Outcome>,
    /// Messages of the conversation before it.
    pub base: usize,
}

/// Why an execution is to end before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Why.
    pub reason: Option<String>,
    /// Whether its messages are removed.
    pub rollback: bool,
}

/// One pass of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// How often it has begun, with this time.
    pub number: u32,
    /// The pass of the graph's cycle that it belongs to.
    pub iteration: u32,
    /// The messages that it began with.
    pub opening: Vec<Message>,
    /// Whether it continues the session's conversation.
    pub converses: bool,
    /// The messages since, when it does not.
    pub said: Transcript,
    /// Calls that have no answer yet, in the model's order.
    pub calls: Vec<OpenCall>,
    /// The question that the node itself asks.
    pub question: Option<String>,
    /// Calls of the model that were answered in this visit.
    pub rounds: u32,
    /// Failed calls of the model since the last answer.
    pub failures: u32,
    /// Those of them that other models than the present one had.
    pub failures_before: u32,
    /// The place of the model that is asked among the node's: 0 is its own, the others are fallbacks.
    pub model: usize,
    /// Answers of this visit that were refused.
    pub refusals: u32,
    /// Not to be asked again before.
    pub not_before: Option<Timestamp>,
    /// Tokens that the last call of the model read.
    pub context_tokens: u64,
    /// The result of the node: the text of the last turn without calls, the answer of a person, a tool's result.
    pub answer: Option<Answer>,
    /// The last turn was cut off by a limit of tokens.
    pub is_cut_off: bool,
    /// It consists of one call, without a model.
    pub is_call: bool,
}

/// The result of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// A text: of the model, or of a tool.
    Text(String),
    /// A value: of a person.
    Value(Value),
    /// It failed.
    Failed(String),
}

/// A call without an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenCall {
    /// The call, with the arguments that the tool will get.
    pub call: ToolCall,
    /// Where it stands.
    pub phase: Phase,
}

/// Where an open call stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Phase {
    /// Nobody has looked at it.
    New,
    /// It waits for the approval of this id.
    Approval(String),
    /// It waits for the answer to the question of this id.
    Question(String),
    /// It waits for this execution of a child session.
    Child(ExecutionId),
    /// It may run.
    Ready,
    /// The owner of this epoch began it.
    Running(u64),
    /// It began, and nobody knows how it ended.
    Unknown,
    /// Its answer is known and not journalled yet.
    Settled {
        /// The answer.
        result: String,
        /// Whether it is an error.
        is_error: bool,
    },
}

impl Visit {
    /// The open call of this id.
    pub(super) fn call_mut(&mut self, id: &str) -> Option<&mut OpenCall> {
        self.calls.iter_mut().find(|open| open.call.id == id)
    }
}

impl OpenCall {
    /// A call that nobody has looked at.
    #[must_use]
    pub const fn new(call: ToolCall) -> Self {
        Self { call, phase: Phase::New }
    }

    /// Answers it without running it: the token limit cut off the turn that it belongs to.
    pub(super) fn cut_off(&mut self) {
        let reason = "the token limit cut off your answer, so the call may be incomplete; call again with shorter arguments";
        self.settle(aborted(reason), true);
    }

    /// Gives it an answer.
    pub(super) fn settle(&mut self, result: impl Into<String>, is_error: bool) {
        self.phase = Phase::Settled { result: result.into(), is_error };
    }
}

/// The text that the model reads for a call that was not carried out.
#[must_use]
pub fn aborted(reason: &str) -> String {
    format!("<aborted: {reason}>")
}
