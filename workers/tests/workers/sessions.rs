//! Sessions simulated: the decisions for every outcome, command, crash and moment in any order.

use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use runbus::id::{EventId, ExecutionId, SessionId, StreamId, WorkerId};
use runbus::labels::Labels;
use runbus::log::Sequence;
use runbus::session::approval::Standing;
use runbus::session::checkpoint::testing::Reader;
use runbus::session::command::{Action, Budget, Command, Decide, Multitask, Parent, Scheduling, Start};
use runbus::session::entry::{Entry, Fact, Outcome};
use runbus::session::state::{Notice, State};
use runbus::session::{Message, ToolCall, Turn, Usage};
use runbus::time::Timestamp;
use runbus_workers::definition::{Definitions, Plan, Scopes};
use runbus_workers::graph::Definition;
use runbus_workers::session::placement;
use runbus_workers::session::step::{self, Decision, Effect, World, decide};
use runbus_workers::tool::{Function, Registry, ask_human, calculator};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

const AGENT: &str = "
kind: agent
name: chat
tools: [safe, unsafe, guarded, ask_human]
approve: ['guard*', once]
approval_timeout_ms: 60000
subagents: [{ name: once, definition: chat, ephemeral: true }, { name: linked, definition: chat }]
compaction: { at_tokens: 150, keep_recent_messages: 2 }
max_rounds: 6
budget: { wall_time_ms: 600000 }
";

const GRAPH: &str = "
kind: graph
name: flow
entry: plan
max_iterations: 3
nodes:
  plan: { type: agent, tools: ['*f*', guarded], approve: ['g*d'] }
  work: { type: tool, tool: guarded, approve: ['*ed'], arguments: { text: '{{input}}' } }
  ask: { type: human, choices: [go, stop], timeout_ms: 5000, default: stop }
  meet: { type: agent, join: true, output: { score: { type: number } } }
  gate: { type: router, on: meet }
  end: { type: agent }
edges:
  - { from: plan, to: [work, ask] }
  - { from: work, to: meet }
  - { from: ask, to: meet }
  - { from: meet, to: gate }
  - { from: gate, to: plan, when: { field: score, lt: 5 } }
  - { from: gate, to: end }
";

#[derive(Debug, Deserialize, JsonSchema)]
struct Text {
    #[expect(dead_code, reason = "nothing calls it: only its schema counts")]
    text: Option<String>,
}

async fn nothing(_: Text) -> Result<String, runbus_workers::tool::Error> {
    Ok(String::new())
}

/// The next step, as numbers that the simulation reads.
#[derive(Debug, Clone)]
enum Move {
    /// An effect that is at work ends.
    Effect { which: u8, how: u8 },
    /// A command arrives.
    Command { kind: u8, which: u8, how: u8 },
    /// Another worker takes over.
    Crash,
    /// The owner lets go, and a worker claims it again.
    Handover,
    /// Time passes, in milliseconds.
    Time(u32),
    /// Only decisions are made.
    Decide(u8),
    /// The owner writes a checkpoint, with so many messages in a segment; the messages are read again then, or not.
    Checkpoint(u8, bool),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        8 => (any::<u8>(), any::<u8>()).prop_map(|(which, how)| Move::Effect { which, how }),
        4 => (any::<u8>(), any::<u8>(), any::<u8>())
            .prop_map(|(kind, which, how)| Move::Command { kind, which, how }),
        1 => Just(Move::Crash),
        1 => Just(Move::Handover),
        1 => prop::sample::select(vec![10u32, 1000, 10_000, 70_000, 700_000]).prop_map(Move::Time),
        8 => (1u8..12).prop_map(Move::Decide),
        2 => (1u8..5, any::<bool>()).prop_map(|(each, reads)| Move::Checkpoint(each, reads)),
    ];
    prop::collection::vec(one, 1..120)
}

struct Sim {
    session: SessionId,
    state: State,
    /// The same journal, read from its checkpoints on.
    reader: Reader,
    definitions: Definitions,
    registry: Registry,
    now: Timestamp,
    inbox: u64,
    epoch: u64,
    started: usize,
    approvals: Vec<String>,
    questions: Vec<String>,
    children: Vec<(SessionId, ExecutionId)>,
    told: HashSet<String>,
    effects: BTreeSet<Effect>,
    /// The messages that the model read before the last execution began, while no note stands for a part of them.
    before: Option<Vec<Message>>,
}

fn definitions() -> Definitions {
    let mut definitions = Definitions::default();
    for text in [AGENT, GRAPH] {
        definitions.add(Definition::parse("test", text).unwrap()).unwrap();
    }
    definitions
}

fn registry() -> Registry {
    Registry::new()
        .with(Function::new("safe", "", nothing).safe_to_repeat())
        .and_then(|registry| registry.with(Function::new("unsafe", "", nothing)))
        .and_then(|registry| registry.with(Function::new("guarded", "", nothing)))
        .and_then(|registry| registry.with(ask_human()))
        .and_then(|registry| registry.with(calculator()))
        .unwrap()
}

impl Sim {
    fn new() -> Self {
        let session = SessionId::new("s").unwrap();
        let mut sim = Self {
            state: State::new(session.clone()),
            reader: Reader::new(State::new(session.clone())),
            session,
            definitions: definitions(),
            registry: registry(),
            now: Timestamp::from_micros(1_000_000),
            inbox: 0,
            epoch: 0,
            started: 0,
            approvals: Vec::new(),
            questions: Vec::new(),
            children: Vec::new(),
            told: HashSet::new(),
            effects: BTreeSet::new(),
            before: None,
        };
        sim.claim();
        sim
    }

    fn plan(&self) -> Option<std::sync::Arc<Plan>> {
        self.definitions.of(self.state.running()?)
    }

    fn decide(&self) -> Decision {
        let plan = self.plan();
        let scopes =
            plan.as_ref().map_or_else(|| Scopes::none(&self.registry), |plan| plan.scopes(&self.registry));
        let lack =
            self.state.running().and_then(|run| placement::of_run(run, &self.definitions, &self.registry));
        let world = World {
            session: &self.session,
            plan: plan.as_deref(),
            definitions: &self.definitions,
            scopes: &scopes,
            lack: lack.as_ref(),
            max_attempts: 3,
            now: self.now,
        };
        decide(&self.state, world)
    }

    fn claim(&mut self) {
        self.epoch += 1;
        let worker = WorkerId::new(format!("w{}", self.epoch)).unwrap();
        self.apply(Fact::Claimed { worker, epoch: self.epoch });
        self.effects.clear();
    }

    fn apply(&mut self, fact: Fact) {
        match &fact {
            Fact::ExecutionStarted { .. } => {
                let live = self.state.transcript.live();
                self.before = Some(live.map(|(_, message)| message.clone()).collect());
            }
            Fact::Compacted { to, .. } if self.state.running().is_some_and(|run| *to <= run.base) => {
                self.before = None;
            }
            Fact::ApprovalsRequested { approvals, .. } => {
                self.approvals.extend(approvals.iter().map(|asked| asked.approval_id.clone()));
            }
            Fact::InputRequested { request, .. } => self.questions.push(request.request_id.clone()),
            Fact::ChildStarted { session_id, execution_id, .. } => {
                self.children.push((session_id.clone(), execution_id.clone()));
            }
            _ => {}
        }
        // A recorded entry is read back: the journal is text.
        let entry = Entry { at: self.now, checkpoint: None, fact };
        let entry = Entry::decode(&entry.encode().unwrap()).unwrap();
        let changes = self.state.apply(&entry);
        assert_eq!(self.reader.apply(&entry), changes, "a reader of checkpoints sees other changes");
    }

    fn checkpoint(&mut self, each: u8, reads: bool) {
        if self.state.owner.is_none() || self.state.fruitless > 0 {
            return;
        }
        for entry in self.reader.checkpoint(self.now, each.into()).unwrap() {
            // Versions without checkpoints see an entry that they do not know.
            let unknown = Entry { fact: Fact::Unknown, ..entry.clone() };
            let mut older = self.state.clone();
            assert_eq!(older.apply(&unknown), Vec::new());
            assert_eq!(self.state.apply(&entry), Vec::new());
            assert_eq!(older, self.state);
        }
        if reads {
            self.reader.load_messages(false);
        }
    }

    /// Records what is decided, so many times or until there is nothing to record.
    fn settle(&mut self, most: usize) -> Result<(), TestCaseError> {
        for _ in 0..most {
            match self.decide() {
                Decision::Record(fact) => {
                    let ended = match &*fact {
                        Fact::ExecutionEnded { outcome } => Some(outcome.clone()),
                        _ => None,
                    };
                    self.check_before(&fact)?;
                    let owed = self.state.dangling.len();
                    let stop = self.state.running().and_then(|run| run.stop.clone());
                    let rollback = stop.is_some_and(|stop| stop.rollback);
                    self.apply(*fact);
                    if let (true, Some(_), Some(before)) = (rollback, &ended, &self.before) {
                        // Only answers to calls that it was to finish may follow.
                        let live: Vec<&Message> = self.state.transcript.live().map(|(_, m)| m).collect();
                        let kept =
                            live.len() >= before.len() && live.iter().zip(before).all(|(a, b)| **a == *b);
                        let more = live.iter().skip(before.len()).all(|m| matches!(m, Message::Tool { .. }));
                        prop_assert!(kept && more, "rolled back to {:?} from {:?}", live, before);
                    }
                    if let Some(outcome) = ended {
                        self.check_end(&outcome, owed)?;
                    }
                    self.check()?;
                }
                Decision::Wait { effects, .. } => {
                    self.check_effects(&effects)?;
                    self.effects = effects;
                    return Ok(());
                }
                // It lets go, and comes back to a worker that may have what is missing.
                Decision::Leave(_) => {
                    self.effects.clear();
                    self.apply(Fact::Released { wake_at: None });
                    self.claim();
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn command(&mut self, action: Action) {
        self.inbox += 1;
        let id = EventId::derived(&format!("c{}", self.inbox));
        let command = Command { id, at: self.now, by: Some("me".into()), action };
        let inbox = Sequence(self.inbox);
        self.apply(Fact::CommandTaken { inbox, stored_at: self.now, command: Some(command) });
    }

    fn begin(&mut self, which: u8, how: u8) {
        self.started += 1;
        let multitask = match how % 8 {
            0 => Multitask::Reject,
            1 => Multitask::Interrupt,
            2 | 3 => Multitask::Rollback,
            _ => Multitask::Enqueue,
        };
        let definition = match which % 8 {
            0 => "nobody",
            1 | 2 => "flow",
            _ => "chat",
        };
        let parent = (which / 8).is_multiple_of(8).then(|| Parent {
            session_id: SessionId::new("above").unwrap(),
            execution_id: ExecutionId::new("above").unwrap(),
            scheduling: Scheduling::default(),
            ephemeral: false,
            depth: 1,
            root: None,
        });
        let budget = Budget { rounds: (how / 8).is_multiple_of(4).then_some(2), ..Budget::default() };
        self.command(Action::Start(Box::new(Start {
            execution_id: execution(self.started),
            stream_id: StreamId::new("s").unwrap(),
            definition: definition.into(),
            input: json!(format!("question {}", self.started)),
            correlation_id: None,
            multitask,
            budget,
            scheduling: Scheduling::default(),
            labels: Labels::default(),
            parent,
            resumes: false,
            trace: None,
        })));
    }

    fn give(&mut self, kind: u8, which: u8, how: u8) {
        let pick = |list: &[String]| list.get(usize::from(which) % list.len().max(1)).cloned();
        let recent = |list: &[String]| {
            let from = list.len().saturating_sub(3);
            pick(&list[from..]).unwrap_or_else(|| "nothing".into())
        };
        let known = execution(self.started.saturating_sub(usize::from(which % 4)).max(1));
        let action = match kind % 16 {
            0..=3 => return self.begin(which, how),
            4 => {
                self.started += 1;
                Action::Resume { execution_id: execution(self.started) }
            }
            5 => Action::AbortPending { reason: "enough".into() },
            6 => Action::Cancel { execution_id: known, reason: how.is_multiple_of(2).then(|| "stop".into()) },
            7 => Action::Cancel {
                execution_id: execution(self.started + usize::from(which % 3)),
                reason: None,
            },
            8 => Action::Pause { execution_id: known, reason: None },
            9 => Action::Unpause { execution_id: known },
            10 | 11 => Action::Decide(Decide {
                approval_id: recent(&self.approvals),
                approved: !how.is_multiple_of(3),
                arguments: how.is_multiple_of(5).then(|| json!({ "text": "edited" })),
                note: None,
                arguments_digest: how.is_multiple_of(7).then(|| "sha256:0".into()),
            }),
            12 => {
                let both = [recent(&self.approvals), recent(&self.questions)];
                Action::Expire { id: both[usize::from(how % 2)].clone() }
            }
            13 => {
                let input = [json!("go"), json!("perhaps"), json!({ "x": 1 })];
                Action::Answer {
                    request_id: recent(&self.questions),
                    input: input[usize::from(how % 3)].clone(),
                }
            }
            14 => {
                let Some((session_id, execution_id)) =
                    self.children.get(usize::from(which) % self.children.len().max(1)).cloned()
                else {
                    return;
                };
                Action::ChildEnded {
                    session_id,
                    execution_id,
                    completed: how.is_multiple_of(2),
                    output: json!("done"),
                    used: Box::default(),
                }
            }
            _ if how.is_multiple_of(8) => Action::Close { cascade: which.is_multiple_of(2), reason: None },
            _ => Action::Unknown,
        };
        self.command(action);
    }

    /// An effect ends in one of the ways that it can.
    fn finish(&mut self, effect: &Effect, how: u8) {
        match effect {
            Effect::Model { node, attempt, .. } if how.is_multiple_of(8) => {
                let (delay_ms, correction) = (5, how.is_multiple_of(16).then(|| "again".to_owned()));
                let fact = match attempt {
                    5.. => Fact::ExecutionEnded { outcome: Outcome::failed("model_failed", "five times") },
                    _ => Fact::TurnFailed {
                        node: node.clone(),
                        error: json!({ "code": "x", "message": "y" }),
                        next_try: attempt + 1,
                        delay_ms,
                        correction,
                        fallback: None,
                        message_id: None,
                    },
                };
                self.apply(fact);
            }
            Effect::Model { node, .. } => {
                let names = ["safe", "unsafe", "guarded", "ask_human", "once", "linked", "nowhere"];
                let count = if how.is_multiple_of(3) { 0 } else { usize::from(how / 16 % 4) };
                let tool_calls = (0..count)
                    .map(|n| {
                        let name = names[(usize::from(how / 3) + n) % names.len()];
                        let arguments = if how.is_multiple_of(11) {
                            "{".into()
                        } else {
                            json!({"prompt": "?", "input": "i"}).to_string()
                        };
                        // Ids come again in later turns, as with some providers.
                        ToolCall::new(format!("c{n}"), name, arguments)
                    })
                    .collect();
                let text = [r#"{"score": 2}"#, r#"{"score": 9}"#, "words and words"][usize::from(how) % 3];
                let usage = Some(Usage { total_tokens: u64::from(how) * 2, ..Usage::default() });
                let turn = Turn { text: text.into(), tool_calls, usage, ..Turn::default() };
                self.apply(Fact::TurnCompleted { node: node.clone(), turn });
            }
            Effect::Tool { node, call_id, .. } => {
                let fact = Fact::ToolCompleted {
                    node: node.clone(),
                    call_id: call_id.clone(),
                    name: "t".into(),
                    result: "result".into(),
                    is_error: how.is_multiple_of(5),
                    media: Vec::new(),
                };
                self.apply(fact);
            }
            Effect::Compact { node, from, to, .. } => {
                let fact = Fact::Compacted {
                    node: node.clone(),
                    from: *from,
                    to: *to,
                    note: "note".into(),
                    tokens_before: 1000,
                    tokens_after: 10,
                    usage: None,
                };
                self.apply(fact);
            }
            Effect::Expire { id } => self.command(Action::Expire { id: id.clone() }),
            Effect::Notify { notice } => {
                self.apply(Fact::Notified { notice: notice.clone() });
                self.told.insert(notice.clone());
            }
        }
    }

    fn step(&mut self, step: &Move) -> Result<(), TestCaseError> {
        match step {
            Move::Effect { which, how } => {
                self.settle(300)?;
                let effect =
                    self.effects.iter().nth(usize::from(*which) % self.effects.len().max(1)).cloned();
                if let Some(effect) = effect {
                    self.finish(&effect, *how);
                }
            }
            Move::Command { kind, which, how } => self.give(*kind, *which, *how),
            Move::Crash => self.claim(),
            Move::Handover => {
                self.apply(Fact::Released { wake_at: None });
                self.claim();
            }
            Move::Time(ms) => self.now = Timestamp::from_micros(self.now.micros() + i64::from(*ms) * 1000),
            Move::Decide(most) => self.settle(usize::from(*most))?,
            Move::Checkpoint(each, reads) => self.checkpoint(*each, *reads),
        }
        self.check()
    }

    /// The invariants.
    fn check(&self) -> Result<(), TestCaseError> {
        let state = &self.state;
        prop_assert_eq!(&self.reader.whole(), state, "a reader of checkpoints has another state");
        let running = state.running().map(|run| &run.start.execution_id);
        for approval in state.approvals.values() {
            let open = matches!(approval.status, Standing::Pending | Standing::Approved);
            prop_assert!(!open || Some(&approval.execution_id) == running, "{:?} outlives its run", approval);
        }
        for notice in &state.notices {
            // A sent notice is not sent again, except that closing a session once more closes its children once more.
            let again = matches!(notice, Notice::CloseChild { .. });
            prop_assert!(again || !self.told.contains(&notice.key()), "{} was told", notice.key());
        }
        if running.is_none() {
            prop_assert!(state.questions.is_empty(), "questions outlive their run");
            prop_assert!(state.children.values().all(|child| child.ended), "children outlive their run");
            if state.dangling.is_empty() {
                let live: Vec<&Message> = state.transcript.live().map(|(_, message)| message).collect();
                well_formed(&live)?;
            }
        }
        Ok(())
    }

    /// No call begins that a guard covers, unless a person has approved this very call with these arguments.
    fn check_guards(&self, fact: &Fact) -> Result<(), TestCaseError> {
        let Some(run) = self.state.running() else { return Ok(()) };
        let (node, begun): (_, Vec<ToolCall>) = match fact {
            Fact::ToolsStarted { node, calls } => (node, calls.clone()),
            Fact::ChildStarted { node, call_id, .. } => {
                let call = run.visits[node].calls.iter().find(|open| open.call.id == *call_id);
                (node, call.map(|open| open.call.clone()).into_iter().collect())
            }
            _ => return Ok(()),
        };
        for call in begun.iter().filter(|call| ["guarded", "once"].contains(&call.name.as_str())) {
            let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
            let asked = self.state.approvals.values().rfind(|approval| {
                approval.requested.call_id == call.id
                    && approval.node_id == *node
                    && approval.status == Standing::Approved
            });
            let said = asked.and_then(|approval| {
                let edited = approval.decision.as_ref().and_then(|decision| decision.arguments.clone());
                edited.or_else(|| Some(approval.requested.arguments.clone()))
            });
            prop_assert_eq!(said, Some(arguments), "{:?} begins without an approval", call);
        }
        Ok(())
    }

    fn check_before(&self, fact: &Fact) -> Result<(), TestCaseError> {
        self.check_guards(fact)?;
        if matches!(fact, Fact::ExecutionStarted { .. }) {
            prop_assert!(self.state.running().is_none(), "two executions at once");
        }
        if let Fact::NodeStarted { node, opening, converses: true, .. } = fact {
            let asks = opening.iter().any(|message| matches!(message, Message::User { .. }));
            let unresolved = !self.state.dangling.is_empty();
            prop_assert!(
                !(asks && unresolved),
                "{node} begins with a question over calls that are unresolved"
            );
        }
        Ok(())
    }

    fn check_end(&self, outcome: &Outcome, owed: usize) -> Result<(), TestCaseError> {
        prop_assert!(self.state.running().is_none());
        // Calls that an earlier execution left stay when this one ends before its first node.
        if matches!(outcome, Outcome::Completed { .. } | Outcome::Cancelled { .. }) {
            prop_assert_eq!(self.state.pending().count(), owed, "after {:?}", outcome);
        }
        Ok(())
    }

    /// The messages to the model are valid for a provider.
    fn check_effects(&self, effects: &BTreeSet<Effect>) -> Result<(), TestCaseError> {
        for effect in effects {
            let Some(run) = self.state.running() else {
                prop_assert!(matches!(effect, Effect::Notify { .. }), "{:?} without an execution", effect);
                continue;
            };
            match effect {
                Effect::Model { node, .. } => {
                    let messages = step::messages(&self.state, &run.visits[node]);
                    well_formed(&messages.iter().collect::<Vec<_>>())?;
                }
                Effect::Compact { node, from, to, .. } => {
                    let said = self.state.said(&run.visits[node]);
                    let behind: Vec<&Message> =
                        said.live().filter(|(at, _)| at >= to).map(|(_, message)| message).collect();
                    well_formed(&behind)?;
                    prop_assert!(from < to);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn execution(number: usize) -> ExecutionId {
    ExecutionId::new(format!("e{number}")).unwrap()
}

/// The rule of every provider: each call of a turn is answered before anything else is said, and nothing else is answered.
fn well_formed(messages: &[&Message]) -> Result<(), TestCaseError> {
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        match message {
            Message::Tool { tool_call_id, .. } => {
                prop_assert!(
                    open.remove(tool_call_id.as_str()),
                    "message {} answers no call: {:?}",
                    at,
                    messages
                );
            }
            other => {
                prop_assert!(open.is_empty(), "message {} comes before the answers: {:?}", at, messages);
                open.extend(other.tool_calls().iter().map(|call| call.id.as_str()));
            }
        }
    }
    prop_assert!(open.is_empty(), "no answers at the end: {:?}", messages);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Any moves in any order.
    #[test]
    fn a_session_stays_sound(moves in moves()) {
        let mut sim = Sim::new();
        for step in &moves {
            sim.step(step)?;
        }
    }

    /// Left alone, with every effect ending and every person answering, a session comes to rest with nothing open.
    #[test]
    fn a_session_comes_to_rest(moves in moves(), how in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut sim = Sim::new();
        for step in &moves {
            sim.step(step)?;
        }
        let mut how = how.into_iter().cycle();
        for round in 0.. {
            prop_assert!(round < 3000, "it goes on: {:?}", sim.decide());
            sim.settle(300)?;
            if let Some(effect) = sim.effects.first().cloned() {
                sim.finish(&effect, how.next().unwrap());
                continue;
            }
            let waits = sim.state.running().map(|run| run.start.execution_id.clone());
            let strange = sim.state.queue.iter().find(|start| sim.definitions.get(&start.definition).is_none());
            if let Some(execution_id) = strange.map(|start| start.execution_id.clone()).filter(|_| waits.is_none()) {
                // No worker can run it: it waits until somebody cancels it.
                let leaves = matches!(sim.decide(), Decision::Leave(_) | Decision::Wait { .. });
                prop_assert!(leaves);
                sim.command(Action::Cancel { execution_id, reason: None });
            } else if !sim.state.unresolved().is_empty() {
                sim.command(Action::AbortPending { reason: "rest".into() });
            } else if let Some(execution_id) = waits {
                // It waits for a person, a child or a time: the budget ends it at the latest.
                sim.command(Action::Unpause { execution_id });
                sim.now = Timestamp::from_micros(sim.now.micros() + 60_000_000);
                let asks = sim.state.questions.keys().next().cloned();
                if let Some(request_id) = asks {
                    sim.command(Action::Answer { request_id, input: json!("go") });
                }
                if round > 2000 {
                    sim.command(Action::Cancel { execution_id: sim.state.running().unwrap().start.execution_id.clone(), reason: None });
                }
            } else {
                break;
            }
        }
        prop_assert!(sim.state.queue.is_empty() && sim.state.notices.is_empty(), "{:?}", sim.state);
        prop_assert_eq!(sim.state.pending().count(), 0);
        let live: Vec<&Message> = sim.state.transcript.live().map(|(_, message)| message).collect();
        well_formed(&live)?;
    }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The decisions in a few important states, as the journal records them.
#[test]
fn decisions() {
    let mut sim = Sim::new();
    assert_eq!(sim.decide(), Decision::Wait { effects: BTreeSet::new(), wake_at: None, paused: false });

    // An execution begins, its node, and the model is asked.
    sim.begin(255, 255);
    sim.settle(10).unwrap();
    let node = runbus::id::NodeId::new("chat").unwrap();
    let model = |round, attempt| Effect::Model { node: node.clone(), visit: 1, round, attempt };
    assert_eq!(sim.effects, BTreeSet::from([model(1, 1)]));

    // A failed try is repeated when its time has come.
    let fact = Fact::TurnFailed {
        node: node.clone(),
        error: value("{}"),
        next_try: 2,
        delay_ms: 500,
        correction: None,
        fallback: None,
        message_id: None,
    };
    sim.apply(fact);
    let soon = step::later(sim.now, std::time::Duration::from_millis(500));
    assert_eq!(sim.decide(), Decision::Wait { effects: BTreeSet::new(), wake_at: Some(soon), paused: false });
    sim.now = soon;
    sim.settle(1).unwrap();
    assert_eq!(sim.effects, BTreeSet::from([model(1, 2)]));

    // Of two calls one waits for a person, the other runs; the guarded one runs when it is approved.
    let call = |id: &str, name: &str| ToolCall::new(id, name, "{}");
    let turn = Turn { tool_calls: vec![call("a", "guarded"), call("b", "unsafe")], ..Turn::default() };
    sim.apply(Fact::TurnCompleted { node: node.clone(), turn });
    sim.settle(10).unwrap();
    let tool = |id: &str| Effect::Tool { node: node.clone(), visit: 1, round: 1, call_id: id.into() };
    assert_eq!(sim.effects, BTreeSet::from([tool("b")]));
    let approval_id = sim.approvals[0].clone();
    sim.command(Action::Decide(Decide {
        approval_id: approval_id.clone(),
        approved: true,
        arguments: None,
        note: None,
        arguments_digest: None,
    }));
    sim.settle(10).unwrap();
    assert_eq!(sim.effects, BTreeSet::from([tool("a"), tool("b")]));
    assert_eq!(sim.state.approvals[&approval_id].status, Standing::Consumed);

    // Its worker dies: unsafe calls stay open until somebody decides, and are not run again.
    sim.claim();
    let Decision::Record(fact) = sim.decide() else { panic!("nothing to record") };
    assert_eq!(*fact, Fact::CallsLeftPending { node: node.clone(), call_ids: vec!["a".into(), "b".into()] });
    sim.settle(10).unwrap();
    assert_eq!((sim.effects.len(), sim.state.unresolved().len()), (0, 2));

    // A second execution waits; the first one's time is up, and its calls stay unresolved: nothing runs them.
    sim.begin(255, 255);
    assert_eq!(sim.state.queue.len(), 0, "a session with unresolved calls takes no input");
    sim.command(Action::AbortPending { reason: "no".into() });
    sim.settle(10).unwrap();
    assert_eq!(sim.effects.iter().filter(|effect| matches!(effect, Effect::Model { .. })).count(), 1);
}

/// Arguments that parse may lack their end all the same: a call of a turn that the token limit cut off never runs.
#[test]
fn calls_of_a_turn_that_was_cut_off_are_answered_and_never_run() {
    for (reason, runs) in [("length", false), ("MAX_TOKENS", false), ("tool_calls", true)] {
        let mut sim = Sim::new();
        sim.begin(255, 255);
        sim.settle(10).unwrap();
        let effect = sim.effects.first().cloned().unwrap();
        let Effect::Model { node, .. } = effect else { panic!("{effect:?}") };
        let call = ToolCall::new("a", "unsafe", "{}");
        let turn = Turn { tool_calls: vec![call], finish_reason: Some(reason.into()), ..Turn::default() };
        sim.apply(Fact::TurnCompleted { node: node.clone(), turn });
        sim.settle(10).unwrap();
        let begun = |effect: &Effect| matches!(effect, Effect::Tool { .. });
        assert_eq!(sim.effects.iter().any(begun), runs, "{reason}: {:?}", sim.effects);
        if !runs {
            // The model reads why, and is asked again.
            assert!(
                sim.effects.iter().all(|effect| matches!(effect, Effect::Model { .. })),
                "{:?}",
                sim.effects
            );
        }
    }
}

/// A second execution that waits does not begin over calls that the first one left, and begins when they are resolved.
#[test]
fn the_queue_waits_for_unresolved_calls() {
    for resume in [true, false] {
        let mut sim = Sim::new();
        sim.begin(255, 255);
        sim.settle(10).unwrap();
        let effect = sim.effects.first().cloned().unwrap();
        let Effect::Model { node, .. } = effect else { panic!("{effect:?}") };
        let call = ToolCall::new("a", "unsafe", "{}");
        sim.apply(Fact::TurnCompleted { node, turn: Turn { tool_calls: vec![call], ..Turn::default() } });
        sim.settle(10).unwrap();
        sim.begin(255, 255);
        sim.now = Timestamp::from_micros(sim.now.micros() + 600_000_000);
        sim.settle(10).unwrap();
        assert_eq!(
            (sim.state.running().is_none(), sim.state.dangling.len(), sim.state.queue.len()),
            (true, 1, 1)
        );
        if resume {
            sim.command(Action::Resume { execution_id: execution(9) });
            sim.settle(10).unwrap();
            assert_eq!(sim.state.running().unwrap().start.execution_id, execution(9));
        } else {
            sim.command(Action::AbortPending { reason: "no".into() });
            sim.settle(10).unwrap();
            assert_eq!(sim.state.running().unwrap().start.execution_id, execution(2));
        }
    }
}

/// An execution of a definition, with its first call of the model under way.
fn running(definition: &str, name: &str, input: Value) -> Sim {
    let mut sim = Sim::new();
    sim.definitions.add(Definition::parse("test", definition).unwrap()).unwrap();
    sim.command(Action::Start(Box::new(Start {
        execution_id: ExecutionId::new("judged").unwrap(),
        stream_id: StreamId::new("s").unwrap(),
        definition: name.into(),
        input,
        correlation_id: None,
        multitask: Multitask::Enqueue,
        budget: Budget::default(),
        scheduling: Scheduling::default(),
        labels: Labels::default(),
        parent: None,
        resumes: false,
        trace: None,
    })));
    sim.settle(10).unwrap();
    sim
}

const JUDGE: &str =
    "{kind: graph, name: judge, entry: n, nodes: {n: {type: agent, output: {score: {type: number}}}}}";

/// The model and people are told that a limit of tokens is the cause.
#[test]
fn an_answer_that_was_cut_off_is_refused_as_such_and_a_text_is_marked() {
    let mut sim = running(JUDGE, "judge", json!("text"));
    let node = runbus::id::NodeId::new("n").unwrap();
    let turn = || Turn { text: "{\"sco".into(), finish_reason: Some("length".into()), ..Turn::default() };
    sim.apply(Fact::TurnCompleted { node: node.clone(), turn: turn() });
    let Decision::Record(fact) = sim.decide() else { panic!() };
    let Fact::TurnFailed { error, correction, .. } = *fact else { panic!("{fact:?}") };
    assert!(error["message"].as_str().unwrap().contains("(finish reason `length`)"), "{error}");
    assert!(correction.unwrap().contains("cut off at its limit of tokens"));

    for (reason, cut_off) in [("length", json!(["n"])), ("stop", Value::Null)] {
        let mut sim = running("{kind: agent, name: n}", "n", json!("text"));
        let turn = Turn { finish_reason: Some(reason.into()), ..turn() };
        sim.apply(Fact::TurnCompleted { node: node.clone(), turn });
        sim.settle(10).unwrap();
        let outcome = sim.state.run.as_ref().unwrap().outcome.clone();
        let Some(Outcome::Completed { output }) = outcome else { panic!("{outcome:?}") };
        assert_eq!((&output["output"], &output["cut_off"]), (&json!("{\"sco"), &cut_off));
    }
}

#[test]
fn parts_of_an_input_are_the_question_of_an_agent_and_of_the_node_that_names_them() {
    let image = json!({"type": "image", "url": "https://h/i"});
    let question = |sim: &Sim| {
        let visit = sim.state.running().unwrap().visits.values().next().unwrap();
        visit.opening.iter().find_map(Message::content).unwrap().clone()
    };
    let parts = json!([image, {"type": "text", "text": "What is it?"}]);
    let sim = running("{kind: agent, name: n}", "n", parts.clone());
    assert_eq!(serde_json::to_value(question(&sim)).unwrap(), parts);

    let graph =
        "{kind: graph, name: g, entry: n, nodes: {n: {type: agent, prompt: 'Look: {{input.photo}}'}}}";
    let sim = running(graph, "g", json!({"photo": image}));
    let wanted = json!([{"type": "text", "text": "Look: "}, image]);
    assert_eq!(serde_json::to_value(question(&sim)).unwrap(), wanted);
}

/// Each refused answer is a try of its own: the next one has the next number.
#[test]
fn refused_answers_are_counted() {
    let mut sim = running(JUDGE, "judge", json!("text"));
    let node = runbus::id::NodeId::new("n").unwrap();
    for expected in 2..=4 {
        let turn = Turn { text: "no object".into(), finish_reason: Some("stop".into()), ..Turn::default() };
        sim.apply(Fact::TurnCompleted { node: node.clone(), turn });
        let Decision::Record(fact) = sim.decide() else { panic!() };
        let Fact::TurnFailed { next_try, ref error, .. } = *fact else { panic!("{fact:?}") };
        assert_eq!((next_try, &error["code"]), (expected, &json!("invalid_output")));
        sim.apply(*fact);
        // A refused answer is no failed call: the call's tries begin anew.
        let Decision::Wait { effects, .. } = sim.decide() else { panic!() };
        let first_try = |effect: &Effect| matches!(effect, Effect::Model { attempt: 1, .. });
        assert!(effects.iter().all(first_try), "{effects:?}");
    }
}
