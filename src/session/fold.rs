//! The fold of a session's journal, entry by entry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::approval::{Approval, Standing};
use super::below::{self, Used};
use super::command::Parent;
use super::entry::{Entry, Fact, Outcome};
use super::message::Message;
use super::part::Content;
use super::run::{Answer, OpenCall, Phase, Run, Visit, aborted};
use super::state::{Change, Child, Closed, Notice, State};
use super::transcript::Transcript;
use super::turn;
use crate::event::family::model::Usage;
use crate::id::{EventId, ExecutionId, NodeId};
use crate::limits;
use crate::time::Timestamp;

/// Settled approvals, and answered questions, that a session remembers.
const SETTLED_KEPT: usize = 256;

impl State {
    /// Takes the next entry, and says what it changed beyond its own words.
    pub fn apply(&mut self, entry: &Entry) -> Vec<Change> {
        let index = self.entries;
        let changes = self.take(entry);
        self.notify_parent(entry, index, &changes);
        changes
    }

    /// Notifies the parent execution of requests that wait for a person, and of workers, here and below.
    fn notify_parent(&mut self, entry: &Entry, index: u64, changes: &[Change]) {
        let Some(run) = self.run.as_ref().filter(|run| run.outcome.is_none()) else { return };
        let Some(parent) = &run.start.parent else { return };
        let id = &run.start.execution_id;
        let reports = below::reports(&self.own, run, &entry.fact, changes, entry.at);
        let notices = reports.into_iter().enumerate().map(|(n, report)| Notice::Below {
            parent: parent.clone(),
            child: id.clone(),
            number: format!("{id} {index}/{n}"),
            report: Box::new(report),
        });
        self.notices.extend(notices.collect::<Vec<_>>());
    }

    fn take(&mut self, entry: &Entry) -> Vec<Change> {
        let index = self.entries;
        self.entries += 1;
        let mut changes = Vec::new();
        match &entry.fact {
            Fact::Claimed { worker, epoch } => {
                // A claim without a release before it took over: a new attempt begins.
                if self.owner.is_some() {
                    self.fruitless += 1;
                    self.superseded = Some(index);
                    if let Some(run) = self.running_mut() {
                        run.attempt += 1;
                        changes.push(Change::Superseded);
                    }
                }
                self.epoch = *epoch;
                self.owner = Some(worker.clone());
                return changes;
            }
            Fact::Released { wake_at } => {
                self.owner = None;
                self.armed = *wake_at;
                return changes;
            }
            Fact::CommandTaken { inbox, stored_at, command } => {
                self.inbox = self.inbox.max(*inbox);
                if let Some(command) = command {
                    self.command(command, *stored_at, &mut changes);
                }
                return changes;
            }
            Fact::ExecutionStarted { execution_id, definition } => {
                self.begin(execution_id, definition.clone(), entry.at, index);
            }
            Fact::ExecutionEnded { outcome } => self.end(outcome, entry.at),
            Fact::Notified { notice } => self.notices.retain(|open| open.key() != *notice),
            // It says what the entries before it have made: see `checkpoint`.
            Fact::Checkpoint(_) | Fact::Messages(_) | Fact::Unknown => {}
            fact => self.work(fact, entry.at),
        }
        self.fruitless = 0;
        changes
    }

    fn begin(
        &mut self,
        id: &ExecutionId,
        definition: Option<Arc<Value>>,
        started_at: Timestamp,
        first_entry: u64,
    ) {
        let Some(at) = self.queue.iter().position(|start| &start.execution_id == id) else { return };
        let Some(start) = self.queue.remove(at) else { return };
        self.run = Some(Run {
            start,
            definition,
            started_at,
            attempt: 1,
            first_entry,
            visits: BTreeMap::new(),
            arrivals: Vec::new(),
            last_node: None,
            outputs: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            iteration: 1,
            counts: BTreeMap::new(),
            rounds: 0,
            usage: Usage::default(),
            below: Used::default(),
            paused: false,
            stop: None,
            violated: None,
            outcome: None,
            base: self.transcript.len(),
        });
    }

    fn end(&mut self, outcome: &Outcome, at: Timestamp) {
        let Some(run) = self.run.as_mut() else { return };
        run.outcome = Some(outcome.clone());
        run.arrivals.clear();
        let rollback = run.stop.as_ref().is_some_and(|stop| stop.rollback);
        let reason = match outcome {
            Outcome::Cancelled { reason } => Some(reason.clone().unwrap_or_else(|| "cancelled".into())),
            _ => None,
        };
        for visit in std::mem::take(&mut run.visits).into_values().filter(|visit| visit.converses) {
            for open in visit.calls {
                match (open.phase, &reason) {
                    (Phase::Settled { result, .. }, _) => {
                        self.transcript.push(Message::tool(open.call.id, result));
                    }
                    // A provider refuses a conversation with calls that nobody answered.
                    (_, Some(reason)) => {
                        self.transcript.push(Message::tool(open.call.id, aborted(reason)));
                    }
                    (phase, None) => {
                        let phase = if matches!(phase, Phase::Running(_)) { Phase::Unknown } else { phase };
                        self.dangling.push(OpenCall { call: open.call, phase });
                    }
                }
            }
        }
        if rollback {
            self.transcript.truncate(run.base);
            self.dangling.clear();
            // Calls of an execution before, which this one was to finish: their answers are forgotten too.
            for call in self.transcript.unanswered() {
                self.transcript
                    .push(Message::tool(call, aborted(reason.as_deref().unwrap_or("rolled back"))));
            }
        }
        let (id, parent) = (run.start.execution_id.clone(), run.start.parent.clone());
        let used = Used { usage: run.usage.clone(), rounds: run.rounds };
        if let Outcome::Failed { error } = outcome
            && error["code"] == "dead_letter"
        {
            let reason = error["message"].as_str().unwrap_or_default().to_owned();
            let (start, attempts) = (Box::new(run.start.clone()), run.attempt);
            self.notices.push_back(Notice::DeadLetter { start, reason, attempts });
        }
        for approval in self.approvals.values_mut().filter(|approval| approval.execution_id == id) {
            approval.cancel();
        }
        for (question, _) in std::mem::take(&mut self.questions) {
            self.remember(question, None);
        }
        self.cancel_children();
        if let Some(parent) = parent {
            if parent.ephemeral && self.closed.is_none() {
                self.closed = Some(Closed { at, reason: Some("its only execution has ended".into()) });
                self.notices.push_back(Notice::Closed);
            }
            let outcome = outcome.clone();
            self.notices.push_back(Notice::NotifyParent { parent, execution_id: id, outcome, used });
        }
    }

    pub(super) fn cancel_children(&mut self) {
        self.below.clear();
        for (execution, child) in &mut self.children {
            if !child.ended {
                child.ended = true;
                self.notices.push_back(Notice::CancelChild {
                    session_id: child.session_id.clone(),
                    execution_id: execution.clone(),
                });
            }
        }
    }

    pub(super) fn remember(&mut self, question: String, command: Option<EventId>) {
        self.answered.push_back((question, command));
        if self.answered.len() > SETTLED_KEPT {
            self.answered.pop_front();
        }
    }

    /// Folds the facts of nodes, the model and tools.
    fn work(&mut self, fact: &Fact, at: Timestamp) {
        let Self { run, transcript, dangling, .. } = self;
        let Some(run) = run.as_mut().filter(|run| run.outcome.is_none()) else { return };
        match fact {
            Fact::NodeStarted { node, visit, iteration, opening, converses, call } => {
                run.arrivals.retain(|arrival| arrival.to != *node);
                run.iteration = run.iteration.max(*iteration);
                run.counts.insert(node.clone(), *visit);
                let mut begun = Visit::begin(*visit, *iteration, opening.clone(), *converses);
                begun.calls.extend(call.clone().map(OpenCall::new));
                begun.is_call = call.is_some();
                if *converses {
                    let question = opening.iter().filter(|m| !matches!(m, Message::System { .. }));
                    question.for_each(|message| transcript.push(message.clone()));
                    let left = std::mem::take(dangling);
                    begun.calls.extend(left.into_iter().map(|open| OpenCall::new(open.call)));
                }
                run.visits.insert(node.clone(), begun);
            }
            Fact::NodeCompleted { node, output, arrivals, judgement, .. } => {
                run.violated.clone_from(&judgement.fatal);
                let is_cut_off = run.visits.remove(node).is_some_and(|visit| visit.is_cut_off);
                run.cut_off.remove(node);
                run.cut_off.extend(is_cut_off.then(|| node.clone()));
                run.outputs.insert(node.clone(), output.clone());
                run.last_node = Some(node.clone());
                run.arrivals.extend(arrivals.iter().cloned());
            }
            Fact::TurnCompleted { node, .. }
            | Fact::TurnFailed { node, .. }
            | Fact::Compacted { node, .. } => self.talk(&node.clone(), fact, at),
            Fact::ApprovalsRequested { node, .. }
            | Fact::InputRequested { node, .. }
            | Fact::ChildStarted { node, .. }
            | Fact::ToolsStarted { node, .. }
            | Fact::ToolCompleted { node, .. }
            | Fact::CallsLeftPending { node, .. } => self.call(&node.clone(), fact, at),
            _ => {}
        }
    }

    /// Folds the facts of the model and its faults into a visit.
    fn talk(&mut self, node: &NodeId, fact: &Fact, at: Timestamp) {
        let Some(run) = self.run.as_mut() else { return };
        let Some(visit) = run.visits.get_mut(node) else { return };
        match fact {
            Fact::TurnCompleted { turn, .. } => {
                run.rounds += 1;
                add(&mut run.usage, turn.usage.as_ref());
                add(&mut self.usage, turn.usage.as_ref());
                visit.rounds += 1;
                visit.failures = 0;
                visit.failures_before = 0;
                visit.not_before = None;
                visit.context_tokens = turn.usage.map_or(0, |usage| usage.total_tokens);
                visit.calls = turn.tool_calls.iter().cloned().map(OpenCall::new).collect();
                if turn.is_cut_off() {
                    // Arguments that parse by chance may lack their end: none of these calls runs.
                    visit.calls.iter_mut().for_each(OpenCall::cut_off);
                }
                visit.is_cut_off = turn.is_cut_off();
                visit.answer = turn.tool_calls.is_empty().then(|| Answer::Text(turn.text.clone()));
                said(&mut self.transcript, visit).push_as(turn.message_id.clone(), turn.message());
            }
            Fact::TurnFailed { correction, delay_ms, fallback, .. } => {
                // A turn with an answer was refused; otherwise the other calls of the model failed.
                match visit.answer.take() {
                    Some(_) => visit.refusals += 1,
                    None => visit.failures += 1,
                }
                if let Some(fallback) = fallback {
                    visit.model = fallback.place;
                    visit.failures_before = visit.failures;
                }
                let delay = i64::try_from(*delay_ms).unwrap_or(i64::MAX).saturating_mul(1000);
                visit.not_before = Some(Timestamp::from_micros(at.micros().saturating_add(delay)));
                if let Some(correction) = correction {
                    said(&mut self.transcript, visit).push(Message::user(correction.clone()));
                }
            }
            Fact::Compacted { from, to, note, tokens_after, usage, .. } => {
                add(&mut run.usage, usage.as_ref());
                add(&mut self.usage, usage.as_ref());
                visit.context_tokens = *tokens_after;
                if visit.converses && *to <= run.base {
                    run.base += 1;
                }
                said(&mut self.transcript, visit).fold(*from, *to, Message::user(note.clone()));
            }
            _ => {}
        }
    }

    /// Folds the facts of a visit's calls.
    fn call(&mut self, node: &NodeId, fact: &Fact, at: Timestamp) {
        let Some(run) = self.run.as_mut() else { return };
        let Some(visit) = run.visits.get_mut(node) else { return };
        match fact {
            Fact::ApprovalsRequested { approvals, schemas, .. } => {
                for requested in approvals {
                    let id = requested.approval_id.clone();
                    if let Some(open) = visit.call_mut(&requested.call_id) {
                        open.phase = Phase::Approval(id.clone());
                    }
                    let execution = run.start.execution_id.clone();
                    let mut approval = Approval::new(requested.clone(), execution, node.clone(), at);
                    approval.schema = schemas.of(&requested.tool_name);
                    self.approvals.insert(id.clone(), approval);
                    self.asked.push_back(id);
                }
                self.prune();
            }
            Fact::InputRequested { request, .. } => {
                let id = request.request_id.clone();
                match request.call_id.as_deref().map(|call| visit.call_mut(call)) {
                    Some(Some(open)) => open.phase = Phase::Question(id.clone()),
                    Some(None) => {}
                    None => visit.question = Some(id.clone()),
                }
                self.questions.insert(id, (node.clone(), request.clone()));
            }
            Fact::ChildStarted {
                call_id,
                session_id,
                execution_id,
                definition,
                ephemeral,
                input,
                budget,
                ..
            } => {
                self.notices.push_back(Notice::StartChild {
                    session_id: session_id.clone(),
                    execution_id: execution_id.clone(),
                    definition: definition.clone(),
                    input: input.clone(),
                    stream_id: run.start.stream_id.clone(),
                    budget: *budget,
                    parent: Parent {
                        session_id: self.own.clone(),
                        execution_id: run.start.execution_id.clone(),
                        scheduling: run.start.scheduling.clone(),
                        ephemeral: *ephemeral,
                        depth: run.start.parent.as_ref().map_or(1, |parent| parent.depth + 1),
                        root: run.start.parent.as_ref().map(|parent| parent.above().top().clone()),
                    },
                });
                if let Some(open) = visit.call_mut(call_id) {
                    open.phase = Phase::Child(execution_id.clone());
                }
                let (definition, ephemeral) = (definition.clone(), *ephemeral);
                let (session_id, used) = (session_id.clone(), Used::default());
                let (ended, begun, budget) = (false, self.entries, *budget);
                let child = Child { session_id, definition, ephemeral, ended, begun, budget, used };
                self.children.insert(execution_id.clone(), child);
                self.prune_children();
            }
            Fact::ToolsStarted { calls, .. } => {
                for call in calls {
                    let Some(open) = visit.call_mut(&call.id) else { continue };
                    open.call.arguments.clone_from(&call.arguments);
                    open.phase = Phase::Running(self.epoch);
                    for approval in self.approvals.values_mut() {
                        if approval.requested.call_id == call.id && approval.node_id == *node {
                            // One that is not approved is of an earlier turn.
                            let _ = approval.consume();
                        }
                    }
                }
            }
            Fact::ToolCompleted { call_id, result, is_error, media, .. } => {
                visit.calls.retain(|open| open.call.id != *call_id);
                if visit.is_call {
                    let answer = if *is_error { Answer::Failed } else { Answer::Text };
                    visit.answer = Some(answer(result.clone()));
                } else {
                    let content = Content::with(result.clone(), media.clone());
                    let message = Message::tool(call_id.clone(), content);
                    said(&mut self.transcript, visit).push(message);
                }
            }
            Fact::CallsLeftPending { call_ids, .. } => {
                for id in call_ids {
                    if let Some(open) = visit.call_mut(id) {
                        open.phase = Phase::Unknown;
                    }
                }
            }
            _ => {}
        }
    }

    /// Forgets the oldest execution of a child that has ended, when they are too many. Of a child that stays open the last one
    /// is kept: it may have to be closed.
    fn prune_children(&mut self) {
        let ended = || self.children.iter().filter(|(_, child)| child.ended);
        if ended().count() <= limits::SESSION_CHILDREN {
            return;
        }
        let is_last = |child: &Child| {
            !self.children.values().any(|o| o.session_id == child.session_id && o.begun > child.begun)
        };
        let mut forgettable: Vec<(u64, &ExecutionId, &Child)> =
            ended().map(|(id, child)| (child.begun, id, child)).collect();
        forgettable.sort_unstable_by_key(|(begun, ..)| *begun);
        let oldest = forgettable.into_iter().find(|(_, _, child)| child.ephemeral || !is_last(child));
        if let Some(oldest) = oldest.map(|(_, id, _)| id.clone()) {
            self.children.remove(&oldest);
        }
    }

    /// Forgets the oldest approvals that are settled.
    fn prune(&mut self) {
        let mut excess = self.asked.len().saturating_sub(SETTLED_KEPT);
        let (approvals, run) = (&mut self.approvals, self.run.as_ref());
        // A running call may have to run again: its approval stays as long as the call is open.
        let open = |approval: &Approval| {
            let visit = run.and_then(|run| run.visits.get(&approval.node_id));
            visit.is_some_and(|visit| visit.calls.iter().any(|o| o.call.id == approval.requested.call_id))
        };
        self.asked.retain(|id| {
            let waits = approvals
                .get(id)
                .is_some_and(|a| matches!(a.status, Standing::Pending | Standing::Approved) || open(a));
            if excess == 0 || waits {
                return true;
            }
            excess -= 1;
            approvals.remove(id);
            false
        });
    }
}

fn said<'a>(conversation: &'a mut Transcript, visit: &'a mut Visit) -> &'a mut Transcript {
    if visit.converses { conversation } else { &mut visit.said }
}

impl Visit {
    fn begin(number: u32, iteration: u32, opening: Vec<Message>, converses: bool) -> Self {
        Self {
            number,
            iteration,
            opening,
            converses,
            said: Transcript::default(),
            calls: Vec::new(),
            question: None,
            rounds: 0,
            failures: 0,
            failures_before: 0,
            model: 0,
            refusals: 0,
            not_before: None,
            context_tokens: 0,
            answer: None,
            is_cut_off: false,
            is_call: false,
        }
    }
}

fn add(total: &mut Usage, turn: Option<&turn::Usage>) {
    let Some(turn) = turn else { return };
    total.add(&Usage {
        prompt_tokens: turn.prompt_tokens,
        completion_tokens: turn.completion_tokens,
        total_tokens: turn.total_tokens,
        reasoning_tokens: turn.reasoning_tokens,
        cached_tokens: turn.cached_tokens,
        estimated: turn.estimated,
        cost: turn.cost,
    });
}
