//! One call of the model: its deltas become events as they come, its answer is journalled, its failure too.

use std::time::Duration;

use futures_util::StreamExt;
use runbus::event::family::{client, model, node};
use runbus::id::NodeId;
use serde_json::json;

use crate::limits;
use crate::model::{Delta, Fault, Hint, Request, Turn};
use crate::session::actor::{Actor, Error};
use crate::session::entry::{Fact, Outcome};
use crate::session::events;
use crate::session::step;

/// Asks the model for the node's next turn. `attempt` counts the tries of this turn, from 1.
///
/// # Errors
/// See [`Error`].
pub async fn call(actor: &mut Actor, node: &NodeId, attempt: u32) -> Result<(), Error> {
    let Some(request) = request(actor, node) else { return Ok(()) };
    match stream(actor, node, request).await? {
        Ok(turn) => actor.record(Fact::TurnCompleted { turn }).await,
        Err(fault) => failed(actor, &fault, attempt).await,
    }
}

fn request(actor: &Actor, node: &NodeId) -> Option<Request> {
    let run = actor.journal.state.running()?;
    let visit = run.visit.as_ref()?;
    let plan = actor.tools.definitions.get(&run.start.definition)?;
    let hint = Hint { node: node.to_string(), iteration: visit.number, round: visit.rounds + 1 };
    let messages = step::messages(&actor.journal.state, run, visit, plan);
    Some(plan.request(node, messages, &actor.tools.registry, hint))
}

/// Streams one answer into events.
async fn stream(actor: &mut Actor, node: &NodeId, request: Request) -> Result<Result<Turn, Fault>, Error> {
    let Some(run) = actor.journal.state.running() else { return Ok(Err(Fault::ClosedEarly)) };
    let plan = actor.tools.definitions.get(&run.start.definition);
    let client_facing = plan.is_some_and(|plan| plan.is_client_facing(node));
    let source = events::delta_source(&actor.session, run, node);
    let Some(events) = &actor.events else { return Ok(Err(Fault::ClosedEarly)) };
    let iteration = run.visit.as_ref().map_or(1, |visit| visit.rounds + 1);
    let begun = source.node_loop_iteration(node::LoopIteration { iteration });
    events.stream(Some(node.clone()), &begun).await?;
    let mut deltas = match actor.tools.model.stream(request).await {
        Ok(deltas) => deltas,
        Err(fault) => return Ok(Err(fault)),
    };
    while let Some(delta) = deltas.next().await {
        let event = match delta {
            Ok(Delta::Text(content)) if client_facing => {
                source.client_output_delta(client::OutputDelta { content, snapshot: None })
            }
            Ok(Delta::Text(content)) => source.llm_text_delta(model::TextDelta { content, snapshot: None }),
            Ok(Delta::Reasoning(content)) => source.llm_reasoning_delta(model::ReasoningDelta { content }),
            Ok(Delta::Completed(turn)) => return Ok(Ok(*turn)),
            Err(fault) => return Ok(Err(fault)),
        };
        events.stream(Some(node.clone()), &event).await?;
    }
    Ok(Err(Fault::ClosedEarly))
}

/// Decides what a fault means: try again, tell the model, or end the execution.
async fn failed(actor: &mut Actor, fault: &Fault, attempt: u32) -> Result<(), Error> {
    let error = fault.to_value();
    let correction = fault.correction();
    let tries = if correction.is_some() { limits::CORRECTIONS } else { limits::MODEL_TRIES };
    if attempt >= tries || !(fault.is_retryable() || correction.is_some()) {
        let mut error = error;
        if attempt > 1
            && let Some(fields) = error.as_object_mut()
        {
            fields.insert("tries".into(), json!(attempt));
        }
        return actor.record(Fact::ExecutionEnded { outcome: Outcome::Failed { error } }).await;
    }
    let delay = if correction.is_some() { Duration::ZERO } else { backoff(attempt, fault.retry_after()) };
    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    actor.record(Fact::TurnFailed { error, next_try: attempt + 1, delay_ms, correction }).await?;
    tokio::time::sleep(delay).await;
    Ok(())
}

/// Exponential, with the provider's word first; jitter comes from the attempts' different starts.
fn backoff(attempt: u32, told: Option<Duration>) -> Duration {
    let doubled = limits::MODEL_BACKOFF_MIN.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    told.unwrap_or(doubled).min(limits::MODEL_BACKOFF_MAX)
}
