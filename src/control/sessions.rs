//! Conversations: send, resume, abort, close, and their content.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::start::accept;
use super::{Control, Error, RESERVED_SESSIONS, StartRequest, Started};
use crate::event::Source;
use crate::event::family::execution::Queued;
use crate::id::{CorrelationId, EventId, ExecutionId, SessionId, StreamId};
use crate::labels::Labels;
use crate::log::Log;
use crate::session::below::{Report, Used};
use crate::session::command::{Action, Budget, Command, Multitask, Parent, Scheduling};
use crate::session::entry::Fact;
use crate::session::inbox::{self, UpTo};
use crate::session::journal::Journal;
use crate::session::run::Phase;
use crate::session::state::State;
use crate::session::view::{PendingCall, SaidMessage, Session};
use crate::{json, limits};

/// An input for a session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SendRequest {
    /// The conversation; absent: a new one.
    pub session_id: Option<SessionId>,
    /// The input: a text, a list of parts (`Part`), or any JSON. At most 128 KiB of JSON.
    pub input: Value,
    /// The agent or graph; absent: the one that the session ran last.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$"))]
    pub definition: Option<String>,
    /// The run; the same id twice starts one. Absent: a fresh one.
    pub execution_id: Option<ExecutionId>,
    /// The line of work; absent: the session's last one, or the definition's name.
    pub stream_id: Option<StreamId>,
    /// The id that ties the execution to others.
    pub correlation_id: Option<CorrelationId>,
    /// The policy when an execution of the session is at work.
    pub multitask: Multitask,
    /// The limits of the execution.
    #[serde(deserialize_with = "json::object::only")]
    pub budget: Budget,
    /// How it is scheduled; absent: as the session's last execution.
    #[serde(deserialize_with = "json::object::optional")]
    pub scheduling: Option<Scheduling>,
    /// Labels, by which lists can be filtered: at most 16, as for a start.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// A session after its owner has taken every command.
pub(super) struct Look {
    id: SessionId,
    journal: Journal,
    pub(super) state: State,
    is_known: bool,
}

impl Look {
    /// Folds the commands that the owner has not taken yet.
    async fn take_commands(&mut self, log: &Arc<dyn Log>) -> Result<(), Error> {
        loop {
            let waiting = inbox::read(log, &self.id, self.state.inbox, UpTo::Acknowledged).await?;
            if waiting.is_empty() {
                return Ok(());
            }
            for fact in waiting {
                if let Fact::CommandTaken { inbox, stored_at, command } = fact {
                    self.state.inbox = inbox;
                    self.is_known |= !matches!(&command, Some(Command { action: Action::Placed { .. }, .. }));
                    if let Some(command) = command {
                        self.state.command(&command, stored_at, &mut Vec::new());
                    }
                }
            }
        }
    }
}

impl Control {
    /// The state of a session after its owner has taken every command; `None` for an unknown session.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn state(&self, id: &SessionId) -> Result<Option<State>, Error> {
        Ok(self.look(id).await?.map(|look| look.state))
    }

    /// The same, to be looked at again: only what was written since is read then.
    pub(super) async fn look(&self, id: &SessionId) -> Result<Option<Look>, Error> {
        if id.as_str().starts_with(RESERVED_SESSIONS) {
            return Ok(None);
        }
        let mut journal = Journal::load(self.bus.log().clone(), self.clock.clone(), id.clone()).await?;
        journal.forget();
        let (state, is_known) = (journal.state.clone(), journal.exists());
        let mut look = Look { id: id.clone(), journal, state, is_known };
        look.take_commands(self.bus.log()).await?;
        Ok(look.is_known.then_some(look))
    }

    pub(super) async fn look_again(&self, look: &mut Look) -> Result<(), Error> {
        if look.journal.refresh().await? {
            look.state = look.journal.state.clone();
        }
        look.take_commands(self.bus.log()).await
    }

    pub(super) async fn known_state(&self, id: &SessionId) -> Result<State, Error> {
        self.state(id).await?.ok_or_else(|| Error::NotFound { what: "session", id: id.to_string() })
    }

    /// A session: its status, and its waiting requests.
    ///
    /// # Errors
    /// It does not exist, or the log does not answer.
    pub async fn session(&self, id: &SessionId) -> Result<Session, Error> {
        Ok(Session::of(id, &self.known_state(id).await?))
    }

    /// The session's unresolved calls.
    ///
    /// # Errors
    /// It does not exist, or the log does not answer.
    pub async fn pending(&self, id: &SessionId) -> Result<Vec<PendingCall>, Error> {
        Ok(self.session(id).await?.pending)
    }

    /// The messages of a session, oldest first; with `include_compacted` also those folded into notes.
    ///
    /// # Errors
    /// It does not exist, or the log does not answer.
    pub async fn messages(&self, id: &SessionId, include_compacted: bool) -> Result<Vec<SaidMessage>, Error> {
        Ok(self.some_messages(id, include_compacted, 0, usize::MAX).await?.0)
    }

    /// The same from a place on, as many as have about `bytes` bytes of JSON, one at least; and the place where the next are, if there are any.
    ///
    /// # Errors
    /// It does not exist, or the log does not answer.
    pub async fn some_messages(
        &self,
        id: &SessionId,
        include_compacted: bool,
        mut from: usize,
        bytes: usize,
    ) -> Result<(Vec<SaidMessage>, Option<usize>), Error> {
        let unknown = || Error::NotFound { what: "session", id: id.to_string() };
        let mut look = self.look(id).await?.ok_or_else(unknown)?;
        let (mut messages, mut size) = (Vec::new(), 0_usize);
        loop {
            let transcript = &look.state.transcript;
            let missing = transcript.missing(from, include_compacted);
            let end = missing.map_or(usize::MAX, |(at, _)| at);
            let here = transcript.all(id, from).take_while(|(at, _)| *at < end);
            for (at, said) in here.filter(|(_, said)| include_compacted || !said.compacted) {
                if bytes < usize::MAX {
                    size = size.saturating_add(serde_json::to_vec(&said).map_or(0, |json| json.len()));
                }
                if size > bytes && !messages.is_empty() {
                    return Ok((messages, Some(at)));
                }
                messages.push(said);
            }
            let Some((at, segment)) = missing else { return Ok((messages, None)) };
            let kept = look.journal.segment(segment).await?;
            let filled = look.state.transcript.fill(segment, &kept);
            filled.map_err(|short| Error::Internal(Arc::from(format!("messages at {segment}: {short}"))))?;
            from = from.max(at);
        }
    }

    /// Says something to a session: starts an execution that continues its conversation.
    ///
    /// # Errors
    /// The session is unknown, closed, has unresolved calls, or is busy and the caller would not wait.
    pub async fn send(&self, request: SendRequest, by: Option<String>) -> Result<Started, Error> {
        let SendRequest { session_id, input, definition, execution_id, stream_id, .. } = request;
        let (mut last, mut closed) = (None, false);
        if let Some(id) = &session_id {
            let state = self.known_state(id).await?;
            closed = state.closed.is_some();
            last = state.queue.back().cloned().or_else(|| state.run.map(|run| run.start));
        }
        let definition = definition.or_else(|| last.as_ref().map(|start| start.definition.clone()));
        let definition = match (definition, &session_id) {
            (Some(definition), _) => definition,
            (None, Some(id)) if closed => return Err(Error::Closed { session_id: id.clone() }),
            (None, _) => {
                let message = "a session that has never run needs one".into();
                return Err(Error::Invalid { path: "definition", message });
            }
        };
        let stream_id = stream_id.or_else(|| last.as_ref().map(|start| start.stream_id.clone()));
        let scheduling = request.scheduling.or_else(|| last.map(|start| start.scheduling));
        let start = StartRequest {
            definition,
            input,
            execution_id,
            stream_id,
            session_id,
            correlation_id: request.correlation_id,
            multitask: request.multitask,
            budget: request.budget,
            scheduling: scheduling.unwrap_or_default(),
            labels: request.labels,
            parent: None,
        };
        self.start_as(start, by).await
    }

    /// Finishes the session's unresolved calls and goes on; with none, one more round without input.
    ///
    /// # Errors
    /// The session is unknown, closed, at work, or has never run.
    pub async fn resume(&self, id: &SessionId, by: Option<String>) -> Result<Started, Error> {
        let state = self.known_state(id).await?;
        let started = |execution_id, stream_id, created| {
            Ok(Started { execution_id, stream_id, session_id: id.clone(), created, same_request: None })
        };
        if let Some(run) = state.running() {
            let waits = |phase: &Phase| *phase == Phase::Unknown;
            let unknown = run.visits.values().flat_map(|visit| &visit.calls).any(|open| waits(&open.phase));
            if !run.paused && !unknown {
                let execution_id = run.start.execution_id.clone();
                return Err(Error::Busy { session_id: id.clone(), execution_id });
            }
            let execution_id = run.start.execution_id.clone();
            let action = Action::Resume { execution_id: execution_id.clone() };
            self.give(id, self.now(EventId::generate(), action, by), run.start.scheduling.clone()).await?;
            return started(execution_id, run.start.stream_id.clone(), false);
        }
        if state.closed.is_some() {
            return Err(Error::Closed { session_id: id.clone() });
        }
        // The executions that wait behind unresolved calls wait for this one.
        if let Some(next) = state.queue.front().filter(|_| state.dangling.is_empty()) {
            let execution_id = next.execution_id.clone();
            return Err(Error::Busy { session_id: id.clone(), execution_id });
        }
        let Some(run) = &state.run else {
            let message = "the session has never run".into();
            return Err(Error::Conflict { message, standing: Value::Null });
        };
        let execution_id = ExecutionId::generate();
        let action = Action::Resume { execution_id: execution_id.clone() };
        let command = self.now(EventId::derived(&format!("{execution_id}/start")), action, by);
        let source = Source {
            session_id: Some(id.clone()),
            ..Source::execution(run.start.stream_id.clone(), execution_id.clone(), self.clock.clone())
        };
        let queued = Queued {
            definition: Some(run.start.definition.clone()),
            request_digest: None,
            labels: run.start.labels.0.clone(),
            parent: None,
        };
        let event = source.event_with_id(EventId::derived(&format!("{execution_id}/queued")), queued);
        self.bus.record(event).await?;
        self.give(id, command, run.start.scheduling.clone()).await?;
        started(execution_id, run.start.stream_id.clone(), true)
    }

    /// Answers each of the session's unresolved calls with `<aborted: reason>` and goes on. Returns the calls that
    /// were unresolved; calls that run at this moment are left alone.
    ///
    /// # Errors
    /// The session is unknown, or the reason is too long.
    pub async fn abort_pending(
        &self,
        id: &SessionId,
        reason: &str,
        by: Option<String>,
    ) -> Result<Vec<PendingCall>, Error> {
        note("reason", Some(reason))?;
        let state = self.known_state(id).await?;
        let running = |open: &&crate::session::run::OpenCall| !matches!(open.phase, Phase::Running(_));
        let calls: Vec<PendingCall> = state.pending().filter(running).map(PendingCall::from).collect();
        if !calls.is_empty() {
            let action = Action::AbortPending { reason: reason.to_owned() };
            let scheduling = state.run.map(|run| run.start.scheduling).unwrap_or_default();
            self.give(id, self.now(EventId::generate(), action, by), scheduling).await?;
        }
        Ok(calls)
    }

    /// Closes a session: it takes no more input, and the execution at work stops. With `cascade`, its children close too.
    ///
    /// # Errors
    /// The session is unknown.
    pub async fn close_session(
        &self,
        id: &SessionId,
        cascade: bool,
        reason: Option<String>,
        by: Option<String>,
    ) -> Result<Session, Error> {
        note("reason", reason.as_deref())?;
        self.known_state(id).await?;
        let action = Action::Close { cascade, reason };
        self.give(id, self.now(EventId::generate(), action, by), Scheduling::default()).await?;
        self.session(id).await
    }

    /// Tells a session that the execution of a child has ended. The same twice is once.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn child_ended(
        &self,
        parent: &SessionId,
        child: &SessionId,
        execution: &ExecutionId,
        completed: bool,
        output: Value,
        used: Used,
    ) -> Result<(), Error> {
        // The parent reads it as a tool's result: an output that is too long or too deep for that is sent as text.
        let output = match accept("output", &output) {
            Ok(()) => output,
            Err(_deep) => Value::String(output.to_string()),
        };
        let output = if output.to_string().len() > limits::INPUT_BYTES {
            let mut text = output.as_str().map_or_else(|| output.to_string(), str::to_owned);
            text.truncate(text.floor_char_boundary(limits::INPUT_BYTES / 2));
            Value::String(text + " [cut]")
        } else {
            output
        };
        let (session_id, execution_id) = (child.clone(), execution.clone());
        let action = Action::ChildEnded { session_id, execution_id, completed, output, used: Box::new(used) };
        let id = EventId::derived(&format!("{execution}/child_ended"));
        let scheduling =
            self.state(parent).await?.and_then(|state| Some(state.running()?.start.scheduling.clone()));
        self.give(parent, self.now(id, action, None), scheduling.unwrap_or_default()).await?;
        Ok(())
    }

    /// Notifies an execution of an event in one below it. `number` identifies the notice: the second one with it has no
    /// effect.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn notify_parent(
        &self,
        parent: &Parent,
        child: &ExecutionId,
        number: &str,
        report: Report,
    ) -> Result<(), Error> {
        let id = EventId::derived(&format!("{number}/below"));
        let action = Action::Below { execution_id: child.clone(), report: Box::new(report) };
        self.give(&parent.session_id, self.now(id, action, None), parent.scheduling.clone()).await?;
        Ok(())
    }

    pub(super) fn now(&self, id: EventId, action: Action, by: Option<String>) -> Command {
        Command { id, at: self.clock.now(), by, action }
    }
}

/// Refuses a text that is too long to keep.
pub(super) fn note(path: &'static str, text: Option<&str>) -> Result<(), Error> {
    match text {
        Some(text) if text.len() > limits::NOTE_BYTES => {
            let message = format!("has {} bytes, the limit is {}", text.len(), limits::NOTE_BYTES);
            Err(Error::Invalid { path, message })
        }
        _ => Ok(()),
    }
}
