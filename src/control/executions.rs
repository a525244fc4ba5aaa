//! Stopping, pausing and going on.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::sessions::note;
use super::{Control, Error};
use crate::event::Source;
use crate::event::family::execution::CancelRequested;
use crate::execution::{Execution, Status};
use crate::id::{EventId, ExecutionId, SessionId};
use crate::limits;
use crate::log::Sequence;
use crate::session::command::{Action, Priority, Scheduling};
use crate::session::entry::Outcome;
use crate::session::journal::Journal;

/// A command that is durable; its effect shows in the execution's events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Acknowledged {
    /// The run.
    pub execution_id: ExecutionId,
    /// Its conversation.
    pub session_id: SessionId,
    /// The outcome of a cancel; absent for other commands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<CancelState>,
}

/// The outcome of a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelState {
    /// It is durable, and came before the execution's end: its owner will stop it. Where no owner says so within a few seconds, the next one
    /// decides.
    Requested,
    /// The execution does not exist yet: if it is started later, it is cancelled immediately.
    Latched,
    /// It was cancelled before.
    Cancelled,
}

impl Control {
    /// Stops an execution. Durable when this returns; one that has not been started yet will end as cancelled when it
    /// is. `session_id` is needed only for such a one, when it will not have a session of its own.
    ///
    /// # Errors
    /// It has ended otherwise, or the log does not answer.
    pub async fn cancel(
        &self,
        id: &ExecutionId,
        session_id: Option<SessionId>,
        reason: Option<String>,
        by: Option<String>,
    ) -> Result<Acknowledged, Error> {
        note("reason", reason.as_deref())?;
        let known = self.status(id).await?;
        let own = known.as_ref().filter(|known| !known.external);
        let session_id = match own.and_then(|known| known.session_id.clone()).or(session_id) {
            Some(session) => session,
            None => SessionId::new(id.as_str()).map_err(|error| Error::Invalid {
                path: "execution_id",
                message: error.reason.to_string(),
            })?,
        };
        let acknowledged = |cancel| Acknowledged {
            execution_id: id.clone(),
            session_id: session_id.clone(),
            cancel: Some(cancel),
        };
        let theirs = known.as_ref().filter(|known| known.external && !known.status.is_terminal());
        if let Some(known) = theirs {
            // Its owner hears of it, and Runbus does when the execution is started here.
            self.ask_to_cancel(id, known, reason.clone(), by.clone()).await?;
        }
        let is_asked = theirs.is_some();
        let known = known.filter(|known| !known.external);
        match known.as_ref().map(|known| known.status) {
            Some(Status::Cancelled) => return Ok(acknowledged(CancelState::Cancelled)),
            Some(status) if status.is_terminal() => return Err(ended(id, status)),
            _ => {}
        }
        let is_own = known.is_some();
        let is_heard = is_asked || is_own;
        let state = if is_heard { CancelState::Requested } else { CancelState::Latched };
        // First, so that no reader sees what it came to before it.
        if let Some(known) = known {
            let source = Source {
                session_id: known.session_id,
                correlation_id: known.correlation_id,
                ..Source::execution(known.stream_id, id.clone(), self.clock.clone())
            };
            let requested = CancelRequested { reason: reason.clone(), requested_by: by.clone() };
            let event_id = EventId::derived(&format!("{id}/cancel_requested"));
            self.bus.record(source.event_with_id(event_id, requested)).await?;
        }
        let action = Action::Cancel { execution_id: id.clone(), reason };
        let command = self.now(EventId::derived(&format!("{id}/cancel")), action, by);
        // A cancel overtakes everything that waits for a worker.
        let scheduling = Scheduling { priority: Priority::High, ..Scheduling::default() };
        let inbox = self.give(&session_id, command, scheduling).await?;
        if is_own {
            self.settle_cancel(id, &session_id, inbox).await?;
        }
        Ok(acknowledged(state))
    }

    /// Waits until the session's journal says whether the cancel at `inbox` came before the end of the execution. A session without
    /// an owner takes it before anything else; an owner that says nothing for [`limits::CANCEL_PATIENCE`] may have died.
    async fn settle_cancel(
        &self,
        id: &ExecutionId,
        session: &SessionId,
        inbox: Sequence,
    ) -> Result<(), Error> {
        let begun = tokio::time::Instant::now();
        let mut pause = limits::CANCEL_LOOK;
        let loaded = Journal::load(self.bus.log().clone(), self.clock.clone(), session.clone()).await;
        let mut journal = loaded.ok();
        while let Some(known) = &mut journal {
            known.forget();
            let state = &known.state;
            let run = state.run.as_ref().filter(|run| run.start.execution_id == *id);
            if let Some(outcome) = run.and_then(|run| run.outcome.as_ref()) {
                return match outcome {
                    Outcome::Cancelled { .. } => Ok(()),
                    Outcome::Completed { .. } => Err(ended(id, Status::Completed)),
                    Outcome::Failed { .. } => Err(ended(id, Status::Failed)),
                };
            }
            if state.inbox >= inbox || state.owner.is_none() {
                break;
            }
            if begun.elapsed() >= limits::CANCEL_PATIENCE {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2);
            if known.refresh().await.is_err() {
                break;
            }
        }
        // It may have ended before, and others of the session begun.
        match self.status(id).await?.filter(|known| !known.external).map(|known| known.status) {
            Some(status) if status.is_terminal() && status != Status::Cancelled => Err(ended(id, status)),
            _ => Ok(()),
        }
    }

    /// Asks those who run an execution outside of Runbus to stop it: an event says so. It stops nothing that Runbus runs, or will
    /// run, under this id.
    ///
    /// # Errors
    /// It does not exist, it has ended, Runbus runs it, or the log does not answer.
    pub async fn cancel_external(
        &self,
        id: &ExecutionId,
        reason: Option<String>,
        by: Option<String>,
    ) -> Result<Acknowledged, Error> {
        note("reason", reason.as_deref())?;
        let unknown = || Error::NotFound { what: "execution", id: id.to_string() };
        let known = self.status(id).await?.filter(|known| known.external).ok_or_else(unknown)?;
        match known.status {
            Status::Cancelled => {}
            status if status.is_terminal() => return Err(ended(id, status)),
            _ => self.ask_to_cancel(id, &known, reason, by).await?,
        }
        let cancelled = known.status == Status::Cancelled;
        let cancel = Some(if cancelled { CancelState::Cancelled } else { CancelState::Requested });
        let session_id = match known.session_id {
            Some(session) => session,
            None => SessionId::new(id.as_str()).map_err(|_reserved| unknown())?,
        };
        Ok(Acknowledged { execution_id: id.clone(), session_id, cancel })
    }

    async fn ask_to_cancel(
        &self,
        id: &ExecutionId,
        known: &Execution,
        reason: Option<String>,
        by: Option<String>,
    ) -> Result<(), Error> {
        let source = Source {
            session_id: known.session_id.clone(),
            correlation_id: known.correlation_id.clone(),
            ..Source::execution(known.stream_id.clone(), id.clone(), self.clock.clone())
        };
        let event_id = EventId::derived(&format!("{id}/cancel_requested"));
        let requested = CancelRequested { reason, requested_by: by };
        self.bus.publish(source.event_with_id(event_id, requested)).await?;
        Ok(())
    }

    /// Lets an execution begin no further step. The current step finishes.
    ///
    /// # Errors
    /// It is unknown, has ended, or the log does not answer.
    pub async fn pause(
        &self,
        id: &ExecutionId,
        reason: Option<String>,
        by: Option<String>,
    ) -> Result<Acknowledged, Error> {
        note("reason", reason.as_deref())?;
        self.command_running(id, Action::Pause { execution_id: id.clone(), reason }, by).await
    }

    /// Continues a paused execution.
    ///
    /// # Errors
    /// It is unknown, has ended, or the log does not answer.
    pub async fn unpause(&self, id: &ExecutionId, by: Option<String>) -> Result<Acknowledged, Error> {
        self.command_running(id, Action::Unpause { execution_id: id.clone() }, by).await
    }

    async fn command_running(
        &self,
        id: &ExecutionId,
        action: Action,
        by: Option<String>,
    ) -> Result<Acknowledged, Error> {
        let (execution, session_id) = self.owned(id).await?;
        if execution.status.is_terminal() {
            return Err(ended(id, execution.status));
        }
        let state = self.known_state(&session_id).await?;
        let Some(run) = state.running().filter(|run| run.start.execution_id == *id) else {
            let message = format!("execution {id} has not begun");
            return Err(Error::Conflict { message, standing: json!({ "status": execution.status }) });
        };
        let command = self.now(EventId::generate(), action, by);
        self.give(&session_id, command, run.start.scheduling.clone()).await?;
        Ok(Acknowledged { execution_id: id.clone(), session_id, cancel: None })
    }

    /// An execution and its session.
    pub(super) async fn owned(&self, id: &ExecutionId) -> Result<(Execution, SessionId), Error> {
        let unknown = || Error::NotFound { what: "execution", id: id.to_string() };
        let execution = self.status(id).await?.ok_or_else(unknown)?;
        let session = execution.session_id.clone().filter(|_| !execution.external);
        let session = session.ok_or_else(|| Error::Conflict {
            message: format!("execution {id} is not run by Runbus's workers"),
            standing: json!({ "status": execution.status }),
        })?;
        Ok((execution, session))
    }
}

fn ended(id: &ExecutionId, status: Status) -> Error {
    let message = format!("execution {id} has ended");
    Error::Conflict { message, standing: json!({ "status": status }) }
}
