//! Notices to other sessions and readers: at least once, each idempotent.

use runbus::control::{Control, Error, StartRequest};
use runbus::event::Source;
use runbus::event::family::session::{Closed, DeadLettered};
use runbus::id::{EventId, SessionId, StreamId};
use runbus::session::below::{self, ReportContent, Used};
use runbus::session::command::Start;
use runbus::session::entry::{Fact, Outcome};
use runbus::session::state::{Notice, State};
use runbus::time::Clock;
use serde_json::json;

use super::Done;
use crate::session::actor;
use crate::session::projection;
use crate::tool::truncate;

/// Bytes of a long question that an execution above shows.
const PROMPT_BYTES: usize = 16 * 1024;

/// The parts of a notice besides its own content.
#[derive(Debug)]
pub struct PendingNotice {
    notice: Notice,
    session: SessionId,
    stream: Option<StreamId>,
    closed: Option<String>,
}

/// The oldest notice; `None`: there is none.
#[must_use]
pub fn oldest(session: &SessionId, state: &State) -> Option<PendingNotice> {
    Some(PendingNotice {
        notice: state.notices.front()?.clone(),
        session: session.clone(),
        stream: state.run.as_ref().map(|run| run.start.stream_id.clone()),
        closed: state.closed.as_ref().and_then(|closed| closed.reason.clone()),
    })
}

/// Sends a notice, and records that it was sent.
pub async fn notify(control: Control, pending: PendingNotice) -> Done {
    let key = pending.notice.key();
    match send(&control, pending).await {
        Ok(()) => Done::fact(Fact::Notified { notice: key }),
        Err(Error::Unavailable(reason)) => Done::Failed(actor::Error::Unavailable(reason)),
        Err(error) => {
            // It will not be heard later either; the session goes on.
            tracing::error!(notice = key, %error, "a notice could not be sent");
            Done::fact(Fact::Notified { notice: key })
        }
    }
}

async fn send(control: &Control, pending: PendingNotice) -> Result<(), Error> {
    let PendingNotice { notice, session, stream, closed } = pending;
    match notice {
        Notice::Dropped { start, outcome } => dropped(control, &session, &start, &outcome).await,
        Notice::Below { parent, child, number, report } => {
            match control.notify_parent(&parent, &child, &number, (*report).clone()).await {
                // A message that is too large for a command is shortened: the approval's id, and where it waits, are kept.
                Err(Error::TooLarge { .. }) => {
                    control.notify_parent(&parent, &child, &number, shortened(*report)).await
                }
                outcome => outcome,
            }
        }
        Notice::StartChild { session_id, execution_id, definition, input, stream_id, budget, parent } => {
            let parent_of = (parent.session_id.clone(), execution_id.clone());
            let request = StartRequest {
                execution_id: Some(execution_id),
                session_id: Some(session_id.clone()),
                stream_id: Some(stream_id),
                budget,
                scheduling: parent.scheduling.clone(),
                parent: Some(parent),
                ..StartRequest::new(definition, input)
            };
            match control.start(request).await {
                Ok(_) => Ok(()),
                Err(error @ Error::Unavailable(_)) => Err(error),
                // The call gets it as its answer.
                Err(error) => {
                    let (parent, execution) = parent_of;
                    let output = json!({ "code": error.code(), "message": error.to_string() });
                    control
                        .child_ended(&parent, &session_id, &execution, false, output, Used::default())
                        .await
                }
            }
        }
        Notice::CancelChild { session_id, execution_id } => {
            let reason = Some("its parent was stopped".to_owned());
            match control.cancel(&execution_id, Some(session_id), reason, None).await {
                Ok(_) | Err(Error::Conflict { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        }
        Notice::CloseChild { session_id } => {
            let reason = Some("its parent was closed".to_owned());
            match control.close_session(&session_id, true, reason, None).await {
                Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        }
        Notice::NotifyParent { parent, execution_id, outcome, used } => {
            let (completed, output) = match outcome {
                Outcome::Completed { output } => {
                    // An agent's result is what it said.
                    (true, output.get("output").cloned().unwrap_or(output))
                }
                Outcome::Failed { error } => (false, error),
                Outcome::Cancelled { reason } => (false, json!({ "code": "cancelled", "message": reason })),
            };
            control.child_ended(&parent.session_id, &session, &execution_id, completed, output, used).await
        }
        Notice::Closed => {
            let stream = stream.or_else(|| StreamId::new(session.as_str()).ok());
            let Some(stream) = stream else { return Ok(()) };
            let source =
                Source { session_id: Some(session.clone()), ..Source::stream(stream, Clock::System) };
            let id = EventId::derived(&format!("{session}/closed"));
            control.bus().record(source.event_with_id(id, Closed { reason: closed })).await?;
            Ok(())
        }
        Notice::DeadLetter { start, reason, attempts } => {
            let letter = DeadLettered {
                session_id: session,
                execution_id: start.execution_id.clone(),
                definition: start.definition.clone(),
                reason,
                attempts,
            };
            control.dead_letter(letter).await
        }
    }
}

/// A report without its large parts.
fn shortened(mut report: below::Report) -> below::Report {
    let cut = || json!({ "truncated": true });
    match &mut report.what {
        ReportContent::ApprovalRequested(asked) => asked.tool_input = cut(),
        ReportContent::ApprovalDecided(decided) => {
            decided.arguments = decided.arguments.take().map(|_| cut())
        }
        ReportContent::InputRequested(asked) => asked.prompt = truncate(asked.prompt.clone(), PROMPT_BYTES).0,
        ReportContent::InputReceived(received) => received.input = cut(),
        ReportContent::ChildCompleted(ended) => ended.output = cut(),
        ReportContent::ChildFailed(ended) => ended.error = cut(),
        ReportContent::ApprovalExpired(_) | ReportContent::ChildStarted(_) | ReportContent::Unknown => {}
    }
    report
}

/// The terminal event of an execution that never began.
async fn dropped(
    control: &Control,
    session: &SessionId,
    start: &Start,
    outcome: &Outcome,
) -> Result<(), Error> {
    let source = Source {
        session_id: Some(session.clone()),
        correlation_id: start.correlation_id.clone(),
        ..Source::execution(start.stream_id.clone(), start.execution_id.clone(), Clock::System)
    };
    let id = EventId::derived(&format!("{}/dropped", start.execution_id));
    control.bus().record(source.event_with_id(id, projection::end(outcome))).await?;
    Ok(())
}
