//! What readers see of a journal entry: the events that mirror it. Pure, so that a new owner mirrors what its
//! predecessor did not get to, with the same ids.

use runbus::event::family::{execution, model, node, tool};
use runbus::event::{Event, Payload, Source};
use runbus::id::{EventId, NodeId, SessionId};
use runbus::time::Clock;
use serde_json::Value;

use super::entry::{Entry, Fact, Outcome};
use super::state::{Run, State};
use crate::definition::Plan;

/// Events that become visible together.
#[derive(Debug)]
pub struct Mirror {
    /// The node whose events they are; `None`: the execution's.
    pub node: Option<NodeId>,
    /// The events.
    pub events: Vec<Event>,
}

/// The source of a run's events.
#[must_use]
pub fn source(session: &SessionId, run: &Run, node: Option<&NodeId>, clock: Clock) -> Source {
    Source {
        stream_id: run.start.stream_id.clone(),
        node_id: node.cloned(),
        execution_id: Some(run.start.execution_id.clone()),
        correlation_id: run.start.correlation_id.clone(),
        session_id: Some(session.clone()),
        attempt: Some(run.attempt),
        clock,
    }
}

/// The events of the entry at `index`. `state` has it folded in; `took_over` says that the entry is a claim that ended
/// another worker's attempt, with the first void event.
#[must_use]
pub fn mirror(
    session: &SessionId,
    state: &State,
    plan: Option<&Plan>,
    entry: &Entry,
    index: u64,
    took_over: Option<Option<u64>>,
) -> Option<Mirror> {
    let run = state.run.as_ref()?;
    let visiting = run.visit.as_ref().map(|visit| visit.node.clone());
    let (node, payloads) = match &entry.fact {
        Fact::Claimed { .. } => {
            let void_from = took_over?;
            let superseded = execution::AttemptSuperseded {
                superseded_attempt: run.attempt.saturating_sub(1),
                attempt: run.attempt,
                void_from,
                reason: "its worker went away".into(),
            };
            (None, vec![superseded.into()])
        }
        Fact::ExecutionStarted { .. } => {
            let started = execution::Started {
                input: run.start.input.clone(),
                definition: Some(run.start.definition.clone()),
            };
            (None, vec![started.into()])
        }
        Fact::NodeStarted { node, iteration, .. } => {
            let max_iterations = plan.map(|plan| plan.max_rounds(node));
            let started = node::LoopStarted { max_iterations, iteration: Some(*iteration) };
            (Some(node.clone()), vec![started.into()])
        }
        Fact::TurnCompleted { turn } => (visiting, turn_events(run, turn)),
        Fact::TurnFailed { error, next_try, delay_ms, .. } => {
            let retry = model::Retry { error: error.clone(), next_try: *next_try, delay_ms: *delay_ms };
            (visiting, vec![retry.into()])
        }
        Fact::ToolsStarted { calls } => {
            let started = |call: &crate::model::ToolCall| -> Payload {
                tool::CallStarted {
                    tool_use_id: call.id.clone(),
                    tool_name: call.name.clone(),
                    tool_input: arguments(&call.arguments),
                }
                .into()
            };
            (visiting, calls.iter().map(started).collect())
        }
        Fact::ToolCompleted { call_id, name, result, is_error } => {
            let completed = tool::CallCompleted {
                tool_use_id: call_id.clone(),
                tool_name: name.clone(),
                result: Value::String(result.clone()),
                is_error: *is_error,
            };
            (visiting, vec![completed.into()])
        }
        Fact::CallsLeftPending { call_ids } => {
            let reason = Some(format!("the outcome of {} is not known", call_ids.join(", ")));
            (None, vec![execution::Paused { reason }.into()])
        }
        Fact::NodeCompleted { node, output, rounds } => {
            (Some(node.clone()), node_events(*rounds, plan, node, output))
        }
        Fact::ExecutionEnded { outcome } => (None, vec![end(outcome)]),
        Fact::Released | Fact::CommandTaken { .. } | Fact::Unknown => return None,
    };
    let mut source = source(session, run, node.as_ref(), Clock::System);
    source.clock = Clock::at(entry.at);
    let id = |n: usize| EventId::derived(&format!("{session}/{index}/{n}"));
    let events =
        payloads.into_iter().enumerate().map(|(n, payload)| source.event_with_id(id(n), payload)).collect();
    Some(Mirror { node, events })
}

/// Arguments as JSON; as text when the model wrote none.
#[must_use]
pub fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_no_json| Value::String(text.into()))
}

fn turn_events(run: &Run, turn: &crate::model::Turn) -> Vec<Payload> {
    let calls = turn.tool_calls.iter().map(|call| model::ToolCall {
        tool_use_id: call.id.clone(),
        tool_name: call.name.clone(),
        arguments: call.arguments.clone(),
    });
    let completed = model::TurnCompleted {
        usage: turn.usage.as_ref().map(|usage| model::Usage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            cached_tokens: usage.cached_tokens,
        }),
        finish_reason: turn.finish_reason.clone(),
        model: turn.model.clone(),
        content: (!turn.text.is_empty()).then(|| turn.text.clone()),
        tool_calls: calls.collect(),
    };
    let mut events = vec![completed.into()];
    if turn.usage.is_some() {
        events.push(model::UsageUpdated { usage: run.usage.clone(), rounds: run.rounds }.into());
    }
    events
}

fn node_events(rounds: u32, plan: Option<&Plan>, node: &NodeId, output: &Value) -> Vec<Payload> {
    let mut events = Vec::new();
    if !plan.is_some_and(|plan| plan.is_client_facing(node)) {
        let content = match output {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let structured = (!output.is_string()).then(|| output.clone());
        events.push(node::InternalOutput { content, output: structured }.into());
    }
    events.push(node::LoopCompleted { iterations: rounds }.into());
    events
}

fn end(outcome: &Outcome) -> Payload {
    match outcome {
        Outcome::Completed { output } => execution::Completed { output: output.clone() }.into(),
        Outcome::Failed { error } => execution::Failed { error: error.clone() }.into(),
    }
}
