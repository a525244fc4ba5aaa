//! Running a tool whose intent is journalled.

use runbus::event::Source;
use runbus::id::NodeId;
use runbus::session::ToolCall;
use runbus::session::entry::Fact;
use runbus::session::state::State;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::{Context, Done};
use crate::session::step;

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
    let span = tracing::info_span!("execute_tool", tool = call.name, call_id = call.id);
    let (name, id, arguments) = (call.name.clone(), call.id.clone(), call.arguments.clone());
    // A task of its own: a tool that computes for a while holds up no other call, and no command.
    let task = tokio::spawn(async move { registry.run(&name, &id, &key, &arguments).await }.instrument(span));
    let task = AbortOnDropHandle::new(task);
    let what = format!("tool {}", call.name);
    let (result, is_error) = match context.watched(&source, &what, task).await {
        Ok(Ok(outcome)) => {
            let is_error = outcome.is_error();
            (outcome.content, is_error)
        }
        Ok(Err(error)) => (format!("the tool broke: {error}"), true),
        Err(error) => return Done::Failed(error),
    };
    Done::fact(Fact::ToolCompleted { node, call_id: call.id, name: call.name, result, is_error })
}
