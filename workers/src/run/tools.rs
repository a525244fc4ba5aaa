//! Running a tool whose intent is journalled.

use std::sync::Arc;

use runbus::event::Source;
use runbus::id::NodeId;
use runbus::session::ToolCall;
use runbus::session::entry::Fact;
use runbus::session::state::State;
use runbus::telemetry;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{Context, Done};
use crate::session::step;
use crate::{spans, tool};

/// A call to run.
#[derive(Debug)]
pub struct Job {
    source: Source,
    node: NodeId,
    call: ToolCall,
    key: String,
}

/// The job of an open call; `None`: there is no such call.
#[must_use]
pub fn job(context: &Context, state: &State, node: &NodeId, call_id: &str) -> Option<Job> {
    let run = state.running()?;
    let visit = run.visits.get(node)?;
    let call = visit.calls.iter().find(|open| open.call.id == call_id)?.call.clone();
    let key = format!("{}/{}/{call_id}", context.session, step::place(run, node, visit));
    Some(Job { source: context.source(state, node)?, node: node.clone(), call, key })
}

/// Runs it. Dropping the future drops the call.
pub async fn run(context: Context, job: Job) -> Done {
    let Job { source, node, call, key } = job;
    let registry = context.registry.clone();
    let span = spans::execute_tool(&call, node.as_str());
    let trace = telemetry::current_trace().map(Arc::new);
    let (name, id, arguments) = (call.name.clone(), call.id.clone(), call.arguments.clone());
    // A task of its own: a tool that computes for a while holds up no other call, and no command.
    let running = async move { registry.run(&name, &id, &key, &arguments).await };
    let task = tokio::spawn(telemetry::passing(trace, running).instrument(span.clone()));
    let task = AbortOnDropHandle::new(task);
    let what = format!("tool {}", call.name);
    let (result, is_error) = match context.watched(&source, &what, task).await {
        Ok(Ok(outcome)) => {
            spans::executed(&span, &outcome.content, outcome.error.as_ref().map(tool::Error::code));
            let is_error = outcome.is_error();
            (outcome.content, is_error)
        }
        Ok(Err(error)) => {
            spans::executed(&span, "", Some("panicked"));
            (format!("the tool broke: {error}"), true)
        }
        Err(error) => return Done::Failed(error),
    };
    Done::fact(Fact::ToolCompleted { node, call_id: call.id, name: call.name, result, is_error })
}
