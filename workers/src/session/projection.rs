//! The events that project a journal entry for readers. Pure, so that a new owner projects the entries that its
//! predecessor left, with the same ids.

use runbus::event::family::{client, execution, goal, model, node, session as sessions, tool};
use runbus::event::{Event, Payload, Source};
use runbus::id::{EventId, NodeId, SessionId};
use runbus::session::below::{self, Used};
use runbus::session::entry::{Entry, Fact, Judgement, Outcome};
use runbus::session::run::Run;
use runbus::session::state::{Change, State};
use runbus::session::{ToolCall, Turn};
use runbus::time::Clock;
use serde_json::Value;

use crate::definition::Plan;

/// Events that become visible together.
#[derive(Debug)]
pub struct Projection {
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

/// An entry with its changes.
#[derive(Debug, Clone, Copy)]
pub struct Reflected<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// Its place in the journal.
    pub index: u64,
    /// Its changes beyond its own content.
    pub changes: &'a [Change],
    /// The first event that a takeover makes void.
    pub void_from: Option<u64>,
}

/// The events of an entry. `state` has it folded in.
#[must_use]
pub fn project(
    session: &SessionId,
    state: &State,
    plan: Option<&Plan>,
    reflected: Reflected<'_>,
) -> Option<Projection> {
    let run = state.run.as_ref()?;
    let Reflected { entry, index, changes, void_from } = reflected;
    let (node, payloads) = match &entry.fact {
        Fact::Claimed { .. } | Fact::CommandTaken { .. } => {
            changes.iter().find_map(|change| changed(change, run, void_from))?
        }
        Fact::ExecutionStarted { .. } => {
            let started = execution::Started {
                input: run.start.input.clone(),
                definition: Some(run.start.definition.clone()),
            };
            (None, vec![started.into()])
        }
        Fact::ExecutionEnded { outcome } => (None, vec![end(outcome)]),
        Fact::Released { .. }
        | Fact::Notified { .. }
        | Fact::Checkpoint(_)
        | Fact::Messages(_)
        | Fact::Unknown => return None,
        fact => {
            let (node, payloads) = work(run, plan, fact)?;
            (Some(node), payloads)
        }
    };
    let mut source = source(session, run, node.as_ref(), Clock::System);
    source.clock = Clock::at(entry.at);
    let id = |n: usize| EventId::derived(&format!("{session}/{index}/{n}"));
    let events =
        payloads.into_iter().enumerate().map(|(n, payload)| source.event_with_id(id(n), payload)).collect();
    Some(Projection { node, events })
}

/// The events of a command's, or a claim's, effect.
fn changed(change: &Change, run: &Run, void_from: Option<u64>) -> Option<(Option<NodeId>, Vec<Payload>)> {
    let (node, payload) = match change {
        Change::Superseded => {
            let superseded = execution::AttemptSuperseded {
                superseded_attempt: run.attempt.saturating_sub(1),
                attempt: run.attempt,
                void_from,
                reason: "its worker went away".into(),
            };
            (None, superseded.into())
        }
        Change::CancelDelivered { reason } => {
            (None, execution::CancelDelivered { reason: reason.clone() }.into())
        }
        Change::Paused { reason } => (None, execution::Paused { reason: reason.clone() }.into()),
        Change::Resumed { reason } => (None, execution::Resumed { reason: Some(reason.clone()) }.into()),
        Change::Decided(approval) => (Some(approval.node_id.clone()), below::decided(approval)?.into()),
        Change::Expired(approval) => (Some(approval.node_id.clone()), below::expired(approval).into()),
        Change::Answered { node, request_id, input, by } => {
            let received = client::InputReceived {
                request_id: Some(request_id.clone()),
                input: input.clone(),
                answered_by: by.clone(),
                below: None,
            };
            (Some(node.clone()), received.into())
        }
        Change::ChildEnded { node, session_id, completed, output } => {
            let (session_id, output) = (session_id.clone(), output.clone());
            let payload = if *completed {
                sessions::SubagentCompleted { session_id, output, below: None }.into()
            } else {
                sessions::SubagentFailed { session_id, error: output, below: None }.into()
            };
            return Some((Some(node.clone()), vec![payload, used(run)]));
        }
        Change::Below { node, through, report } => (Some(node.clone()), report.payload(through)?),
    };
    Some((node, vec![payload]))
}

/// The event with the run's usage, with all below it.
fn used(run: &Run) -> Payload {
    let below = (run.below != Used::default()).then(|| run.below.clone());
    model::UsageUpdated { usage: run.usage.clone(), rounds: run.rounds, below }.into()
}

/// The events of nodes, the model and tools.
fn work(run: &Run, plan: Option<&Plan>, fact: &Fact) -> Option<(NodeId, Vec<Payload>)> {
    Some(match fact {
        Fact::NodeStarted { node, iteration, .. } => {
            let max_iterations = plan.map(|plan| plan.max_rounds(node));
            let started = node::LoopStarted { max_iterations, iteration: Some(*iteration) };
            (node.clone(), vec![started.into()])
        }
        Fact::TurnCompleted { node, turn } => (node.clone(), turn_events(run, turn)),
        Fact::TurnFailed { node, error, next_try, delay_ms, fallback, message_id, .. } => {
            let retry = model::Retry {
                error: error.clone(),
                next_try: *next_try,
                delay_ms: *delay_ms,
                message_id: message_id.clone(),
                model: fallback.as_ref().map(|fallback| fallback.model.clone()),
            };
            (node.clone(), vec![retry.into()])
        }
        Fact::ApprovalsRequested { node, approvals, .. } => {
            let requested = approvals.iter().map(|asked| below::requested(asked).into());
            (node.clone(), requested.collect())
        }
        Fact::InputRequested { node, request } => {
            let faced = plan.is_none_or(|plan| plan.is_client_facing(node));
            let asked = below::question(request);
            let blocked = node::InputBlocked { prompt: request.prompt.clone() };
            let mut payloads: Vec<Payload> = vec![asked.into()];
            payloads.extend((!faced).then(|| blocked.into()));
            (node.clone(), payloads)
        }
        Fact::ChildStarted { node, call_id, session_id, execution_id, definition, .. } => {
            let started = below::started(session_id, execution_id, definition, call_id);
            (node.clone(), vec![started.into()])
        }
        Fact::ToolsStarted { node, calls } => (node.clone(), calls.iter().map(call_started).collect()),
        Fact::ToolCompleted { node, call_id, name, result, is_error, .. } => {
            let completed = tool::CallCompleted {
                tool_use_id: call_id.clone(),
                tool_name: name.clone(),
                result: Value::String(result.clone()),
                is_error: *is_error,
            };
            (node.clone(), vec![completed.into()])
        }
        Fact::CallsLeftPending { node, call_ids } => {
            let reason = Some(format!("the outcome of {} is not known", call_ids.join(", ")));
            (node.clone(), vec![execution::Paused { reason }.into()])
        }
        Fact::Compacted { node, from, to, tokens_before, tokens_after, .. } => {
            let compacted = model::ContextCompacted {
                tokens_before: *tokens_before,
                tokens_after: *tokens_after,
                messages: u64::try_from(to - from).unwrap_or(u64::MAX),
            };
            (node.clone(), vec![compacted.into()])
        }
        Fact::NodeCompleted { node, output, rounds, judgement, .. } => {
            let mut payloads = node_events(*rounds, plan, node, output);
            payloads.extend(judged(judgement));
            (node.clone(), payloads)
        }
        _ => return None,
    })
}

fn call_started(call: &ToolCall) -> Payload {
    tool::CallStarted {
        tool_use_id: call.id.clone(),
        tool_name: call.name.clone(),
        tool_input: arguments(&call.arguments),
    }
    .into()
}

fn judged(judgement: &Judgement) -> Vec<Payload> {
    let mut payloads: Vec<Payload> = Vec::new();
    for (constraint_id, description) in &judgement.violations {
        let (constraint_id, description) = (constraint_id.clone(), description.clone());
        payloads.push(goal::ConstraintViolation { constraint_id, description }.into());
    }
    if let Some(progress) = judgement.progress {
        payloads.push(goal::Progress { progress, criteria_status: judgement.criteria.clone() }.into());
    }
    if judgement.achieved {
        payloads.push(goal::Achieved { goal_id: None }.into());
    }
    payloads
}

/// Arguments as JSON; as text when the model wrote none.
#[must_use]
pub fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    runbus::json::shallow(text).unwrap_or_else(|_no_json| Value::String(text.into()))
}

fn turn_events(run: &Run, turn: &Turn) -> Vec<Payload> {
    let calls = turn.tool_calls.iter().map(|call| model::ToolCall {
        tool_use_id: call.id.clone(),
        tool_name: call.name.clone(),
        arguments: call.arguments.clone(),
    });
    let completed = model::TurnCompleted {
        message_id: turn.message_id.clone(),
        usage: turn.usage.as_ref().map(|usage| model::Usage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            cached_tokens: usage.cached_tokens,
            estimated: usage.estimated,
            cost: usage.cost,
        }),
        finish_reason: turn.finish_reason.clone(),
        model: turn.model.clone(),
        provider: turn.provider.clone(),
        request_id: turn.request_id.clone(),
        reasoning: (!turn.reasoning.is_empty()).then(|| turn.reasoning.clone()),
        content: (!turn.text.is_empty()).then(|| turn.text.clone()),
        tool_calls: calls.collect(),
    };
    let mut events = vec![completed.into()];
    if turn.usage.is_some() {
        events.push(used(run));
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

/// The event that ends an execution.
#[must_use]
pub fn end(outcome: &Outcome) -> Payload {
    match outcome {
        Outcome::Completed { output } => execution::Completed { output: output.clone() }.into(),
        Outcome::Failed { error } => execution::Failed { error: error.clone() }.into(),
        Outcome::Cancelled { reason } => execution::Cancelled { reason: reason.clone() }.into(),
    }
}
