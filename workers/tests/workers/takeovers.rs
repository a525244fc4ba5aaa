//! Workers that die at any moment while branches of a graph run in parallel: the next one declares exactly the
//! unfinished output void, and readers keep exactly the journal's output.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;
use runbus::adapters::embedded::{Config, Embedded, Synchronous};
use runbus::bus::history::{Order, Query};
use runbus::bus::{Bus, Delivery, Filter};
use runbus::event::family::{execution, model, node};
use runbus::event::{Event, Kind, Payload};
use runbus::id::{EventId, ExecutionId, NodeId, SessionId, StreamId, WorkerId};
use runbus::labels::Labels;
use runbus::log::{Log, Sequence};
use runbus::session::command::{Action, Budget, Command, Multitask, Scheduling, Start};
use runbus::session::entry::Fact;
use runbus::session::journal::Journal;
use runbus::session::{ToolCall, Turn};
use runbus::store::Store;
use runbus::time::Clock;
use runbus::writer::Ticket;
use runbus_workers::session::events::{Events, delta_source};
use runbus_workers::session::projection::Reflected;
use serde_json::json;
use tokio_util::sync::CancellationToken;

const BRANCHES: [&str; 3] = ["a", "b", "c"];

/// The next step.
#[derive(Debug, Clone)]
enum Move {
    /// The model of a branch says so many pieces; it is asked first when it was not. A branch that does something else
    /// does the next thing of that.
    Go(usize, u8),
    /// The answer of a branch comes, with a call of a tool or as its last one.
    Answer(usize, bool),
    /// The call of a branch fails.
    Fail(usize),
    /// The worker dies: now, or between the next journal entry and its events; with or without its output in flight.
    Die { between: bool, at_once: bool },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let branch = || 0..BRANCHES.len();
    let one = prop_oneof![
        10 => (branch(), 1u8..6).prop_map(|(branch, pieces)| Move::Go(branch, pieces)),
        4 => (branch(), any::<bool>()).prop_map(|(branch, calls)| Move::Answer(branch, calls)),
        1 => branch().prop_map(Move::Fail),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(between, at_once)| Move::Die { between, at_once }),
    ];
    prop::collection::vec(one, 1..50)
}

fn node_id(branch: usize) -> NodeId {
    NodeId::new(BRANCHES[branch]).unwrap()
}

struct Sim {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    session: SessionId,
    worker: u32,
    journal: Journal,
    events: Option<Events>,
    stop: CancellationToken,
    /// The output of a branch's open call.
    said: BTreeMap<usize, String>,
    /// The facts of a branch before its model is asked again.
    todo: [VecDeque<Fact>; 3],
    visits: [u32; 3],
    last: Option<Ticket>,
    dies_between: bool,
}

impl Sim {
    async fn start(log: Arc<dyn Log>, store: Arc<dyn Store>) -> Self {
        let session = SessionId::new("s").unwrap();
        let journal = Journal::load(log.clone(), Clock::System, session.clone()).await.unwrap();
        let mut sim = Self {
            log,
            store,
            session,
            worker: 0,
            journal,
            events: None,
            stop: CancellationToken::new(),
            said: BTreeMap::new(),
            todo: std::array::from_fn(|_| VecDeque::new()),
            visits: [0; 3],
            last: None,
            dies_between: false,
        };
        sim.claim().await;
        let start = Start {
            execution_id: ExecutionId::new("e").unwrap(),
            stream_id: StreamId::new("s").unwrap(),
            definition: "flow".into(),
            input: json!("?"),
            correlation_id: None,
            multitask: Multitask::Enqueue,
            budget: Budget::default(),
            scheduling: Scheduling::default(),
            labels: Labels::default(),
            parent: None,
            resumes: false,
            trace: None,
        };
        let (id, at) = (EventId::derived("start"), Clock::System.now());
        let command = Some(Command { id, at, by: None, action: Action::Start(Box::new(start)) });
        let taken = Fact::CommandTaken { inbox: Sequence(1), stored_at: at, command };
        sim.journal.append(taken).await.unwrap();
        let begun = Fact::ExecutionStarted { execution_id: ExecutionId::new("e").unwrap(), definition: None };
        let (begun, _) = sim.journal.append(begun).await.unwrap();
        sim.open(Some(&begun)).await;
        for branch in 0..BRANCHES.len() {
            let begun = sim.begins(branch);
            sim.record(begun).await;
        }
        sim
    }

    fn begins(&mut self, branch: usize) -> Fact {
        self.visits[branch] += 1;
        Fact::NodeStarted {
            node: node_id(branch),
            visit: self.visits[branch],
            iteration: 1,
            opening: Vec::new(),
            converses: false,
            call: None,
        }
    }

    async fn claim(&mut self) {
        self.worker += 1;
        self.journal.claim(&WorkerId::new(format!("w{}", self.worker)).unwrap()).await.unwrap();
    }

    async fn open(&mut self, begun: Option<&runbus::session::entry::Entry>) {
        let (log, store) = (self.log.clone(), self.store.clone());
        let opened = Events::open(log, store, &self.session, &self.journal, begun, None, &self.stop);
        self.events = opened.await.unwrap();
        self.journal.forget();
    }

    /// The journal, then the events; unless the worker dies between.
    async fn record(&mut self, fact: Fact) {
        let (entry, changes) = self.journal.append(fact).await.unwrap();
        if std::mem::take(&mut self.dies_between) {
            return self.die(false).await;
        }
        let index = self.journal.state.entries - 1;
        let reflected = Reflected { entry: &entry, index, changes: &changes, void_from: None };
        let events = self.events.as_mut().unwrap();
        events.reflect(&self.journal.state, None, reflected).await.unwrap();
    }

    async fn die(&mut self, at_once: bool) {
        if let Some(last) = self.last.take().filter(|_| !at_once) {
            last.durable().await.unwrap();
        }
        self.stop.cancel();
        self.stop = CancellationToken::new();
        self.said.clear();
        self.journal = Journal::load(self.log.clone(), Clock::System, self.session.clone()).await.unwrap();
        self.claim().await;
        self.open(None).await;
    }

    async fn write(&mut self, event: Event) {
        self.last = Some(self.events.as_ref().unwrap().deltas().write(&event).await.unwrap());
    }

    async fn go(&mut self, branch: usize, pieces: u8) {
        if let Some(fact) = self.todo[branch].pop_front() {
            return self.record(fact).await;
        }
        let source = delta_source(&self.session, self.journal.state.running().unwrap(), &node_id(branch));
        if let Entry::Vacant(asked) = self.said.entry(branch) {
            asked.insert(String::new());
            self.write(source.node_loop_iteration(node::LoopIteration { iteration: 1, message_id: None }))
                .await;
        }
        for piece in 0..pieces {
            let content = format!("{}{branch}{piece} ", self.worker);
            self.said.get_mut(&branch).unwrap().push_str(&content);
            self.write(source.llm_text_delta(model::TextDelta { content, snapshot: None })).await;
        }
    }

    async fn answer(&mut self, branch: usize, calls: bool) {
        let Some(text) = self.said.remove(&branch) else { return };
        if let Some(last) = self.last.take() {
            last.durable().await.unwrap();
        }
        let (node, id, name) = (node_id(branch), "t".to_owned(), "tool".to_owned());
        let call = ToolCall::new(id.clone(), name.clone(), "{}");
        let tool_calls: Vec<ToolCall> = calls.then(|| call.clone()).into_iter().collect();
        let turn = Turn { text, tool_calls, ..Turn::default() };
        if calls {
            let ended = Fact::ToolCompleted {
                node: node.clone(),
                call_id: id,
                name,
                result: "r".into(),
                is_error: false,
                media: Vec::new(),
            };
            self.todo[branch].extend([Fact::ToolsStarted { node: node.clone(), calls: vec![call] }, ended]);
        } else {
            let left = Fact::NodeCompleted {
                node: node.clone(),
                output: json!("o"),
                rounds: 1,
                arrivals: Vec::new(),
                judgement: runbus::session::entry::Judgement::default(),
            };
            let again = self.begins(branch);
            self.todo[branch].extend([left, again]);
        }
        self.record(Fact::TurnCompleted { node, turn }).await;
    }

    async fn act(&mut self, next: Move) {
        match next {
            Move::Go(branch, pieces) => self.go(branch, pieces).await,
            Move::Answer(branch, calls) => self.answer(branch, calls).await,
            Move::Fail(branch) => {
                if self.said.remove(&branch).is_some() {
                    let (node, error) = (node_id(branch), json!({ "code": "x" }));
                    let failed = Fact::TurnFailed {
                        node,
                        error,
                        next_try: 2,
                        delay_ms: 0,
                        correction: None,
                        fallback: None,
                        message_id: None,
                    };
                    self.record(failed).await;
                }
            }
            Move::Die { between: true, .. } => self.dies_between = true,
            Move::Die { at_once, .. } => self.die(at_once).await,
        }
    }
}

/// The output of calls that nothing closed, and the place of its first event.
type Open = BTreeMap<NodeId, (u64, String)>;

/// Reads the log as a client does.
fn check(found: Vec<Delivery>) -> Result<(), TestCaseError> {
    let mut open = Open::new();
    for (next, delivery) in (0..).zip(found) {
        let Delivery::Event(found) = delivery else { return Err(TestCaseError::fail("no event")) };
        let (event, seq) = (&found.event, found.seq);
        prop_assert_eq!(seq, next, "a hole or a double");
        let node = event.node_id.clone();
        if matches!(event.kind, Kind::NodeLoopIteration | Kind::LlmTextDelta) {
            open.entry(node.clone().unwrap()).or_insert((seq, String::new()));
        }
        match event.payload().unwrap() {
            Payload::LlmTextDelta(delta) => open.get_mut(&node.unwrap()).unwrap().1 += &delta.content,
            Payload::LlmTurnCompleted(turn) => {
                let (_, text) = open.remove(&node.unwrap()).unwrap();
                prop_assert_eq!(Some(text).filter(|text| !text.is_empty()), turn.content);
            }
            Payload::LlmRetry(_) => _ = open.remove(&node.unwrap()),
            Payload::AttemptSuperseded(execution::AttemptSuperseded { void_from, .. }) => {
                prop_assert_eq!(void_from, open.values().map(|(first, _)| *first).min(), "at {}", seq);
                open.clear();
            }
            _ => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn unfinished_output_is_void_and_no_other(moves in moves()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let found = runtime.block_on(async {
            let config = Config {
                data_dir: folder.path().into(),
                synchronous: Synchronous::Normal,
                ..Config::default()
            };
            let opened = Embedded::open(&config, Clock::System).unwrap();
            let log: Arc<dyn Log> = opened.log;
            let store: Arc<dyn Store> = opened.store;
            let mut sim = Sim::start(log.clone(), store.clone()).await;
            for next in moves {
                sim.act(next).await;
            }
            sim.die(false).await;
            sim.stop.cancel();
            let filter = Filter::execution(ExecutionId::new("e").unwrap());
            let query = Query { filter, order: Order::Oldest, limit: 10_000, ..Query::default() };
            Bus::new(log, store).history(&query).await.unwrap().events
        });
        check(found)?;
    }
}
