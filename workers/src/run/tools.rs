//! Running the tools that a turn asks for: intent first, outcome after, several at a time.

use futures_util::StreamExt;

use crate::limits;
use crate::model::ToolCall;
use crate::session::actor::{Actor, Error};
use crate::session::entry::Fact;

/// Runs the open calls. `repeated`: an earlier owner journalled the intent and died, so that each of them may have run.
///
/// # Errors
/// See [`Error`].
#[tracing::instrument(name = "execute_tools", skip_all, fields(calls = calls.len(), repeated))]
pub async fn run(actor: &mut Actor, calls: Vec<ToolCall>, repeated: bool) -> Result<(), Error> {
    let registry = actor.tools.registry.clone();
    let calls = if repeated {
        let (safe, unsafe_calls): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|call| registry.is_safe_to_repeat(&call.name));
        if safe.is_empty() {
            let call_ids = unsafe_calls.into_iter().map(|call| call.id).collect();
            return actor.record(Fact::CallsLeftPending { call_ids }).await;
        }
        safe
    } else {
        actor.record(Fact::ToolsStarted { calls: calls.clone() }).await?;
        calls
    };
    let place = place(actor);
    let answers = calls.into_iter().map(|call| {
        let registry = registry.clone();
        let key = format!("{place}/{}", call.id);
        async move {
            let outcome = registry.run(&call.name, &call.id, &key, &call.arguments).await;
            (call, outcome)
        }
    });
    let mut answers = futures_util::stream::iter(answers).buffer_unordered(limits::TOOLS_AT_ONCE);
    while let Some((call, outcome)) = answers.next().await {
        let is_error = outcome.is_error();
        let result = outcome.content;
        actor.record(Fact::ToolCompleted { call_id: call.id, name: call.name, result, is_error }).await?;
    }
    Ok(())
}

/// Where in the session's life a turn stands: the same for every owner that repeats its calls, another for the next turn,
/// whose calls may have the same ids.
fn place(actor: &Actor) -> String {
    let session = &actor.session;
    let Some(run) = actor.journal.state.running() else { return session.to_string() };
    let (node, number, rounds) =
        run.visit.as_ref().map_or(("", 0, 0), |visit| (visit.node.as_str(), visit.number, visit.rounds));
    format!("{session}/{}/{node}/{number}/{rounds}", run.start.execution_id)
}
