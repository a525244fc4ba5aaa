//! One call of the model: its deltas become events as they come, its answer is a fact, its failure too.

use std::time::Duration;

use futures_util::StreamExt;
use runbus::event::Source;
use runbus::event::family::{client, model, node};
use runbus::id::NodeId;
use runbus::session::Turn;
use runbus::session::entry::{Fact, Outcome};
use runbus::session::state::State;
use serde_json::{Value, json};

use super::{Context, Done};
use crate::limits;
use crate::model::{Delta, Fault, Hint, Request};
use crate::session::actor::Error;
use crate::session::{events, step};

/// The question to the model.
#[derive(Debug)]
pub struct Question {
    source: Source,
    node: NodeId,
    request: Request,
    round: u32,
    attempt: u32,
}

/// The node's next question to the model; `None`: the node is not at work.
#[must_use]
pub fn question(context: &Context, state: &State, node: &NodeId, attempt: u32) -> Option<Question> {
    let visit = state.running()?.visits.get(node)?;
    let round = visit.rounds + 1;
    let hint = Hint { node: node.to_string(), iteration: visit.number, round };
    let messages = step::messages(state, visit);
    let request = context.plan.request(node, messages, hint);
    Some(Question { source: context.source(state, node)?, node: node.clone(), request, round, attempt })
}

/// Asks. Dropping the future ends the request at once.
pub async fn ask(context: Context, question: Question) -> Done {
    let Question { source, node, mut request, round, attempt } = question;
    let scope = context.scopes.of(&node);
    scope.settled().await;
    request.tools = scope.specs();
    match stream(&context, &source, &node, request, round).await {
        Ok(Ok(turn)) => Done::fact(Fact::TurnCompleted { node, turn }),
        Ok(Err(fault)) => Done::fact(failed(&context, &node, &fault, attempt)),
        Err(error) => Done::Failed(error),
    }
}

/// Streams one answer into events.
async fn stream(
    context: &Context,
    source: &Source,
    node: &NodeId,
    request: Request,
    round: u32,
) -> Result<Result<Turn, Fault>, Error> {
    let client_facing = context.plan.is_client_facing(node);
    let begun = source.node_loop_iteration(node::LoopIteration { iteration: round });
    let mut last = context.deltas.write(&begun).await?;
    let mut deltas = match context.watched(source, "the model", context.model.stream(request)).await? {
        Ok(deltas) => deltas,
        Err(fault) => return Ok(Err(fault)),
    };
    while let Some(delta) = context.watched(source, "the model", deltas.next()).await? {
        let event = match delta {
            Ok(Delta::Text(content)) if client_facing => {
                source.client_output_delta(client::OutputDelta { content, snapshot: None })
            }
            Ok(Delta::Text(content)) => source.llm_text_delta(model::TextDelta { content, snapshot: None }),
            Ok(Delta::Reasoning(content)) => source.llm_reasoning_delta(model::ReasoningDelta { content }),
            Ok(Delta::Completed(turn)) => {
                // A journalled turn is never streamed again: its deltas must be durable for readers.
                last.durable().await.map_err(events::Error::from)?;
                return Ok(Ok(*turn));
            }
            Err(fault) => return Ok(Err(fault)),
        };
        last = context.deltas.write(&event).await?;
    }
    Ok(Err(Fault::ClosedEarly))
}

/// Decides what a fault means: try again, tell the model, or end the execution.
pub(super) fn failed(context: &Context, node: &NodeId, fault: &Fault, attempt: u32) -> Fact {
    let mut error = describe(fault);
    let correction = correction(fault);
    let tries = if correction.is_some() { limits::CORRECTIONS } else { context.plan.model_tries(node) };
    if attempt >= tries || !(fault.is_retryable() || correction.is_some()) {
        error["tries"] = json!(attempt);
        return Fact::ExecutionEnded { outcome: Outcome::Failed { error } };
    }
    let delay = if correction.is_some() { Duration::ZERO } else { backoff(attempt, fault.retry_after()) };
    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    runbus::metrics::worker::RETRIES.inc();
    Fact::TurnFailed { node: node.clone(), error, next_try: attempt + 1, delay_ms, correction }
}

/// A fault as events show it: a stable code, a text, and the provider's error.
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

/// The correction for the model when the fault was its own.
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
