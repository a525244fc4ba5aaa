//! One call of the model: its deltas become events as they come, its answer is a fact, its failure too.

use std::time::Duration;

use futures_util::StreamExt;
use runbus::event::Source;
use runbus::event::family::node::LoopIteration;
use runbus::event::family::{client, model, tool};
use runbus::id::{EventId, NodeId};
use runbus::session::Turn;
use runbus::session::entry::{Fact, Fallback, Outcome};
use runbus::session::run::{Run, Visit};
use runbus::session::state::State;
use serde_json::{Value, json};

use super::{Context, Done};
use crate::limits;
use crate::model::{CallDelta, Delta, Fault, Hint, Request};
use crate::session::actor::Error;
use crate::session::{events, step};

/// The question to the model.
#[derive(Debug)]
pub struct Question {
    source: Source,
    node: NodeId,
    request: Request,
    round: u32,
    asked: Asked,
}

/// Which call of a model this is.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Which try, from 1.
    attempt: u32,
    /// Tries of other models before.
    before: u32,
    /// The model's place in the node's list.
    place: usize,
    /// The model's name.
    model: Option<String>,
    /// Names the message that the answer becomes.
    message_id: String,
}

impl Asked {
    /// The next call of the model for a visit.
    pub(super) fn next(context: &Context, run: &Run, node: &NodeId, visit: &Visit, attempt: u32) -> Self {
        let model = context.plan.model(node, visit.model).map(str::to_owned);
        let place = step::place(run, node, visit);
        let message_id =
            EventId::derived(&format!("{}/{place}/{attempt}/message", context.session)).to_string();
        Self { attempt, before: visit.failures_before, place: visit.model, model, message_id }
    }

    /// Tries of this model, with this one.
    const fn tries(&self) -> u32 {
        self.attempt.saturating_sub(self.before)
    }

    /// The model's name.
    pub(super) fn model(&self) -> Option<String> {
        self.model.clone()
    }
}

/// The node's next question to the model; `None`: the node is not at work.
#[must_use]
pub fn question(context: &Context, state: &State, node: &NodeId, attempt: u32) -> Option<Question> {
    let run = state.running()?;
    let visit = run.visits.get(node)?;
    let round = visit.rounds + 1;
    let asked = Asked::next(context, run, node, visit, attempt);
    let hint = Hint { node: node.to_string(), iteration: visit.number, round };
    let messages = step::messages(state, visit);
    let request = Request { model: asked.model(), ..context.plan.request(node, messages, hint) };
    Some(Question { source: context.source(state, node)?, node: node.clone(), request, round, asked })
}

/// Asks. Dropping the future ends the request at once.
pub async fn ask(context: Context, question: Question) -> Done {
    let Question { source, node, mut request, round, asked } = question;
    let scope = context.scopes.of(&node);
    scope.settled().await;
    request.tools = scope.specs();
    let begun = LoopIteration { iteration: round, message_id: Some(asked.message_id.clone()) };
    match stream(&context, &source, &node, request, begun).await {
        Ok(Ok(turn)) => {
            let turn = Turn { message_id: Some(asked.message_id), ..turn };
            Done::fact(Fact::TurnCompleted { node, turn })
        }
        Ok(Err(fault)) => Done::fact(failed(&context, &node, &fault, &asked)),
        Err(error) => Done::Failed(error),
    }
}

/// Streams one answer into events.
async fn stream(
    context: &Context,
    source: &Source,
    node: &NodeId,
    request: Request,
    begun: LoopIteration,
) -> Result<Result<Turn, Fault>, Error> {
    let client_facing = context.plan.is_client_facing(node);
    let begun = source.node_loop_iteration(begun);
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
            Ok(Delta::Call(CallDelta { index, id, name, arguments })) => {
                source.tool_call_delta(tool::CallDelta { index, tool_use_id: id, tool_name: name, arguments })
            }
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

/// Decides what a fault means: try again, tell the model, ask the next model, or end the execution.
pub(super) fn failed(context: &Context, node: &NodeId, fault: &Fault, asked: &Asked) -> Fact {
    let mut error = describe(fault);
    let mut correction = correction(fault);
    let retry = context.model.retry(asked.model.as_deref());
    let tries =
        if correction.is_some() { limits::CORRECTIONS } else { context.plan.model_tries(node, retry.tries) };
    let mut fallback = None;
    if asked.tries() >= tries || !(fault.is_retryable() || correction.is_some()) {
        let place = asked.place + 1;
        let Some(model) = context.plan.model(node, place) else {
            error["tries"] = json!(asked.attempt);
            return Fact::ExecutionEnded { outcome: Outcome::Failed { error } };
        };
        // The next model has not made the mistake.
        correction = None;
        fallback = Some(Fallback { place, model: model.to_owned() });
    }
    let delay = if correction.is_some() || fallback.is_some() {
        Duration::ZERO
    } else {
        retry.delay(asked.tries(), fault.retry_after())
    };
    let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
    runbus::metrics::worker::RETRIES.inc();
    let message_id = Some(asked.message_id.clone());
    let (node, next_try) = (node.clone(), asked.attempt + 1);
    Fact::TurnFailed { node, error, next_try, delay_ms, correction, fallback, message_id }
}

/// A fault as events show it: a stable code, a text, and the provider's error.
fn describe(fault: &Fault) -> Value {
    let mut error = json!({ "code": fault.code(), "message": fault.to_string() });
    if let Fault::UnsupportedPart { index, kind, part, .. } = fault {
        error["part"] = json!({ "index": index, "type": kind, "label": part });
    }
    if let Some(said) = fault.provider_error() {
        let mut provider = json!({
            "status": said.status,
            "code": said.code,
            "type": said.kind,
            "message": said.message,
            "failed_generation": said.failed_generation,
            "request_id": said.request_id,
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
