//! Journal entries: decisions of a session's owner and answers of its tools. The source of truth of a session.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::approval::{Requested, Schemas};
use super::command::{Budget, Command};
use super::message::{Message, ToolCall};
use super::part::{Media, attached};
use super::turn::{Turn, Usage};
use crate::id::{ExecutionId, NodeId, SessionId, WorkerId};
use crate::log::Sequence;
use crate::time::Timestamp;
use crate::{json, limits};

/// An entry with its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was decided.
    pub at: Timestamp,
    /// Where the newest checkpoint before it begins. Absent: there was none, or a version without checkpoints wrote this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Sequence>,
    /// The fact.
    #[serde(flatten)]
    pub fact: Fact,
}

/// A decision, or an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Fact {
    /// A worker owns the session from here on.
    Claimed {
        /// The new owner.
        worker: WorkerId,
        /// The number of this claim, from 1.
        epoch: u64,
    },
    /// The owner let go: nobody owns the session.
    Released {
        /// When it must be looked at again without a command; a wake-up is set for then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wake_at: Option<Timestamp>,
    },
    /// A command was taken from the inbox.
    CommandTaken {
        /// Its place there.
        inbox: Sequence,
        /// When the inbox took it.
        stored_at: Timestamp,
        /// The command; `None`: the message was none.
        command: Option<Command>,
    },
    /// The next execution in the queue began.
    ExecutionStarted {
        /// Which.
        execution_id: ExecutionId,
        /// The definition that it follows to its end, also when the file changes; absent when it is unknown or too
        /// large to keep.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<Arc<Value>>,
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
        /// The call that the node consists of, when it is a tool's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<ToolCall>,
    },
    /// The model answered.
    TurnCompleted {
        /// For which node.
        node: NodeId,
        /// The turn.
        turn: Turn,
    },
    /// A call of the model failed and will be tried again.
    TurnFailed {
        /// For which node.
        node: NodeId,
        /// The error, as events show it.
        error: Value,
        /// Which try comes next, from 2.
        next_try: u32,
        /// The wait before it, in milliseconds.
        delay_ms: u64,
        /// The correction that the model reads, when the fault was its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correction: Option<String>,
        /// The model that is asked next, when it is another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback: Option<Fallback>,
        /// Names the message that is void.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_id: Option<String>,
    },
    /// Calls wait for a person's decision.
    ApprovalsRequested {
        /// Of which node.
        node: NodeId,
        /// The requested approvals.
        approvals: Vec<Requested>,
        /// The schemas of their tools, by name: edited arguments are checked against them. Older entries have none.
        #[serde(default, skip_serializing_if = "Schemas::is_empty")]
        schemas: Schemas,
    },
    /// A question to a person waits for its answer.
    InputRequested {
        /// Of which node.
        node: NodeId,
        /// The question.
        request: Question,
    },
    /// A child session was started for a call.
    ChildStarted {
        /// Of which node.
        node: NodeId,
        /// The call.
        call_id: String,
        /// The child.
        session_id: SessionId,
        /// Its execution.
        execution_id: ExecutionId,
        /// The definition that it runs.
        definition: String,
        /// It closes when its execution has ended.
        #[serde(default)]
        ephemeral: bool,
        /// The input.
        #[serde(default)]
        input: Value,
        /// The limits of the child, with all below it: its share of the remaining budget.
        #[serde(default, skip_serializing_if = "Budget::is_unlimited")]
        budget: Budget,
    },
    /// Tools are about to run: the intent.
    ToolsStarted {
        /// Of which node.
        node: NodeId,
        /// Their calls, with the arguments that they will get.
        calls: Vec<ToolCall>,
    },
    /// A tool answered, or its call was answered without running it: the outcome.
    ToolCompleted {
        /// Of which node.
        node: NodeId,
        /// The call.
        call_id: String,
        /// The tool.
        name: String,
        /// The result that the model reads.
        result: String,
        /// Whether it failed.
        is_error: bool,
        /// Media that belong to the result. Older entries have images alone.
        #[serde(
            default,
            alias = "images",
            skip_serializing_if = "Vec::is_empty",
            deserialize_with = "attached"
        )]
        media: Vec<Media>,
    },
    /// Calls whose outcome nobody knows and that are not safe to repeat: their worker died while they ran. They stay
    /// open until somebody decides.
    CallsLeftPending {
        /// Of which node.
        node: NodeId,
        /// Their ids.
        call_ids: Vec<String>,
    },
    /// A range of messages was folded into one note.
    Compacted {
        /// The node whose messages are folded: the conversation that it continues, or its own.
        node: NodeId,
        /// The first message, counted over all that were ever said, folded ones and notes included.
        from: usize,
        /// Behind the last one.
        to: usize,
        /// The note.
        note: String,
        /// Tokens of the context before.
        tokens_before: u64,
        /// Tokens of the context after.
        tokens_after: u64,
        /// The usage of making the note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
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
        /// The nodes that it leads to.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        arrivals: Vec<Arrival>,
        /// The judgement of the graph's goal and constraints.
        #[serde(default, skip_serializing_if = "Judgement::is_empty")]
        judgement: Judgement,
    },
    /// The execution ended.
    ExecutionEnded {
        /// How.
        outcome: Outcome,
    },
    /// A party outside the session's own logs was notified.
    #[serde(rename = "told")]
    Notified {
        /// The key of the notice: see [`super::state::Notice::key`].
        notice: String,
    },
    /// The state of the session as the entries before the first part of this have made it. It changes nothing, as for versions
    /// that do not know it.
    Checkpoint(Part),
    /// Messages of the conversation that checkpoints behind it do not repeat. It changes nothing either.
    Messages(Part),
    /// A later version's entry.
    #[serde(other)]
    Unknown,
}

/// A part of a text that is too long for one entry. The parts follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The version of the text's form.
    pub format: u32,
    /// Its number, from 0.
    pub part: u32,
    /// How many there are.
    pub parts: u32,
    /// Where the first one is; absent in that one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Sequence>,
    /// Its piece of the text.
    pub text: String,
}

impl Part {
    /// Whether the text ends with it.
    #[must_use]
    pub const fn is_last(&self) -> bool {
        self.part.saturating_add(1) == self.parts
    }
}

/// The next model of a node's list, in place of one that is down or refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// Its place in the list: 0 is the node's own model.
    pub place: usize,
    /// Its name, as in the definition.
    pub model: String,
}

/// A way into a node that is not consumed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The node that led there; `None`: the execution's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeId>,
    /// The node that may begin.
    pub to: NodeId,
    /// The pass of the graph's cycle.
    pub iteration: u32,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The id that an answer names.
    pub request_id: String,
    /// The call that asks; `None`: the node itself does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The question.
    pub prompt: String,
    /// The answers to choose from; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// When it is no longer waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The answer that counts then; `None`: the node fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// The judgement of a node's output against its graph's goal and constraints.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Judgement {
    /// How far the goal has come, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Whether each criterion holds.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub criteria: Value,
    /// Whether the goal is achieved with this output.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub achieved: bool,
    /// Constraints that it violates: id and description.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<(String, String)>,
    /// The violation that ends the execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fatal: Option<String>,
}

impl Judgement {
    /// Whether it says nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.progress.is_none() && self.violations.is_empty() && !self.achieved
    }
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
        /// The error: `{code, message, ...}`.
        error: Value,
    },
    /// By command.
    Cancelled {
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
}

impl Outcome {
    /// A failure with a typed error.
    #[must_use]
    pub fn failed(code: &str, message: &str) -> Self {
        Self::Failed { error: serde_json::json!({ "code": code, "message": message }) }
    }
}

impl Entry {
    /// As one line.
    ///
    /// # Errors
    /// It cannot be written as JSON, or nobody could read it or the events that project it: it is deeper than
    /// [`limits::ENTRY_DEPTH`], or has a key that the parser reserves.
    pub fn encode(&self) -> Result<Bytes, json::Error> {
        let line = serde_json::to_vec(self)?;
        json::scan::check_within(&line, limits::ENTRY_DEPTH)?;
        Self::decode(&line)?;
        Ok(line.into())
    }

    /// From one line.
    ///
    /// # Errors
    /// It is no entry.
    pub fn decode(line: &[u8]) -> Result<Self, json::Error> {
        json::from_slice(line)
    }
}

impl Question {
    /// Whether an answer is one of those to choose from.
    #[must_use]
    pub fn accepts(&self, input: &Value) -> bool {
        self.choices.is_empty()
            || input.as_str().is_some_and(|text| self.choices.iter().any(|choice| choice == text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_of_earlier_journals_are_read_as_media() {
        let old = r#"{"at":"2026-01-01T00:00:00Z","entry":"tool_completed","node":"n","call_id":"c","name":"t","result":"r","is_error":false,"images":[{"media_type":"image/png","data":"AAAA"}]}"#;
        let entry = Entry::decode(old.as_bytes()).unwrap();
        let Fact::ToolCompleted { media, .. } = &entry.fact else { panic!("{entry:?}") };
        assert_eq!(*media, [Media::new("image/png", "AAAA").unwrap()]);
        assert_eq!(Entry::decode(&entry.encode().unwrap()).unwrap(), entry);
        let text = r#"{"at":"2026-01-01T00:00:00Z","entry":"node_started","node":"n","visit":1,"iteration":1,"opening":[{"role":"user","content":"q"}]}"#;
        let Fact::NodeStarted { opening, .. } = Entry::decode(text.as_bytes()).unwrap().fact else {
            panic!()
        };
        assert_eq!(opening, [Message::user("q")]);
    }
}
