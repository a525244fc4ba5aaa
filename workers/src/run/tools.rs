//! Running a tool whose intent is journalled.

use std::sync::Arc;
use std::time::Duration;

use runbus::event::family::tool::CallProgress;
use runbus::event::{Event, Source};
use runbus::id::NodeId;
use runbus::session::ToolCall;
use runbus::session::approval::Schemas;
use runbus::session::entry::Fact;
use runbus::session::state::State;
use runbus::telemetry;
use runbus::time::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{Context, Done};
use crate::session::step;
use crate::tool::limits::PROGRESS_EVENT_MS;
use crate::tool::{Permit, Progress, Refusal};
use crate::{spans, tool};

/// A call to run, and the permit that it may.
#[derive(Debug)]
pub struct Job {
    source: Source,
    node: NodeId,
    permit: Permit,
    key: String,
}

/// The job of an open call; `None`: there is no such call.
///
/// # Errors
/// It may not run: a person has to be asked, or it is answered. The guards are looked at again, since an owner before may have
/// begun the call under others.
pub fn job(
    context: &Context,
    state: &State,
    node: &NodeId,
    call_id: &str,
    now: Timestamp,
) -> Option<Result<Job, Box<Fact>>> {
    let run = state.running()?;
    let visit = run.visits.get(node)?;
    let open = visit.calls.iter().find(|open| open.call.id == call_id)?;
    let call = &open.call;
    let source = context.source(state, node)?;
    let place = (run, node, visit);
    let permit = match step::clear(&context.session, context.scopes.of(node), state, place, open) {
        Ok(permit) => permit,
        Err(Refusal::NeedsApproval { arguments, schema, .. }) => {
            let end = step::later(now, context.plan.approval_timeout(node));
            let asked = step::requested(&context.session, place, call, arguments, end);
            let (node, approvals) = (node.clone(), vec![asked]);
            let schemas = Schemas::of_tools(schema.map(|schema| (call.name.clone(), schema)));
            return Some(Err(Box::new(Fact::ApprovalsRequested { node, approvals, schemas })));
        }
        Err(Refusal::Error(error)) => {
            return Some(Err(Box::new(Fact::ToolCompleted {
                node: node.clone(),
                call_id: call.id.clone(),
                name: call.name.clone(),
                result: error.to_string(),
                is_error: true,
                media: Vec::new(),
            })));
        }
    };
    let key = format!("{}/{}/{call_id}", context.session, step::place(run, node, visit));
    Some(Ok(Job { source, node: node.clone(), permit, key }))
}

/// Runs it. Dropping the future drops the call.
pub async fn run(context: Context, job: Job) -> Done {
    let Job { source, node, permit, key } = job;
    let call = permit.call().clone();
    let mut progress = ProgressFeed::new(permit.progress());
    let span = spans::execute_tool(&call, node.as_str());
    let trace = telemetry::current_trace().map(Arc::new);
    // A task of its own: a tool that computes for a while holds up no other call, and no command.
    let running = async move { permit.run(&key).await };
    let task = tokio::spawn(telemetry::passing(trace, running).instrument(span.clone()));
    let mut task = AbortOnDropHandle::new(task);
    let what = format!("tool {}", call.name);
    let ended = loop {
        // Each update of the tool is progress, so that the tool does not count as stalled.
        let next = async {
            tokio::select! {
                biased;
                ended = &mut task => Some(ended),
                () = progress.next() => None,
            }
        };
        match context.watched(&source, &what, next).await {
            Ok(Some(ended)) => break ended,
            Ok(None) => {}
            Err(error) => return Done::Failed(error),
        }
        let Some(event) = progress.event(&source, &call) else { continue };
        if let Err(error) = context.deltas.write(&event).await {
            return Done::Failed(error.into());
        }
    };
    let (result, is_error, media) = match ended {
        Ok(outcome) => {
            spans::executed(&span, &outcome.content, outcome.error.as_ref().map(tool::Error::code));
            let is_error = outcome.is_error();
            (outcome.content, is_error, outcome.media)
        }
        Err(error) => {
            spans::executed(&span, "", Some("panicked"));
            (format!("the tool panicked: {error}"), true, Vec::new())
        }
    };
    Done::fact(Fact::ToolCompleted { node, call_id: call.id, name: call.name, result, is_error, media })
}

/// A tool's progress, as often as readers can use it.
struct ProgressFeed {
    updates: watch::Receiver<Option<Progress>>,
    /// When the next update may become an event.
    from: Instant,
    open: bool,
}

impl ProgressFeed {
    fn new(updates: watch::Receiver<Option<Progress>>) -> Self {
        Self { updates, from: Instant::now(), open: true }
    }

    /// Waits for the next update.
    async fn next(&mut self) {
        if self.open {
            tokio::time::sleep_until(self.from).await;
            self.open = self.updates.changed().await.is_ok();
        }
        if !self.open {
            std::future::pending::<()>().await;
        }
    }

    /// The latest update as an event.
    fn event(&mut self, source: &Source, call: &ToolCall) -> Option<Event> {
        self.from = Instant::now() + Duration::from_millis(PROGRESS_EVENT_MS);
        let Progress { progress, total, message } = self.updates.borrow_and_update().clone()?;
        let (tool_use_id, tool_name) = (call.id.clone(), call.name.clone());
        Some(source.tool_call_progress(CallProgress { tool_use_id, tool_name, progress, total, message }))
    }
}
