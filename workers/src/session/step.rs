//! What comes next: a pure decision from a session's state. All effects are elsewhere.

use runbus::id::{ExecutionId, NodeId};
use serde_json::{Value, json};

use super::entry::Outcome;
use super::state::{Run, State, Visit};
use crate::definition::{Definitions, Opening, Plan};
use crate::graph::Next;
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
        /// The pass of the graph's cycle.
        iteration: u32,
        /// How it begins.
        opening: Opening,
    },
    /// Ask the model.
    CallModel {
        /// For which node.
        node: NodeId,
        /// Which try, from 1.
        attempt: u32,
    },
    /// Tell the model that its answer is not what the node declares.
    Refuse {
        /// Why.
        reason: String,
        /// Which try it was, from 1.
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
        Some(visit) => within(visit, plan),
    }
}

/// An execution's end with a typed error.
#[must_use]
pub fn failed(code: &str, message: &str) -> Step {
    Step::End(Outcome::Failed { error: json!({ "code": code, "message": message }) })
}

fn enter(run: &Run, plan: &Plan) -> Step {
    let next = match plan.next(run) {
        Ok(next) => next,
        Err(fault) => return failed("no_route", &fault),
    };
    match next {
        Next::Node(step) => {
            let Ok(node) = NodeId::new(&step.node) else {
                return failed("no_route", "a node's name is no id");
            };
            let visit = run.visits.get(&node).copied().unwrap_or(0) + 1;
            if run.visits.values().sum::<u32>() >= limits::VISITS_MAX {
                return failed("too_many_steps", &format!("more than {} nodes ran", limits::VISITS_MAX));
            }
            match plan.opening(&step.node, run, step.iteration) {
                Ok(opening) => Step::Enter { node, visit, iteration: step.iteration, opening },
                Err(fault) => failed("invalid_prompt", &fault),
            }
        }
        Next::End => Step::End(Outcome::Completed { output: plan.result(run) }),
        Next::Exhausted { max_iterations } => failed(
            "iterations_exhausted",
            &format!("the graph did not end within {max_iterations} iterations"),
        ),
    }
}

fn within(visit: &Visit, plan: &Plan) -> Step {
    if !visit.open_calls.is_empty() {
        return Step::RunTools { calls: visit.open_calls.clone(), repeated: visit.intended };
    }
    let refused = match visit.answer.as_deref().map(|answer| plan.output(&visit.node, answer)) {
        Some(Ok(output)) => return Step::Leave { node: visit.node.clone(), output },
        Some(Err(reason)) => Some(reason),
        None => None,
    };
    let limit = plan.max_rounds(&visit.node);
    if visit.rounds >= limit {
        let what =
            refused.map_or_else(String::new, |reason| format!("; its last answer was refused: {reason}"));
        return failed(
            "too_many_rounds",
            &format!("{} took {} rounds, the limit is {limit}{what}", visit.node, visit.rounds),
        );
    }
    match refused {
        Some(reason) => Step::Refuse { reason, attempt: visit.failures + 1 },
        None => Step::CallModel { node: visit.node.clone(), attempt: visit.failures + 1 },
    }
}

/// What the model reads: instructions, the conversation that the node continues, its question, and what was said since.
#[must_use]
pub fn messages(state: &State, visit: &Visit) -> Vec<Message> {
    let (instructions, question): (Vec<_>, Vec<_>) =
        visit.opening.iter().cloned().partition(|message| matches!(message, Message::System { .. }));
    let mut messages = instructions;
    if visit.converses {
        messages.extend(state.conversation.iter().cloned());
    }
    messages.extend(question);
    messages.extend(visit.messages.iter().cloned());
    messages
}
