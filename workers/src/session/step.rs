//! The next step: a pure decision from a session's state. All effects are elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use runbus::control::address;
use runbus::id::{EventId, ExecutionId, NodeId, SessionId};
use runbus::session::approval::{Approval, Requested, Schemas, Standing, digest};
use runbus::session::command::Budget;
use runbus::session::entry::{Arrival, Fact, Outcome, Question};
use runbus::session::run::{Answer, OpenCall, Phase, Run, Visit};
use runbus::session::state::State;
use runbus::session::{Message, ToolCall};
use runbus::time::Timestamp;
use serde_json::{Value, json};

use super::placement::{self, Lack};
use crate::compaction;
use crate::definition::{Definitions, Opening, Plan, Scopes, Work};
use crate::limits;
use crate::tool::{Kind, Permit, Refusal, Scope};

/// The next step of a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Record this, and decide again.
    Record(Box<Fact>),
    /// These effects are to be at work, and no others. Decide again when one has ended, when a command has come, or when
    /// the time is there.
    Wait {
        /// The effects that must run.
        effects: BTreeSet<Effect>,
        /// When to look again at the latest.
        wake_at: Option<Timestamp>,
        /// The execution is paused: steps that are at work are finished nevertheless.
        paused: bool,
    },
    /// This worker cannot go on with the session: another one may.
    Leave(Lack),
}

/// Something that happens outside the session. It is at work exactly as long as the state asks for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Ask the model.
    Model {
        /// For which node.
        node: NodeId,
        /// In which of its visits.
        visit: u32,
        /// For which round of the visit, from 1.
        round: u32,
        /// Which try, from 1.
        attempt: u32,
    },
    /// Run a tool.
    Tool {
        /// Of which node.
        node: NodeId,
        /// In which of its visits.
        visit: u32,
        /// In which round of the visit.
        round: u32,
        /// The call.
        call_id: String,
    },
    /// Fold old messages into a note.
    Compact {
        /// Of which node.
        node: NodeId,
        /// The first message.
        from: usize,
        /// Behind the last one.
        to: usize,
        /// Which try, from 1.
        attempt: u32,
    },
    /// The time of an approval or a question is up.
    Expire {
        /// Its id.
        id: String,
    },
    /// Tell others: the oldest notice.
    Notify {
        /// Its key.
        notice: String,
    },
}

impl Effect {
    /// Whether it is a step of an execution: its work must not be done by half.
    #[must_use]
    pub const fn is_step(&self) -> bool {
        matches!(self, Self::Model { .. } | Self::Tool { .. } | Self::Compact { .. })
    }
}

/// The inputs of a decision besides the state.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// The session.
    pub session: &'a SessionId,
    /// The plan of its execution.
    pub plan: Option<&'a Plan>,
    /// Agents and graphs, for executions that begin.
    pub definitions: &'a Definitions,
    /// The tools of each node, with their guards.
    pub scopes: &'a Scopes,
    /// The missing part of the worker for the execution under way.
    pub lack: Option<&'a Lack>,
    /// Takeovers without a step forward after which an execution is dead.
    pub max_attempts: u32,
    /// The time.
    pub now: Timestamp,
}

/// The gathered effects that must run.
#[derive(Default)]
struct Gathered {
    effects: BTreeSet<Effect>,
    wake_at: Option<Timestamp>,
    paused: bool,
}

impl Gathered {
    /// Looks again at `at`; when that has passed, `effect` is due.
    fn at(&mut self, at: Timestamp, now: Timestamp, effect: Effect) {
        if now >= at {
            self.effects.insert(effect);
        } else {
            self.wake(at);
        }
    }

    fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }
}

/// Decides.
#[must_use]
pub fn decide(state: &State, world: World<'_>) -> Decision {
    let mut gathered = Gathered::default();
    if let Some(notice) = state.notices.front() {
        gathered.effects.insert(Effect::Notify { notice: notice.key() });
    }
    let mut lack = None;
    let fact = match state.running() {
        Some(run) if run.stop.is_none() && world.lack.is_some() => {
            lack = world.lack.cloned();
            None
        }
        Some(run) => running(state, run, world, &mut gathered),
        // Calls that the last execution left are for a command to resolve: nobody else's question comes between.
        None => {
            let next = state.queue.front().filter(|start| start.resumes || state.dangling.is_empty());
            lack = next.and_then(|start| placement::of_start(start, world.definitions));
            next.filter(|_| lack.is_none()).map(|start| Fact::ExecutionStarted {
                execution_id: start.execution_id.clone(),
                definition: world.definitions.kept(&start.definition),
            })
        }
    };
    match (fact, lack) {
        (Some(fact), _) => Decision::Record(Box::new(fact)),
        // Notices to others come first.
        (None, Some(lack)) if gathered.effects.is_empty() => Decision::Leave(lack),
        (None, _) => {
            let Gathered { effects, wake_at, paused } = gathered;
            Decision::Wait { effects, wake_at, paused }
        }
    }
}

/// An execution's end with a typed error.
fn failed(code: &str, message: &str) -> Fact {
    Fact::ExecutionEnded { outcome: Outcome::failed(code, message) }
}

fn running(state: &State, run: &Run, world: World<'_>, gathered: &mut Gathered) -> Option<Fact> {
    if let Some(stop) = &run.stop {
        return Some(Fact::ExecutionEnded { outcome: Outcome::Cancelled { reason: stop.reason.clone() } });
    }
    if state.fruitless >= world.max_attempts {
        let message = format!("{} workers in a row began this step and did not end it", state.fruitless);
        return Some(failed("dead_letter", &message));
    }
    // Without a plan the worker lacks it: decided before.
    let plan = world.plan?;
    if let Some(violated) = &run.violated {
        return Some(failed("constraint_violated", violated));
    }
    let budget = run.start.budget.and(plan.budget());
    if let Some(ms) = budget.wall_time_ms {
        let end = later(run.started_at, Duration::from_millis(ms));
        if world.now >= end {
            return Some(over_budget("wall_time_ms", ms));
        }
        gathered.wake(end);
    }
    if run.paused {
        gathered.paused = true;
        return None;
    }
    if let Some(fact) = enter(state, run, plan) {
        return Some(fact);
    }
    for (node, visit) in &run.visits {
        let view = View { state, run, plan, node, visit, world, budget };
        if let Some(fact) = view.within(gathered) {
            return Some(fact);
        }
    }
    None
}

/// Begins the first node, or one that earlier ones have led to; or ends the execution.
fn enter(state: &State, run: &Run, plan: &Plan) -> Option<Fact> {
    if run.counts.is_empty() {
        if run.start.resumes && !plan.converses() {
            return Some(failed(
                "nothing_to_resume",
                "a graph that has ended has no conversation to go on with",
            ));
        }
        return Some(begin(state, run, plan, &plan.first()));
    }
    let mut waiting = false;
    for arrival in &run.arrivals {
        waiting = true;
        if !run.visits.contains_key(&arrival.to) && plan.is_ready(run, &arrival.to) {
            return Some(begin(state, run, plan, arrival));
        }
    }
    if !run.visits.is_empty() {
        return None;
    }
    if waiting {
        return Some(failed("stuck", "a join waits for branches that will not come"));
    }
    Some(Fact::ExecutionEnded { outcome: Outcome::Completed { output: plan.result(run) } })
}

fn begin(state: &State, run: &Run, plan: &Plan, arrival: &Arrival) -> Fact {
    if run.counts.values().sum::<u32>() >= limits::VISITS_MAX {
        return failed("too_many_steps", &format!("more than {} nodes ran", limits::VISITS_MAX));
    }
    let node = arrival.to.clone();
    let visit = run.counts.get(&node).copied().unwrap_or(0) + 1;
    match plan.opening(&node, run, arrival.iteration) {
        Ok(Opening { messages, converses, call }) => Fact::NodeStarted {
            visit,
            iteration: arrival.iteration,
            opening: messages,
            converses,
            call: call.map(|(name, arguments)| {
                ToolCall::new(format!("{node}_{visit}_{}", state.entries), name, arguments.to_string())
            }),
            node,
        },
        Err(fault) => failed("invalid_prompt", &fault),
    }
}

/// One node at work.
struct View<'a> {
    state: &'a State,
    run: &'a Run,
    plan: &'a Plan,
    node: &'a NodeId,
    visit: &'a Visit,
    world: World<'a>,
    budget: Budget,
}

impl View<'_> {
    fn within(&self, gathered: &mut Gathered) -> Option<Fact> {
        let Self { plan, node, visit, world, .. } = self;
        if !visit.calls.is_empty() {
            return self.calls(gathered);
        }
        let mut refused = None;
        match &visit.answer {
            Some(Answer::Failed(why)) => return Some(failed("node_failed", &format!("{node}: {why}"))),
            Some(answer) => match plan.output(node, answer) {
                Ok(output) => return Some(self.leave(output)),
                Err(reason) if plan.work(node) != Work::Model => {
                    return Some(failed("invalid_output", &format!("{node}: {reason}")));
                }
                // The object that is missing would have come behind the limit.
                Err(reason) if visit.is_cut_off => {
                    refused = Some(format!(
                        "it was cut off at its limit of tokens (finish reason `length`), and what came of it cannot be used: {reason}"
                    ));
                }
                Err(reason) => refused = Some(reason),
            },
            None => {}
        }
        match plan.work(node) {
            Work::Model => {}
            Work::Pass => return Some(self.leave(plan.passed(node, self.run))),
            Work::Ask => return self.ask(gathered),
            // Its call was answered: there is an answer.
            Work::Call => return Some(failed("node_failed", &format!("{node} has no call"))),
        }
        if let Some(over) = self.over(refused.as_deref()) {
            return Some(over);
        }
        if let Some(reason) = refused {
            return Some(refuse(node, &reason, visit.refusals + 1));
        }
        if let Some(not_before) = visit.not_before.filter(|at| world.now < *at) {
            gathered.wake(not_before);
            return None;
        }
        let attempt = visit.failures + 1;
        if let Some(settings) = plan.compaction(node)
            && let Some((from, to)) = compaction::range(self.state.said(visit), visit, &settings)
        {
            gathered.effects.insert(Effect::Compact { node: (*node).clone(), from, to, attempt });
            return None;
        }
        let (visit, round) = (visit.number, visit.rounds + 1);
        gathered.effects.insert(Effect::Model { node: (*node).clone(), visit, round, attempt });
        None
    }

    /// The fact that ends the execution before the next call of the model.
    fn over(&self, refused: Option<&str>) -> Option<Fact> {
        let Self { plan, node, visit, run, budget, .. } = self;
        let limit = plan.max_rounds(node);
        if visit.rounds >= limit {
            let what =
                refused.map_or_else(String::new, |reason| format!("; its last answer was refused: {reason}"));
            let message = format!("{node} took {} rounds, the limit is {limit}{what}", visit.rounds);
            return Some(failed("too_many_rounds", &message));
        }
        if let Some(rounds) = budget.rounds.filter(|rounds| run.rounds >= *rounds) {
            return Some(over_budget("rounds", u64::from(rounds)));
        }
        let tokens = budget.tokens.filter(|tokens| run.usage.total_tokens >= *tokens);
        tokens.map(|tokens| over_budget("tokens", tokens))
    }

    fn leave(&self, output: Value) -> Fact {
        let Self { plan, node, visit, run, .. } = self;
        let mut outputs = run.outputs.clone();
        outputs.insert((*node).clone(), output.clone());
        match plan.route(node, &output, visit.iteration) {
            Ok(arrivals) => Fact::NodeCompleted {
                judgement: plan.judge(node, &output, &outputs),
                node: (*node).clone(),
                output,
                rounds: visit.rounds,
                arrivals,
            },
            Err((code, fault)) => failed(code, &fault),
        }
    }

    /// The node itself asks a person.
    fn ask(&self, gathered: &mut Gathered) -> Option<Fact> {
        let Self { plan, node, visit, world, state, .. } = self;
        if let Some(id) = &visit.question {
            let asked = state.questions.get(id);
            if let Some(end) = asked.and_then(|(_, question)| question.expires_at) {
                gathered.at(end, world.now, Effect::Expire { id: id.clone() });
            }
            return None;
        }
        let asks = plan.asks(node);
        let prompt = visit.opening.iter().rev().find_map(|message| match message {
            Message::User { content } => Some(content.described().into_owned()),
            _ => None,
        });
        let request = Question {
            request_id: address(world.session, &self.place("question")),
            call_id: None,
            prompt: prompt.unwrap_or_default(),
            choices: asks.choices,
            expires_at: asks.timeout.map(|timeout| later(world.now, timeout)),
            default: asks.default,
        };
        Some(Fact::InputRequested { node: (*node).clone(), request })
    }

    /// The needs of the open calls: facts first, then effects.
    fn calls(&self, gathered: &mut Gathered) -> Option<Fact> {
        let Self { node, visit, world, state, .. } = self;
        let (mut approvals, mut ready, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let mut schemas = Vec::new();
        let mut running = 0;
        for open in &visit.calls {
            let call = &open.call;
            match &open.phase {
                Phase::Settled { result, is_error } => return Some(self.answer(call, result, *is_error)),
                Phase::New | Phase::Ready => match self.clear(open) {
                    Ok(permit) if permit.kind() == Kind::Function => ready.push(permit.call().clone()),
                    Ok(permit) => return Some(self.park(&permit)),
                    // Nobody is asked about a call that cannot run.
                    Err(Refusal::Error(error)) => return Some(self.answer(call, &error.to_string(), true)),
                    Err(Refusal::NeedsApproval { arguments, schema, .. }) => {
                        approvals.push(self.approval(call, arguments));
                        schemas.extend(schema.map(|schema| (call.name.clone(), schema)));
                    }
                },
                Phase::Running(epoch) => {
                    if *epoch != state.epoch && !world.scopes.of(node).is_safe_to_repeat(&call.name) {
                        unknown.push(call.id.clone());
                        continue;
                    }
                    running += 1;
                    if running <= self.plan.tools_at_once(node) {
                        gathered.effects.insert(Effect::Tool {
                            node: (*node).clone(),
                            visit: visit.number,
                            round: visit.rounds,
                            call_id: call.id.clone(),
                        });
                    }
                }
                Phase::Approval(id) => {
                    let asked = state.approvals.get(id);
                    if let Some(end) = asked.and_then(|approval| approval.requested.expires_at) {
                        gathered.at(end, world.now, Effect::Expire { id: id.clone() });
                    }
                }
                Phase::Question(id) => {
                    let asked = state.questions.get(id);
                    if let Some(end) = asked.and_then(|(_, question)| question.expires_at) {
                        gathered.at(end, world.now, Effect::Expire { id: id.clone() });
                    }
                }
                Phase::Child(_) | Phase::Unknown => {}
            }
        }
        let node = (*node).clone();
        if !approvals.is_empty() {
            let schemas = Schemas::of_tools(schemas);
            return Some(Fact::ApprovalsRequested { node, approvals, schemas });
        }
        if !ready.is_empty() {
            return Some(Fact::ToolsStarted { node, calls: ready });
        }
        (!unknown.is_empty()).then_some(Fact::CallsLeftPending { node, call_ids: unknown })
    }

    /// A call's permit. A model may name a tool that it was not shown.
    fn clear(&self, open: &OpenCall) -> Result<Permit, Refusal> {
        let Self { node, visit, world, state, run, .. } = self;
        clear(world.session, world.scopes.of(node), state, (run, node, visit), open)
    }

    /// The request to a person for a call.
    fn approval(&self, call: &ToolCall, arguments: Value) -> Requested {
        let timeout = self.plan.approval_timeout(self.node);
        let place = (self.run, self.node, self.visit);
        requested(self.world.session, place, call, arguments, later(self.world.now, timeout))
    }

    /// A call that somebody else answers: a person, or a child.
    fn park(&self, permit: &Permit) -> Fact {
        let Self { node, world, .. } = self;
        let (call, arguments) = (permit.call(), permit.arguments());
        let place = self.place(&call.id);
        match permit.kind() {
            Kind::Subagent(child) => {
                if self.run.start.parent.as_ref().is_some_and(|parent| parent.depth >= limits::CHILD_DEPTH) {
                    let why = format!("children may be nested {} deep, and no deeper", limits::CHILD_DEPTH);
                    return self.answer(call, &why, true);
                }
                let id = EventId::derived(&format!("{}/{place}/child", world.session)).to_string();
                // A linked child is one session for all calls of its tool: it remembers the calls before.
                let linked = EventId::derived(&format!("{}/child/{}", world.session, call.name)).to_string();
                let session = if child.ephemeral { &id } else { &linked };
                let (Ok(session_id), Ok(execution_id)) = (SessionId::new(session), ExecutionId::new(&id))
                else {
                    return self.answer(call, "the child has no id", true);
                };
                Fact::ChildStarted {
                    node: (*node).clone(),
                    call_id: call.id.clone(),
                    session_id,
                    execution_id,
                    definition: child.definition,
                    ephemeral: child.ephemeral,
                    input: arguments.get("input").unwrap_or(arguments).clone(),
                    budget: self.share(),
                }
            }
            Kind::AskHuman | Kind::Function => {
                let choices = arguments.get("choices").and_then(Value::as_array);
                let text = |value: &Value| value.as_str().map(str::to_owned);
                let request = Question {
                    request_id: address(world.session, &place),
                    call_id: Some(call.id.clone()),
                    prompt: arguments.get("prompt").and_then(text).unwrap_or_default(),
                    choices: choices.map(|list| list.iter().filter_map(text).collect()).unwrap_or_default(),
                    expires_at: None,
                    default: None,
                };
                Fact::InputRequested { node: (*node).clone(), request }
            }
        }
    }

    /// The budget of a child: its share of the run's remaining budget. Budgets of running children are not part of it, and children
    /// that are about to begin share with each other and with the other nodes at work.
    fn share(&self) -> Budget {
        let Self { run, state, world, budget, node, visit, .. } = self;
        let at_work = || state.children.values().filter(|child| !child.ended);
        let held = |limit: fn(&Budget) -> Option<u64>| {
            at_work().filter_map(|child| limit(&child.budget)).sum::<u64>()
        };
        let scope = world.scopes.of(node);
        let begins = |open: &&OpenCall| {
            matches!(open.phase, Phase::New | Phase::Ready | Phase::Approval(_))
                && scope.is_child(&open.call.name)
        };
        let begin = visit.calls.iter().filter(begins).count().max(1);
        let others = run.visits.len().saturating_sub(1);
        let parts = u64::try_from(begin + others).unwrap_or(u64::MAX);
        let share = |limit: u64, used: u64, held: u64| {
            limit.saturating_sub(used).saturating_sub(held).div_ceil(parts)
        };
        let rounds = |budget: &Budget| budget.rounds.map(u64::from);
        let left = |ms: u64| {
            let end = later(run.started_at, Duration::from_millis(ms));
            u64::try_from(end.since(world.now).as_millis()).unwrap_or(u64::MAX).max(1)
        };
        Budget {
            rounds: rounds(budget)
                .map(|limit| share(limit, u64::from(run.rounds), held(rounds)))
                .map(|share| u32::try_from(share).unwrap_or(u32::MAX)),
            tokens: budget
                .tokens
                .map(|limit| share(limit, run.usage.total_tokens, held(|budget| budget.tokens))),
            wall_time_ms: budget.wall_time_ms.map(left),
        }
    }

    fn answer(&self, call: &ToolCall, result: &str, is_error: bool) -> Fact {
        Fact::ToolCompleted {
            node: self.node.clone(),
            call_id: call.id.clone(),
            name: call.name.clone(),
            result: result.to_owned(),
            is_error,
            media: Vec::new(),
        }
    }

    fn place(&self, what: &str) -> String {
        format!("{}/{what}", place(self.run, self.node, self.visit))
    }
}

/// The place of a turn in a session's life: the same for every owner that repeats its calls, another for the next turn,
/// whose calls may have the same ids.
#[must_use]
pub fn place(run: &Run, node: &NodeId, visit: &Visit) -> String {
    format!("{}/{node}/{}/{}", run.start.execution_id, visit.number, visit.rounds)
}

/// A call's permit, with the decision about it.
///
/// # Errors
/// See [`Scope::clear`].
pub fn clear(
    session: &SessionId,
    scope: &Scope,
    state: &State,
    place: (&Run, &NodeId, &Visit),
    open: &OpenCall,
) -> Result<Permit, Refusal> {
    let approval = state.approvals.get(&approval_id(session, place, &open.call));
    // One that is used up is for the call that has begun, and for no further beginning of it.
    let has_begun = matches!(open.phase, Phase::Running(_));
    let stands = |approval: &&Approval| has_begun || approval.status == Standing::Approved;
    scope.clear(&open.call, approval.filter(stands))
}

/// The request to a person for a call: until `expires_at`.
#[must_use]
pub fn requested(
    session: &SessionId,
    place: (&Run, &NodeId, &Visit),
    call: &ToolCall,
    arguments: Value,
    expires_at: Timestamp,
) -> Requested {
    Requested {
        approval_id: approval_id(session, place, call),
        call_id: call.id.clone(),
        tool_name: call.name.clone(),
        arguments_digest: digest(&arguments),
        arguments,
        expires_at: Some(expires_at),
    }
}

fn approval_id(session: &SessionId, (run, node, visit): (&Run, &NodeId, &Visit), call: &ToolCall) -> String {
    address(session, &format!("{}/{}", place(run, node, visit), call.id))
}

/// Tells the model that its answer is not what the node declares.
fn refuse(node: &NodeId, reason: &str, attempt: u32) -> Fact {
    Fact::TurnFailed {
        node: node.clone(),
        error: json!({ "code": "invalid_output", "message": reason }),
        next_try: attempt + 1,
        delay_ms: 0,
        correction: Some(format!("Your answer cannot be used: {reason}. Answer again.")),
        fallback: None,
        message_id: None,
    }
}

fn over_budget(which: &str, limit: u64) -> Fact {
    let error = json!({
        "code": "budget_exceeded",
        "message": format!("the execution has used up its budget: {which} = {limit}"),
        "budget": which,
        "limit": limit,
    });
    Fact::ExecutionEnded { outcome: Outcome::Failed { error } }
}

/// A point in time after another.
#[must_use]
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_micros(at.micros().saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

/// The messages that the model reads: instructions, earlier messages, messages since.
#[must_use]
pub fn messages(state: &State, visit: &Visit) -> Vec<Message> {
    let (mut messages, question): (Vec<_>, Vec<_>) =
        visit.opening.iter().cloned().partition(|message| matches!(message, Message::System { .. }));
    if !visit.converses {
        messages.extend(question);
    }
    messages.extend(state.said(visit).live().map(|(_, message)| message.clone()));
    messages
}
