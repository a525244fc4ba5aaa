//! Starting executions, once each.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument;

use super::{Control, Error, RESERVED_SESSIONS};
use crate::event::Source;
use crate::event::family::execution::Queued;
use crate::execution::Status;
use crate::id::{CorrelationId, EventId, ExecutionId, SessionId, StreamId};
use crate::labels::Labels;
use crate::log::{Expect, Frame, Sequence};
use crate::queue::Class;
use crate::session::command::{
    Action, Budget, Command, Multitask, Parent, Priority, Scheduling, Start, WakeUp,
};
use crate::session::view::PendingCall;
use crate::subject::Topic;
use crate::telemetry::{self, current_trace};
use crate::{json, limits};

/// A request to start an execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StartRequest")]
pub struct Request {
    /// The agent or graph, by name. At most 128 bytes.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"))]
    pub definition: String,
    /// The input.
    #[serde(default)]
    pub input: Value,
    /// The run; starting the same id twice starts one. Absent: a fresh one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<ExecutionId>,
    /// The line of work; absent: the definition's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_id: Option<StreamId>,
    /// The conversation that it continues; absent: a conversation of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// The id that ties the execution to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<CorrelationId>,
    /// The policy when another execution of the session is at work.
    #[serde(default)]
    pub multitask: Multitask,
    /// The limits of the execution; a limit of the definition counts too.
    #[serde(default, skip_serializing_if = "Budget::is_unlimited", deserialize_with = "json::object::only")]
    pub budget: Budget,
    /// How it is scheduled.
    #[serde(default, deserialize_with = "json::object::only")]
    pub scheduling: Scheduling,
    /// Labels, by which lists can be filtered: at most 16 labels. A key has 1 to 63 of the characters `A-Z a-z 0-9 . _ / -`, a value at most
    /// 128 bytes without control characters.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The parent that waits for it; set by workers.
    #[serde(skip)]
    pub parent: Option<Parent>,
}

impl Request {
    /// A start with fresh ids.
    #[must_use]
    pub fn new(definition: impl Into<String>, input: impl Into<Value>) -> Self {
        Self {
            definition: definition.into(),
            input: input.into(),
            execution_id: None,
            stream_id: None,
            session_id: None,
            correlation_id: None,
            multitask: Multitask::default(),
            budget: Budget::default(),
            scheduling: Scheduling::default(),
            labels: Labels::default(),
            parent: None,
        }
    }
}

/// A started execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Started {
    /// The run.
    pub execution_id: ExecutionId,
    /// Its line of work.
    pub stream_id: StreamId,
    /// Its conversation.
    pub session_id: SessionId,
    /// Whether this call started it; `false`: it was there.
    pub created: bool,
}

impl Control {
    /// Starts an execution. Done when the command is durable; a worker takes it from there.
    ///
    /// The steps are command, event, wake-up, each idempotent by the execution's id: a caller that got no answer calls
    /// again with the same id, and the missing steps are done.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(&self, request: Request) -> Result<Started, Error> {
        self.start_as(request, None).await
    }

    /// The same; `by` is who asked.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start_as(&self, request: Request, by: Option<String>) -> Result<Started, Error> {
        let span = telemetry::publish("start");
        self.begin(request, by).instrument(span).await
    }

    async fn begin(&self, request: Request, by: Option<String>) -> Result<Started, Error> {
        if request.definition.is_empty() || request.definition.len() > limits::ID_BYTES {
            return Err(Error::Invalid { path: "definition", message: "must have 1 to 128 bytes".into() });
        }
        accept("input", &request.input)?;
        admitted(&request.labels)?;
        let bytes = request.input.to_string().len();
        if bytes > limits::INPUT_BYTES {
            return Err(Error::TooLarge { bytes, limit: limits::INPUT_BYTES });
        }
        let stream_id = match request.stream_id {
            Some(id) => id,
            None => StreamId::new(&request.definition)
                .map_err(|error| Error::Invalid { path: "definition", message: error.reason.to_string() })?,
        };
        let execution_id = request.execution_id.unwrap_or_else(ExecutionId::generate);
        let session_id = match request.session_id {
            Some(id) => id,
            // The same for every call with this execution id, so that they meet in one inbox.
            None => SessionId::new(execution_id.as_str()).map_err(|error| Error::Invalid {
                path: "execution_id",
                message: error.reason.to_string(),
            })?,
        };
        // External events do not count here.
        let known = self.own(&execution_id).await?;
        let created = known.is_none();
        let (stream_id, session_id) = match known {
            Some(known) => {
                let session_id = known.session_id.unwrap_or(session_id);
                if known.status != Status::Queued {
                    return Ok(Started { execution_id, stream_id: known.stream_id, session_id, created });
                }
                (known.stream_id, session_id)
            }
            None => (stream_id, session_id),
        };
        let own = session_id.as_str() == execution_id.as_str();
        if created && !own {
            self.admit(&session_id, &execution_id, request.multitask).await?;
        }
        let action = Action::Start(Box::new(Start {
            execution_id: execution_id.clone(),
            stream_id: stream_id.clone(),
            definition: request.definition.clone(),
            input: request.input,
            correlation_id: request.correlation_id.clone(),
            multitask: request.multitask,
            budget: request.budget,
            scheduling: request.scheduling.clone(),
            labels: request.labels.clone(),
            parent: request.parent.clone(),
            resumes: false,
            trace: current_trace(),
        }));
        let source = Source {
            session_id: Some(session_id.clone()),
            correlation_id: request.correlation_id,
            ..Source::execution(stream_id.clone(), execution_id.clone(), self.clock.clone())
        };
        let definition = request.definition.clone();
        let queued = Queued {
            definition: Some(request.definition),
            labels: request.labels.0,
            parent: request.parent.as_ref().map(Parent::above),
        };
        let queued = source.event_with_id(EventId::derived(&format!("{execution_id}/queued")), queued);
        let id = EventId::derived(&format!("{execution_id}/start"));
        let inbox = self.command(&session_id, Command { id, at: self.clock.now(), by, action }).await?;
        self.bus.record(queued).await?;
        let key = format!("start/{execution_id}");
        self.wake(&session_id, inbox, request.scheduling, Some(definition), &key).await?;
        Ok(Started { execution_id, stream_id, session_id, created })
    }

    /// Refuses a start that its session would refuse: better here than by an execution that ends at once.
    async fn admit(
        &self,
        session: &SessionId,
        execution: &ExecutionId,
        multitask: Multitask,
    ) -> Result<(), Error> {
        // A cancel that came before the start may have gone to the session that the execution would have had alone.
        let alone = SessionId::new(execution.as_str());
        if let Ok(alone) = alone
            && let Some(state) = self.state(&alone).await?
            && let Some(reason) = state.latched(execution)
        {
            let action = Action::Cancel { execution_id: execution.clone(), reason };
            let id = EventId::derived(&format!("{execution}/cancel/latched"));
            self.command(session, Command { id, at: self.clock.now(), by: None, action }).await?;
        }
        let Some(state) = self.state(session).await? else { return Ok(()) };
        if state.knows(execution) {
            return Ok(());
        }
        if state.closed.is_some() {
            return Err(Error::Closed { session_id: session.clone() });
        }
        let calls: Vec<PendingCall> = state.unresolved().into_iter().map(PendingCall::from).collect();
        if !calls.is_empty() {
            return Err(Error::Pending { session_id: session.clone(), calls });
        }
        let busy = state.running().map(|run| &run.start).or(state.queue.front());
        match busy {
            Some(start) if multitask == Multitask::Reject => {
                Err(Error::Busy { session_id: session.clone(), execution_id: start.execution_id.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Appends a command to a session's inbox.
    pub(super) async fn command(&self, session: &SessionId, command: Command) -> Result<Sequence, Error> {
        if session.as_str().starts_with(RESERVED_SESSIONS) {
            let message = format!("must not begin with {RESERVED_SESSIONS}: Runbus's own");
            return Err(Error::Invalid { path: "session_id", message });
        }
        let line = command.encode().map_err(|error| Error::Internal(Arc::from(error.to_string())))?;
        if line.len() > limits::EVENT_BYTES {
            return Err(Error::TooLarge { bytes: line.len(), limit: limits::EVENT_BYTES });
        }
        let topic = Topic::Inbox(session.clone());
        let mut frame = Frame::open(&[line]);
        frame.trace = current_trace();
        Ok(self.bus.log().append(&topic, &frame, Expect::Open(command.id)).await?)
    }

    /// Queues a wake-up of a session.
    pub(super) async fn wake(
        &self,
        session: &SessionId,
        inbox: Sequence,
        scheduling: Scheduling,
        definition: Option<String>,
        key: &str,
    ) -> Result<(), Error> {
        let class = class(scheduling.priority);
        let trace = current_trace();
        let job = WakeUp { session_id: session.clone(), inbox, scheduling, trace, definition };
        let payload = job.encode().map_err(|error| Error::Internal(Arc::from(error.to_string())))?;
        Ok(self.queue.push(&class, key, payload).await?)
    }

    /// Gives a command and wakes the session.
    pub(super) async fn give(
        &self,
        session: &SessionId,
        command: Command,
        scheduling: Scheduling,
    ) -> Result<Sequence, Error> {
        let span = telemetry::publish(command.action.name());
        let giving = async {
            let key = format!("command/{}", command.id);
            let inbox = self.command(session, command).await?;
            self.wake(session, inbox, scheduling, None, &key).await?;
            Ok(inbox)
        };
        giving.instrument(span).await
    }
}

/// Whether a value that somebody hands in is what the log can hold and every reader can read.
pub(super) fn accept(path: &'static str, value: &Value) -> Result<(), Error> {
    json::tree::check_within(value, limits::EDGE_DEPTH)
        .map_err(|fault| Error::Invalid { path, message: fault.to_string() })
}

/// Whether labels may be given.
fn admitted(labels: &Labels) -> Result<(), Error> {
    labels.check().map_err(|fault| Error::Invalid { path: "labels", message: fault.to_string() })
}

/// The class of jobs of a rank.
#[must_use]
pub fn class(priority: Priority) -> Class {
    match priority {
        Priority::High => Class::sessions_high(),
        Priority::Normal => Class::sessions(),
        Priority::Low => Class::sessions_low(),
    }
}
