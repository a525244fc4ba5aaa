//! One call of the model: its deltas become events as they come, its answer is journalled, its failure too.

use std::time::Duration;

use futures_util::StreamExt;
use runbus::event::family::{client, model, node};
use runbus::id::NodeId;
use serde_json::{Value, json};

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
#[tracing::instrument(name = "chat", skip_all, fields(%node, attempt))]
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
    let messages = step::messages(&actor.journal.state, visit);
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
    let mut error = describe(fault);
    let correction = correction(fault);
    let tries = if correction.is_some() { limits::CORRECTIONS } else { limits::MODEL_TRIES };
    if attempt >= tries || !(fault.is_retryable() || correction.is_some()) {
        error["tries"] = json!(attempt);
        return actor.record(Fact::ExecutionEnded { outcome: Outcome::Failed { error } }).await;
    }
    let delay = if correction.is_some() { Duration::ZERO } else { backoff(attempt, fault.retry_after()) };
    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    actor.record(Fact::TurnFailed { error, next_try: attempt + 1, delay_ms, correction }).await?;
    tokio::time::sleep(delay).await;
    Ok(())
}

/// Tells the model that its answer is not what the node declares.
///
/// # Errors
/// See [`Error`].
pub async fn refuse(actor: &mut Actor, reason: &str, attempt: u32) -> Result<(), Error> {
    let error = json!({ "code": "invalid_output", "message": reason });
    let correction = Some(format!("Your answer cannot be used: {reason}. Answer again."));
    actor.record(Fact::TurnFailed { error, next_try: attempt + 1, delay_ms: 0, correction }).await
}

/// A fault as events show it: a stable code, a text, and what the provider said.
fn describe(fault: &Fault) -> Value {
    let mut error = json!({ "code": fault.code(), "message": fault.to_string() });
    if let Some(said) = fault.provider_error() {
        let mut provider = json!({
            "status": said.status,
            "code": said.code,
            "type": said.kind,
            "message": said.message,
            "failed_generation": said.failed_generation,
        });
        if let Some(fields) = provider.as_object_mut() {
            fields.retain(|_, field| !field.is_null());
        }
        error["provider"] = provider;
    }
    error
}

/// What to tell the model when the fault was its own.
fn correction(fault: &Fault) -> Option<String> {
    let said = fault.provider_error().filter(|_| fault.is_recoverable_by_model())?;
    let written = said.failed_generation.as_deref().unwrap_or("(not known)");
    Some(format!(
        "Your tool call was refused: {}\nYou wrote: {written}\nCall the tool again with valid arguments.",
        said.message
    ))
}

/// Exponential, with the provider's word first and half of it at random, so that workers do not return together.
fn backoff(attempt: u32, told: Option<Duration>) -> Duration {
    let doubled = limits::MODEL_BACKOFF_MIN.saturating_mul(1 << attempt.saturating_sub(1).min(16));
    let base = doubled.min(limits::MODEL_BACKOFF_MAX);
    let random = uuid::Uuid::new_v4().as_fields().0 % 1000;
    told.unwrap_or_default().max(base / 2 + base * random / 2000)
}
