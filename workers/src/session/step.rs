//! What comes next: a pure decision from a session's state. All effects are elsewhere.

use runbus::id::{ExecutionId, NodeId};
use serde_json::{Value, json};

use super::entry::Outcome;
use super::state::{Run, State, Visit};
use crate::definition::{Definitions, Next, Plan};
use crate::limits;
use crate::model::{Message, ToolCall};

/// The next step of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Nothing to do until a command comes.
    Park,
    /// Begin the next execution.
    Begin(ExecutionId),
    /// Begin a node.
    Enter {
        /// Which.
        node: NodeId,
        /// How often it has begun, with this time.
        visit: u32,
    },
    /// Ask the model.
    CallModel {
        /// For which node.
        node: NodeId,
        /// Which try, from 1.
        attempt: u32,
    },
    /// Run tools.
    RunTools {
        /// Their calls.
        calls: Vec<ToolCall>,
        /// Whether an earlier owner may have run them already.
        repeated: bool,
    },
    /// End the node.
    Leave {
        /// Which.
        node: NodeId,
        /// Its output.
        output: Value,
    },
    /// End the execution.
    End(Outcome),
}

/// Decides.
#[must_use]
pub fn next(state: &State, definitions: &Definitions) -> Step {
    let Some(run) = state.running() else {
        return state.queue.front().map_or(Step::Park, |start| Step::Begin(start.execution_id.clone()));
    };
    if run.pending {
        return Step::Park;
    }
    let Some(plan) = definitions.get(&run.start.definition) else {
        let message = format!("no agent or graph is called {:?} here", run.start.definition);
        return failed("unknown_definition", &message);
    };
    match &run.visit {
        None => enter(run, plan),
        Some(visit) => within(run, visit, plan),
    }
}

/// An execution's end with a typed error.
#[must_use]
pub fn failed(code: &str, message: &str) -> Step {
    Step::End(Outcome::Failed { error: json!({ "code": code, "message": message }) })
}

fn enter(run: &Run, plan: &Plan) -> Step {
    let next = match run.last_node.as_ref().and_then(|node| Some((node, run.outputs.get(node)?))) {
        None => Next::Node(plan.entry().clone()),
        Some((node, output)) => plan.route(node, output, &run.visits),
    };
    match next {
        Next::Node(node) => {
            let visit = run.visits.get(&node).copied().unwrap_or(0) + 1;
            if run.visits.values().sum::<u32>() >= limits::VISITS_MAX {
                return failed("too_many_steps", &format!("more than {} nodes ran", limits::VISITS_MAX));
            }
            Step::Enter { node, visit }
        }
        Next::End => Step::End(Outcome::Completed { output: plan.result(run) }),
    }
}

fn within(run: &Run, visit: &Visit, plan: &Plan) -> Step {
    if !visit.open_calls.is_empty() {
        return Step::RunTools { calls: visit.open_calls.clone(), repeated: visit.intended };
    }
    if let Some(answer) = &visit.answer {
        return match plan.output(&visit.node, answer) {
            Ok(output) => Step::Leave { node: visit.node.clone(), output },
            Err(reason) => {
                failed("invalid_output", &format!("{}: {reason}", visit.node))
            }
        };
    }
    let _ = run;
    if visit.rounds >= plan.max_rounds(&visit.node) {
        let message = format!("{} took {} rounds, the limit is {}", visit.node, visit.rounds, plan.max_rounds(&visit.node));
        return failed("too_many_rounds", &message);
    }
    Step::CallModel { node: visit.node.clone(), attempt: visit.failures + 1 }
}

/// What the model reads: how the node begins, then what was said in this visit.
#[must_use]
pub fn messages(state: &State, run: &Run, visit: &Visit, plan: &Plan) -> Vec<Message> {
    let mut messages = plan.opening(&visit.node, run, &state.conversation);
    messages.extend(visit.messages.iter().cloned());
    messages
}
