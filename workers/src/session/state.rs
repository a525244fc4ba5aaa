//! A session's state: a pure fold of its journal.

use std::collections::{BTreeMap, HashSet, VecDeque};

use runbus::control::command::{Action, Start};
use runbus::event::family::model::Usage;
use runbus::id::{ExecutionId, NodeId, WorkerId};
use runbus::log::Sequence;
use serde_json::Value;

use super::entry::{Entry, Fact, Outcome};
use crate::model::{Message, ToolCall};

/// What the journal says.
#[derive(Debug, Default)]
pub struct State {
    /// The number of the last claim.
    pub epoch: u64,
    /// Who owns the session; `None`: nobody.
    pub owner: Option<WorkerId>,
    /// The place in the inbox up to which commands were taken.
    pub inbox: Sequence,
    /// Executions that wait.
    pub queue: VecDeque<Start>,
    /// The execution that runs, or the last one that ran.
    pub run: Option<Run>,
    /// The conversation: what agents said and heard over all executions.
    pub conversation: Vec<Message>,
    /// Executions that were asked for: the same id again is no new one.
    seen: HashSet<ExecutionId>,
    /// Entries so far.
    pub entries: u64,
}

/// An execution.
#[derive(Debug)]
pub struct Run {
    /// What was asked for.
    pub start: Start,
    /// The worker's try, from 1.
    pub attempt: u32,
    /// The journal index of its `ExecutionStarted`.
    pub first_entry: u64,
    /// The node that is at work.
    pub visit: Option<Visit>,
    /// The node that ended last, with its output.
    pub last_node: Option<NodeId>,
    /// The last output of each node.
    pub outputs: BTreeMap<NodeId, Value>,
    /// The pass of the graph's cycle, from 1.
    pub iteration: u32,
    /// How often each node has begun.
    pub visits: BTreeMap<NodeId, u32>,
    /// Calls of the model that were answered.
    pub rounds: u32,
    /// Tokens of all of them.
    pub usage: Usage,
    /// Calls of unknown outcome wait for somebody's decision.
    pub pending: bool,
    /// How it ended; `None`: it runs.
    pub outcome: Option<Outcome>,
}

/// One pass of a node.
#[derive(Debug)]
pub struct Visit {
    /// Which.
    pub node: NodeId,
    /// How often it has begun, with this time.
    pub number: u32,
    /// The messages that it began with.
    pub opening: Vec<Message>,
    /// Whether it continues the session's conversation.
    pub converses: bool,
    /// What was said since.
    pub messages: Vec<Message>,
    /// Calls that have no answer yet.
    pub open_calls: Vec<ToolCall>,
    /// Whether the intent to run them is journalled.
    pub intended: bool,
    /// Calls of the model that were answered in this visit.
    pub rounds: u32,
    /// Failed calls of the model since the last answer.
    pub failures: u32,
    /// The text of the last turn without tool calls; `None`: the model has not ended.
    pub answer: Option<String>,
}

impl Visit {
    const fn begin(node: NodeId, number: u32, opening: Vec<Message>, converses: bool) -> Self {
        Self {
            node,
            number,
            opening,
            converses,
            messages: Vec::new(),
            open_calls: Vec::new(),
            intended: false,
            rounds: 0,
            failures: 0,
            answer: None,
        }
    }
}

impl State {
    /// The execution that runs.
    #[must_use]
    pub fn running(&self) -> Option<&Run> {
        self.run.as_ref().filter(|run| run.outcome.is_none())
    }

    /// Whether an execution was asked for already.
    #[must_use]
    pub fn knows(&self, id: &ExecutionId) -> bool {
        self.seen.contains(id)
    }

    /// Takes the next entry.
    pub fn apply(&mut self, entry: &Entry) {
        let index = self.entries;
        self.entries += 1;
        match &entry.fact {
            Fact::Claimed { worker, epoch } => {
                // A claim without a release before it took over: a new attempt begins.
                if self.owner.is_some()
                    && let Some(run) = self.run.as_mut().filter(|run| run.outcome.is_none())
                {
                    run.attempt += 1;
                }
                self.epoch = *epoch;
                self.owner = Some(worker.clone());
            }
            Fact::Released => self.owner = None,
            Fact::CommandTaken { inbox, command } => {
                self.inbox = self.inbox.max(*inbox);
                if let Some(Action::Start(start)) = command.as_ref().map(|command| &command.action)
                    && self.seen.insert(start.execution_id.clone())
                {
                    self.queue.push_back(start.clone());
                }
            }
            Fact::ExecutionStarted { execution_id } => self.begin(execution_id, index),
            Fact::NodeStarted { node, visit, iteration, opening, converses } => {
                if let Some(run) = &mut self.run {
                    run.iteration = *iteration;
                    run.visits.insert(node.clone(), *visit);
                    run.visit = Some(Visit::begin(node.clone(), *visit, opening.clone(), *converses));
                }
            }
            Fact::NodeCompleted { node, output, .. } => {
                if let Some(run) = &mut self.run {
                    run.outputs.insert(node.clone(), output.clone());
                    run.last_node = Some(node.clone());
                    if let Some(visit) = run.visit.take().filter(|visit| visit.converses) {
                        let question =
                            visit.opening.into_iter().filter(|m| !matches!(m, Message::System { .. }));
                        self.conversation.extend(question);
                        self.conversation.extend(visit.messages);
                    }
                }
            }
            Fact::ExecutionEnded { outcome } => {
                if let Some(run) = &mut self.run {
                    run.outcome = Some(outcome.clone());
                    run.visit = None;
                }
            }
            fact => self.talk(fact),
        }
    }

    fn begin(&mut self, id: &ExecutionId, index: u64) {
        let Some(at) = self.queue.iter().position(|start| &start.execution_id == id) else { return };
        let Some(start) = self.queue.remove(at) else { return };
        self.run = Some(Run {
            start,
            attempt: 1,
            first_entry: index,
            visit: None,
            last_node: None,
            outputs: BTreeMap::new(),
            iteration: 1,
            visits: BTreeMap::new(),
            rounds: 0,
            usage: Usage::default(),
            pending: false,
            outcome: None,
        });
    }

    /// What the model, its tools and their faults add to the visit.
    fn talk(&mut self, fact: &Fact) {
        let Some(run) = &mut self.run else { return };
        let Some(visit) = &mut run.visit else { return };
        match fact {
            Fact::TurnCompleted { turn } => {
                run.rounds += 1;
                add(&mut run.usage, turn.usage.as_ref());
                visit.rounds += 1;
                visit.failures = 0;
                visit.messages.push(turn.message());
                visit.open_calls.clone_from(&turn.tool_calls);
                visit.intended = false;
                visit.answer = turn.tool_calls.is_empty().then(|| turn.text.clone());
            }
            Fact::TurnFailed { correction, .. } => {
                visit.failures += 1;
                visit.answer = None;
                if let Some(correction) = correction {
                    visit.messages.push(Message::user(correction.clone()));
                }
            }
            Fact::CallsLeftPending { .. } => run.pending = true,
            Fact::ToolsStarted { .. } => visit.intended = true,
            Fact::ToolCompleted { call_id, result, .. } => {
                visit.open_calls.retain(|call| &call.id != call_id);
                visit.messages.push(Message::tool(call_id.clone(), result.clone()));
            }
            _ => {}
        }
    }
}

fn add(total: &mut Usage, turn: Option<&crate::model::Usage>) {
    let Some(turn) = turn else { return };
    let sum = |a: Option<u64>, b: Option<u64>| match (a, b) {
        (None, None) => None,
        (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
    };
    total.prompt_tokens = total.prompt_tokens.saturating_add(turn.prompt_tokens);
    total.completion_tokens = total.completion_tokens.saturating_add(turn.completion_tokens);
    total.total_tokens = total.total_tokens.saturating_add(turn.total_tokens);
    total.reasoning_tokens = sum(total.reasoning_tokens, turn.reasoning_tokens);
    total.cached_tokens = sum(total.cached_tokens, turn.cached_tokens);
}
