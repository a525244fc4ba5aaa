//! Starting executions, once each.

use std::sync::Arc;

use bytes::Bytes;
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
use crate::session::approval::digest;
use crate::session::command::{
    Action, Budget, Command, Multitask, Parent, Priority, Scheduling, Start, WakeUp,
};
use crate::session::inbox;
use crate::session::part;
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
    /// The input: a text, a list of parts (`Part`), or any JSON. At most 128 KiB of JSON.
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
    /// Of an execution that was there: whether it was started with the same definition and the same input. Absent: this call
    /// started it, or nobody knows any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_request: Option<bool>,
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
        if request.definition.contains(char::is_control) {
            return Err(Error::Invalid {
                path: "definition",
                message: "must have no control characters".into(),
            });
        }
        accept("input", &request.input)?;
        part::check_input(&request.input).map_err(|(place, fault)| Error::Invalid {
            path: "input",
            message: format!("input{place} is no part: {fault}"),
        })?;
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
        let given = request.execution_id.is_some();
        let execution_id = request.execution_id.unwrap_or_else(ExecutionId::generate);
        let session_id = match request.session_id {
            Some(id) => id,
            // The same for every call with this execution id, so that they meet in one inbox.
            None => SessionId::new(execution_id.as_str()).map_err(|error| Error::Invalid {
                path: "execution_id",
                message: error.reason.to_string(),
            })?,
        };
        let asked = request_digest(&request.definition, &request.input);
        // External events do not count here.
        let known = self.own(&execution_id).await?;
        let is_known = known.is_some();
        let mut same_request = None;
        let (stream_id, session_id) = match known {
            Some(known) => {
                let session_id = known.session_id.unwrap_or(session_id);
                same_request = known.request_digest.map(|digest| digest == asked);
                if known.status != Status::Queued {
                    let stream_id = known.stream_id;
                    return Ok(Started { execution_id, stream_id, session_id, created: false, same_request });
                }
                (known.stream_id, session_id)
            }
            None => (stream_id, session_id),
        };
        if !is_known && session_id.as_str() != execution_id.as_str() {
            self.admit(&session_id, &execution_id, request.multitask).await?;
        }
        let start = Start {
            execution_id: execution_id.clone(),
            stream_id,
            definition: request.definition,
            input: request.input,
            correlation_id: request.correlation_id,
            multitask: request.multitask,
            budget: request.budget,
            scheduling: request.scheduling,
            labels: request.labels,
            parent: request.parent,
            resumes: false,
            trace: current_trace(),
        };
        let mine = Place { session_id, start: Box::new(start), by };
        if is_known {
            // Everything that it needs to begin is given again, where it was not.
            let Place { session_id, start, .. } = &mine;
            let (stream_id, session_id) = (start.stream_id.clone(), session_id.clone());
            self.complete(mine, None).await?;
            return Ok(Started { execution_id, stream_id, session_id, created: false, same_request });
        }
        let (place, inbox, created) = match given {
            true => self.decide_start(mine).await?,
            // Nobody else can ask for an id that was made here.
            false => (mine, None, true),
        };
        let Place { session_id, start, .. } = &place;
        let (stream_id, session_id) = (start.stream_id.clone(), session_id.clone());
        if !created {
            same_request = Some(request_digest(&start.definition, &start.input) == asked);
        }
        self.complete(place, inbox).await?;
        Ok(Started { execution_id, stream_id, session_id, created, same_request })
    }

    /// Which of several starts of one execution counts: the first one in the inbox of the session that has its name, whichever session
    /// and stream each of them names. Returns that one, its place if it is the start itself, and whether it is `mine`.
    async fn decide_start(&self, mine: Place) -> Result<(Place, Option<Sequence>, bool), Error> {
        let execution = &mine.start.execution_id;
        let home = SessionId::new(execution.as_str())
            .map_err(|error| Error::Invalid { path: "execution_id", message: error.reason.to_string() })?;
        let is_home = home == mine.session_id;
        let action = match is_home {
            true => Action::Start(mine.start.clone()),
            false => Action::Placed { session_id: mine.session_id.clone(), start: mine.start.clone() },
        };
        let id = start_id(execution);
        let command = Command { id, at: self.clock.now(), by: mine.by.clone(), action };
        let line = command.marked().map_err(|error| Error::Internal(Arc::from(error.to_string())))?;
        let inbox = self.append_command(&home, id, line.clone()).await?;
        let first = inbox::line(self.bus.log(), &home, inbox).await?;
        if first.as_ref().is_none_or(|first| *first == line) {
            return Ok((mine, is_home.then_some(inbox), true));
        }
        let command = first.and_then(|first| Command::decode(&first).ok());
        Ok(match command {
            Some(Command { action: Action::Start(start), by, .. }) => {
                (Place { session_id: home, start, by }, Some(inbox), false)
            }
            Some(Command { action: Action::Placed { session_id, start }, by, .. }) => {
                (Place { session_id, start, by }, None, false)
            }
            // Nothing else has this id.
            _ => (mine, None, true),
        })
    }

    /// Does all that an execution needs to begin: the command (`inbox` is its place if it is there), the event, the wake-up.
    async fn complete(&self, place: Place, inbox: Option<Sequence>) -> Result<(), Error> {
        let Place { session_id, start, by } = place;
        let execution_id = start.execution_id.clone();
        let source = Source {
            session_id: Some(session_id.clone()),
            correlation_id: start.correlation_id.clone(),
            ..Source::execution(start.stream_id.clone(), execution_id.clone(), self.clock.clone())
        };
        let queued = Queued {
            definition: Some(start.definition.clone()),
            request_digest: Some(request_digest(&start.definition, &start.input)),
            labels: start.labels.0.clone(),
            parent: start.parent.as_ref().map(Parent::above),
        };
        let queued = source.event_with_id(EventId::derived(&format!("{execution_id}/queued")), queued);
        let (scheduling, definition) = (start.scheduling.clone(), start.definition.clone());
        let inbox = match inbox {
            Some(inbox) => inbox,
            None => {
                let (id, action) = (start_id(&execution_id), Action::Start(start));
                self.command(&session_id, Command { id, at: self.clock.now(), by, action }).await?
            }
        };
        self.bus.record(queued).await?;
        self.wake(&session_id, inbox, scheduling, Some(definition), &format!("start/{execution_id}")).await
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
        let line = command.encode().map_err(|error| Error::Internal(Arc::from(error.to_string())))?;
        self.append_command(session, command.id, line).await
    }

    async fn append_command(&self, session: &SessionId, id: EventId, line: Bytes) -> Result<Sequence, Error> {
        if session.as_str().starts_with(RESERVED_SESSIONS) {
            let message = format!("must not begin with {RESERVED_SESSIONS}: Runbus's own");
            return Err(Error::Invalid { path: "session_id", message });
        }
        if line.len() > limits::EVENT_BYTES {
            return Err(Error::TooLarge { bytes: line.len(), limit: limits::EVENT_BYTES });
        }
        let topic = Topic::Inbox(session.clone());
        let mut frame = Frame::open(&[line]);
        frame.trace = current_trace();
        Ok(self.bus.log().append(&topic, &frame, Expect::Open(id)).await?)
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

/// A start, and the session that it goes to.
struct Place {
    session_id: SessionId,
    start: Box<Start>,
    by: Option<String>,
}

fn start_id(execution: &ExecutionId) -> EventId {
    EventId::derived(&format!("{execution}/start"))
}

/// Tells whether two starts ask for the same.
fn request_digest(definition: &str, input: &Value) -> String {
    digest(&Value::Array(vec![definition.into(), input.clone()]))
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
