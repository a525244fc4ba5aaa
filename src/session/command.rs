//! Commands: the content of a session's inbox. One JSON object a command.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::above::Above;
use super::below::{Report, Used};
use crate::id::{CorrelationId, EventId, ExecutionId, SessionId, StreamId};
use crate::labels::Labels;
use crate::log::{Sequence, Trace};
use crate::time::Timestamp;
use crate::{json, limits};

/// A command with its identity: the same id twice is one command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Its identity.
    pub id: EventId,
    /// When it was given.
    pub at: Timestamp,
    /// The caller that gave it, as the edge knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The action.
    #[serde(flatten)]
    pub action: Action,
}

/// The action of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Action {
    /// Begin an execution.
    Start(Box<Start>),
    /// In the inbox of the session that has the execution's name: which of several starts of one execution counts, when its session
    /// has another name. The start itself is in that session's inbox.
    Placed {
        /// The session.
        session_id: SessionId,
        /// The start itself.
        start: Box<Start>,
    },
    /// Finish the calls that are unresolved and go on; with none, one more round without input.
    Resume {
        /// The run that begins when none waits.
        execution_id: ExecutionId,
    },
    /// Answer every unresolved call with `<aborted: reason>` and go on.
    AbortPending {
        /// Why.
        reason: String,
    },
    /// Take no more input.
    Close {
        /// Whether the session's children close too.
        #[serde(default)]
        cascade: bool,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Stop an execution; one that has not begun never will.
    Cancel {
        /// Which.
        execution_id: ExecutionId,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Begin no further step of an execution.
    Pause {
        /// Which.
        execution_id: ExecutionId,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Continue a paused execution.
    Unpause {
        /// Which.
        execution_id: ExecutionId,
    },
    /// Decide an approval.
    Decide(Decide),
    /// The time of an approval or a question is up.
    Expire {
        /// The approval's or the question's id. Not `id` on the wire: that is the command's own.
        #[serde(rename = "expired")]
        id: String,
    },
    /// Answer a question.
    Answer {
        /// The question's id.
        request_id: String,
        /// The answer.
        input: Value,
    },
    /// A child's execution ended.
    ChildEnded {
        /// The child.
        session_id: SessionId,
        /// Its execution.
        execution_id: ExecutionId,
        /// Whether it ended well.
        completed: bool,
        /// Its result, or what went wrong.
        #[serde(default)]
        output: Value,
        /// The usage, with all below it.
        #[serde(default)]
        used: Box<Used>,
    },
    /// Something happened in a child's execution, or below it.
    Below {
        /// The child's execution.
        execution_id: ExecutionId,
        /// The message.
        #[serde(rename = "told")]
        report: Box<Report>,
    },
    /// A later version's command: recorded and left alone.
    #[serde(other)]
    Unknown,
}

impl Action {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Placed { .. } => "placed",
            Self::Resume { .. } => "resume",
            Self::AbortPending { .. } => "abort_pending",
            Self::Close { .. } => "close",
            Self::Cancel { .. } => "cancel",
            Self::Pause { .. } => "pause",
            Self::Unpause { .. } => "unpause",
            Self::Decide(_) => "decide",
            Self::Expire { .. } => "expire",
            Self::Answer { .. } => "answer",
            Self::ChildEnded { .. } => "child_ended",
            Self::Below { .. } => "below",
            Self::Unknown => "unknown",
        }
    }
}

/// A decision about an approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decide {
    /// Which.
    pub approval_id: String,
    /// Whether the call may run.
    pub approved: bool,
    /// Other arguments for the call; only with an approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
    /// A note for the model, or for the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The digest of the arguments that the decider saw; another one than the approval's is refused as stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments_digest: Option<String>,
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
    /// The input.
    #[serde(default)]
    pub input: Value,
    /// The id that ties the execution to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// The policy when another execution of the session is at work.
    #[serde(default)]
    pub multitask: Multitask,
    /// The limits of the execution.
    #[serde(default, skip_serializing_if = "Budget::is_unlimited")]
    pub budget: Budget,
    /// How it is scheduled.
    #[serde(default)]
    pub scheduling: Scheduling,
    /// Labels, as the start gave them.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The parent that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// It goes on with the conversation, without input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resumes: bool,
    /// The trace that it belongs to, on whichever worker it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}

/// The policy for a second execution of a session while one is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Multitask {
    /// It is refused.
    Reject,
    /// It waits its turn.
    #[default]
    Enqueue,
    /// The one at work is stopped, its open calls are closed, its messages stay.
    Interrupt,
    /// The one at work is stopped and forgotten.
    Rollback,
}

/// The limits of an execution; exceeding one ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Calls of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Tokens, read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Time from its start, waiting included, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time_ms: Option<u64>,
}

impl Budget {
    /// Whether nothing is limited.
    #[must_use]
    pub const fn is_unlimited(&self) -> bool {
        self.rounds.is_none() && self.tokens.is_none() && self.wall_time_ms.is_none()
    }

    /// Both limits: of each the smaller.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            match (a, b) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            }
        }
        Self {
            rounds: least(self.rounds, other.rounds),
            tokens: least(self.tokens, other.tokens),
            wall_time_ms: least(self.wall_time_ms, other.wall_time_ms),
        }
    }
}

/// Which of several waiting sessions a worker takes first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Somebody waits for it.
    High,
    /// The usual.
    #[default]
    Normal,
    /// When nothing else is to do; it is not starved.
    Low,
}

/// How an execution is scheduled.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scheduling {
    /// Its rank.
    pub priority: Priority,
    /// Executions with the same key (a tenant, a customer) share a limit: `worker.max_per_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency_key: Option<String>,
}

/// The waiting parent of an execution: a tool call of another session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The session.
    pub session_id: SessionId,
    /// Its execution.
    pub execution_id: ExecutionId,
    /// How it was scheduled.
    #[serde(default)]
    pub scheduling: Scheduling,
    /// The child closes when its execution has ended.
    #[serde(default)]
    pub ephemeral: bool,
    /// How many sessions stand above the child.
    #[serde(default)]
    pub depth: u32,
    /// The execution at the top of the tree; absent: this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<ExecutionId>,
}

impl Parent {
    /// Where that is, for those who read events.
    #[must_use]
    pub fn above(&self) -> Above {
        Above {
            execution_id: self.execution_id.clone(),
            session_id: self.session_id.clone(),
            root: self.root.clone(),
        }
    }
}

impl Command {
    /// As one line.
    ///
    /// # Errors
    /// It cannot be written as JSON, or whoever takes it could not read it.
    pub fn encode(&self) -> Result<Bytes, json::Error> {
        let line = serde_json::to_vec(self)?;
        Self::decode(&line)?;
        Ok(line.into())
    }

    /// The same with a mark of its own: of two commands of one id it tells which one is stored.
    ///
    /// # Errors
    /// As for [`Command::encode`].
    pub fn marked(&self) -> Result<Bytes, json::Error> {
        #[derive(Serialize)]
        struct Marked<'c> {
            #[serde(flatten)]
            command: &'c Command,
            mark: EventId,
        }
        let line = serde_json::to_vec(&Marked { command: self, mark: EventId::generate() })?;
        Self::decode(&line)?;
        Ok(line.into())
    }

    /// From one line.
    ///
    /// # Errors
    /// It is no command, or deeper than [`limits::COMMAND_DEPTH`]: the entry that says it was taken has to hold it.
    pub fn decode(line: &[u8]) -> Result<Self, json::Error> {
        json::scan::check_within(line, limits::COMMAND_DEPTH)?;
        json::from_slice(line)
    }
}

/// A wake-up job: read this session's inbox, at least up to this place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WakeUp {
    /// The session.
    pub session_id: SessionId,
    /// The place of the command in the inbox.
    pub inbox: Sequence,
    /// How the session is scheduled.
    #[serde(default)]
    pub scheduling: Scheduling,
    /// The trace of the command that it announces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// The definition of the execution that it announces: a worker without it looks before it claims the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

impl WakeUp {
    /// As a job's payload.
    ///
    /// # Errors
    /// It cannot be written as JSON, or whoever gets it could not read it.
    pub fn encode(&self) -> Result<Bytes, json::Error> {
        let payload = serde_json::to_vec(self)?;
        Self::decode(&payload)?;
        Ok(payload.into())
    }

    /// From a job's payload.
    ///
    /// # Errors
    /// It is no wake-up.
    pub fn decode(payload: &[u8]) -> Result<Self, json::Error> {
        json::from_slice(payload)
    }
}

/// A wake-up for a point in time: a job of [`crate::queue::Class::timers`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timer {
    /// When.
    pub due: Timestamp,
    /// The job that is pushed then.
    pub wake: WakeUp,
}

impl Timer {
    /// As a job's payload.
    ///
    /// # Errors
    /// It cannot be written as JSON, or whoever gets it could not read it.
    pub fn encode(&self) -> Result<Bytes, json::Error> {
        let payload = serde_json::to_vec(self)?;
        Self::decode(&payload)?;
        Ok(payload.into())
    }

    /// From a job's payload.
    ///
    /// # Errors
    /// It is no timer.
    pub fn decode(payload: &[u8]) -> Result<Self, json::Error> {
        json::from_slice(payload)
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
    fn commands_round_trip() {
        let id = ExecutionId::new("e").unwrap();
        let start = Start {
            execution_id: id.clone(),
            stream_id: StreamId::new("s").unwrap(),
            definition: "council".into(),
            input: serde_json::json!({"a": [1]}),
            correlation_id: None,
            multitask: Multitask::Rollback,
            budget: Budget { tokens: Some(5), ..Budget::default() },
            scheduling: Scheduling { priority: Priority::Low, concurrency_key: Some("t".into()) },
            labels: Labels([("team".into(), "a=b".into())].into()),
            parent: None,
            resumes: false,
            trace: Some(Trace { parent: "00-1-2-01".into(), state: None }),
        };
        let decide = Decide {
            approval_id: "a@s".into(),
            approved: true,
            arguments: Some(serde_json::json!({})),
            note: None,
            arguments_digest: Some("sha256:0".into()),
        };
        let ended = Action::ChildEnded {
            session_id: SessionId::new("c").unwrap(),
            execution_id: id.clone(),
            completed: true,
            output: serde_json::json!("done"),
            used: Box::default(),
        };
        for action in [
            Action::Start(Box::new(start)),
            Action::Resume { execution_id: id.clone() },
            Action::AbortPending { reason: "r".into() },
            Action::Close { cascade: true, reason: None },
            Action::Cancel { execution_id: id.clone(), reason: Some("r".into()) },
            Action::Pause { execution_id: id.clone(), reason: Some("r".into()) },
            Action::Unpause { execution_id: id },
            Action::Decide(decide),
            Action::Expire { id: "a@s".into() },
            Action::Answer { request_id: "q@s".into(), input: serde_json::json!([1]) },
            ended,
        ] {
            let at = "2026-01-01T00:00:00Z".parse().unwrap();
            let command = Command { id: EventId::derived("x"), at, by: Some("me".into()), action };
            assert_eq!(Command::decode(&command.encode().unwrap()).unwrap(), command);
        }
    }
}
