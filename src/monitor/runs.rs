//! Executions and their nodes.

use std::collections::{BTreeMap, VecDeque};

use super::cost::Prices;
use super::tally::{Tally, Totals};
use super::{cut, view};
use crate::event::{Event, Payload};
use crate::execution::{Execution, Folded, fold_event};
use crate::id::{ExecutionId, NodeId};
use crate::limits;
use crate::time::Timestamp;

/// The executions that a monitor remembers.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    runs: BTreeMap<ExecutionId, Run>,
    /// Those that it remembered once, the last ones by id.
    put_away: VecDeque<ExecutionId>,
    omitted: u64,
    /// The usage of the removed executions.
    before: Totals,
}

#[derive(Debug, Clone)]
struct Run {
    known: Execution,
    nodes: BTreeMap<NodeId, view::Node>,
    goals: Option<view::Goals>,
    tally: Tally,
}

impl Runs {
    /// Folds the next event into the state of its execution; `None`: of none, or of one that is not remembered.
    pub(super) fn fold(&mut self, event: &Event, external: bool) -> Option<Folded> {
        let id = event.execution_id.as_ref()?;
        if self.put_away.contains(id) {
            // The owner is unknown now: external events do not count.
            return external.then_some(Folded::Nothing);
        }
        let Some(run) = self.runs.get_mut(id) else {
            let mut known = None;
            let folded = fold_event(&mut known, event, external);
            known.map(|known| self.runs.insert(id.clone(), Run::new(known)));
            return Some(folded);
        };
        let folded = run.known.fold_event(event, external);
        if folded == Folded::Begins {
            *run = Run::new(run.known.clone());
        }
        Some(folded)
    }

    /// Takes the next event that counts; whether it changed anything.
    pub(super) fn apply(&mut self, event: &Event, payload: &Payload) -> bool {
        let Some(run) = event.execution_id.as_ref().and_then(|id| self.runs.get_mut(id)) else {
            return false;
        };
        run.known.output = None;
        run.known.error = run.known.error.take().map(cut::value);
        run.apply(event, payload);
        self.shed();
        true
    }

    fn shed(&mut self) {
        while self.runs.len() > limits::MONITOR_EXECUTIONS {
            // Others' first: they can have as many as they like.
            let order = |(id, run): &(&ExecutionId, &Run)| {
                (!run.known.external, run.is_at_work(), run.last(), (*id).clone())
            };
            let Some((id, _)) = self.runs.iter().min_by_key(order) else { return };
            let id = id.clone();
            if let Some(run) = self.runs.remove(&id) {
                self.before.add(&run.tally);
                self.omitted += 1;
            }
            self.put_away.push_back(id);
            if self.put_away.len() > limits::MONITOR_PUT_AWAY {
                self.put_away.pop_front();
            }
        }
    }

    /// The definitions that are run.
    pub(super) fn definitions(&self) -> impl Iterator<Item = &str> {
        self.runs.values().filter_map(|run| run.known.definition.as_deref())
    }

    /// The usage of all.
    pub(super) fn used(&self, prices: &Prices) -> Option<view::Used> {
        let mut all = self.before.clone();
        self.runs.values().for_each(|run| all.add(&run.tally));
        all.view(prices)
    }

    /// The section of the document: `most` executions, those at work first, then the latest.
    pub(super) fn view(&self, most: usize) -> Option<view::Graph> {
        if self.runs.is_empty() {
            return None;
        }
        let mut shown: Vec<_> = self.runs.iter().collect();
        shown.sort_by_key(|(id, run)| (run.is_at_work(), run.last(), (*id).clone()));
        let rest = shown.split_off(shown.len().saturating_sub(most));
        Some(view::Graph {
            active: self.runs.values().filter(|run| run.is_at_work()).count(),
            executions: rest.into_iter().map(|(id, run)| (id.clone(), run.view())).collect(),
            omitted: self.omitted + shown.len() as u64,
        })
    }
}

impl Run {
    fn new(known: Execution) -> Self {
        Self { known, nodes: BTreeMap::new(), goals: None, tally: Tally::default() }
    }

    fn is_at_work(&self) -> bool {
        !self.known.status.is_terminal()
    }

    fn last(&self) -> Timestamp {
        self.known.updated_at.unwrap_or_default()
    }

    fn apply(&mut self, event: &Event, payload: &Payload) {
        match payload {
            Payload::LlmTurnCompleted(turn) => self.tally.turn(turn, event.data.get()),
            Payload::UsageUpdated(updated) => self.tally.updated(updated, event.data.get()),
            Payload::GoalProgress(goal) => {
                let goals = self.goals.get_or_insert_default();
                // The document cannot hold NaN or infinity.
                goals.progress = Some(goal.progress).filter(|progress| progress.is_finite());
                goals.criteria_status = cut::value(goal.criteria_status.clone());
            }
            Payload::GoalAchieved(_) => self.goals.get_or_insert_default().achieved += 1,
            Payload::ConstraintViolation(violated) => {
                let violations = &mut self.goals.get_or_insert_default().violations;
                let id = cut::text(&violated.constraint_id);
                if violations.len() < limits::MONITOR_NAMES || violations.contains_key(&id) {
                    *violations.entry(id).or_default() += 1;
                }
            }
            _ => {}
        }
        if let Some(node) = &event.node_id
            && (self.nodes.len() < limits::MONITOR_NODES || self.nodes.contains_key(node))
        {
            enter(self.nodes.entry(node.clone()).or_default(), payload);
        }
        if self.known.status.is_terminal() {
            self.nodes.values_mut().for_each(|node| node.at_work = false);
        }
    }

    fn view(&self) -> view::Run {
        let known = &self.known;
        view::Run {
            stream_id: known.stream_id.clone(),
            external: known.external,
            session_id: known.session_id.clone(),
            definition: known.definition.as_deref().map(cut::text),
            status: known.status,
            active_node: known.active_node.clone(),
            iteration: known.iteration,
            attempt: known.attempt,
            queued_at: known.queued_at,
            started_at: known.started_at,
            ended_at: known.ended_at,
            rounds: known.rounds,
            usage: self.tally.used().cloned(),
            goals: self.goals.clone(),
            nodes: self.nodes.clone(),
            error: known.error.clone(),
        }
    }
}

fn enter(node: &mut view::Node, payload: &Payload) {
    match payload {
        Payload::NodeLoopStarted(started) => {
            node.at_work = true;
            node.passes = node.passes.saturating_add(1);
            node.iteration = None;
            node.max_iterations = started.max_iterations;
            node.stalled = None;
        }
        Payload::NodeLoopIteration(round) => {
            node.at_work = true;
            node.iteration = Some(round.iteration);
            node.stalled = None;
        }
        Payload::NodeLoopCompleted(ended) => {
            node.at_work = false;
            node.iteration = Some(ended.iterations);
            node.stalled = None;
        }
        Payload::ToolCallCompleted(call) => {
            node.tool_calls = node.tool_calls.saturating_add(1);
            node.tool_errors = node.tool_errors.saturating_add(u64::from(call.is_error));
        }
        Payload::LlmRetry(_) => node.retries += 1,
        Payload::NodeStalled(stalled) => node.stalled = Some(cut::text(&stalled.reason)),
        _ => {}
    }
}
