//! Void output when workers die while branches of a graph run in parallel: the log, a reader that follows the
//! documented rules, and snapshots taken at any point agree.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{At, Snapshot};
use crate::event::family::{client, execution, model, node};
use crate::event::{Event, Payload, Source};
use crate::id::{EventId, ExecutionId, NodeId, StreamId};
use crate::log::{Cursor, Epoch, Place, Sequence};
use crate::subject::Shard;
use crate::time::{Clock, Timestamp};

const BRANCHES: [&str; 4] = ["a", "b", "c", "d"];

/// The next step of one branch, or of the worker.
#[derive(Debug, Clone)]
enum Move {
    /// The model of a branch says a piece; it is asked first when it was not.
    Say(usize, String),
    /// The answer of a branch is journalled.
    Answer(usize),
    /// The call of a branch fails and is to be made again.
    Fail(usize),
    /// The branch ends, and begins again.
    Pass(usize),
    /// The worker dies; another one takes over.
    Takeover,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let branch = || 0..BRANCHES.len();
    let one = prop_oneof![
        12 => (branch(), "[a-z ü€]{1,5}").prop_map(|(branch, piece)| Move::Say(branch, piece)),
        4 => branch().prop_map(Move::Answer),
        1 => branch().prop_map(Move::Fail),
        1 => branch().prop_map(Move::Pass),
        2 => Just(Move::Takeover),
    ];
    prop::collection::vec(one, 1..80)
}

/// Answers of branches, and the texts of their open calls.
#[derive(Debug, Clone, Default, PartialEq)]
struct Texts {
    done: Vec<(String, String)>,
    open: BTreeMap<String, String>,
}

/// A worker as readers see it, with its real state.
#[derive(Default)]
struct Worker {
    attempts: u32,
    /// Each event with the real state once it is there.
    events: Vec<(Event, Texts)>,
    truth: Texts,
    /// The first event of each call that is under way.
    asked: BTreeMap<usize, u64>,
}

impl Worker {
    fn emit(&mut self, branch: Option<usize>, payload: impl Into<Payload>) {
        let (stream, clock) = (StreamId::new("s").unwrap(), Clock::at(Timestamp::from_micros(1)));
        let mut source = Source::execution(stream, ExecutionId::new("e").unwrap(), clock);
        source.node_id = branch.map(|branch| NodeId::new(BRANCHES[branch]).unwrap());
        source.attempt = Some(self.attempts + 1);
        let id = EventId::derived(&self.events.len().to_string());
        self.events.push((source.event_with_id(id, payload.into()), self.truth.clone()));
    }

    fn ask(&mut self, branch: usize) {
        if !self.asked.contains_key(&branch) {
            self.asked.insert(branch, self.events.len() as u64);
            self.emit(Some(branch), node::LoopIteration { iteration: 1, message_id: None });
        }
    }

    fn act(&mut self, next: Move) {
        match next {
            Move::Say(branch, content) => {
                self.ask(branch);
                self.truth.open.entry(BRANCHES[branch].into()).or_default().push_str(&content);
                let payload: Payload = match branch {
                    0 => client::OutputDelta { content, snapshot: None }.into(),
                    _ => model::TextDelta { content, snapshot: None }.into(),
                };
                self.emit(Some(branch), payload);
            }
            Move::Answer(branch) => {
                self.ask(branch);
                let text = self.truth.open.remove(BRANCHES[branch]).unwrap_or_default();
                self.truth.done.push((BRANCHES[branch].into(), text.clone()));
                self.asked.remove(&branch);
                let completed = model::TurnCompleted {
                    content: (!text.is_empty()).then_some(text),
                    ..model::TurnCompleted::default()
                };
                self.emit(Some(branch), completed);
            }
            Move::Fail(branch) => {
                self.truth.open.remove(BRANCHES[branch]);
                self.asked.remove(&branch);
                self.emit(Some(branch), model::Retry { next_try: 2, ..model::Retry::default() });
            }
            Move::Pass(branch) => {
                if !self.asked.contains_key(&branch) {
                    self.emit(Some(branch), node::LoopCompleted { iterations: 1 });
                    self.emit(Some(branch), node::LoopStarted { max_iterations: None, iteration: Some(1) });
                }
            }
            Move::Takeover => {
                self.attempts += 1;
                let void_from = self.asked.values().min().copied();
                self.asked.clear();
                self.truth.open.clear();
                let superseded = execution::AttemptSuperseded {
                    superseded_attempt: self.attempts,
                    attempt: self.attempts + 1,
                    void_from,
                    reason: "gone".into(),
                };
                self.emit(None, superseded);
            }
        }
    }
}

/// A reader that knows nothing but the rules of `docs/events.md`.
#[derive(Default)]
struct Reader {
    done: Vec<(String, String)>,
    open: BTreeMap<String, (u64, String)>,
}

impl Reader {
    fn read(&mut self, seq: u64, event: &Event) {
        let node = event.node_id.as_ref().map(ToString::to_string).unwrap_or_default();
        match event.payload().unwrap() {
            Payload::LlmTextDelta(model::TextDelta { content, .. })
            | Payload::ClientOutputDelta(client::OutputDelta { content, .. }) => {
                let (last, text) = self.open.entry(node).or_default();
                *last = seq;
                text.push_str(&content);
            }
            Payload::LlmTurnCompleted(_) => {
                let text = self.open.remove(&node).map(|(_, text)| text).unwrap_or_default();
                self.done.push((node, text));
            }
            Payload::LlmRetry(_) => _ = self.open.remove(&node),
            Payload::AttemptSuperseded(execution::AttemptSuperseded { void_from: Some(from), .. }) => {
                self.open.retain(|_, (last, _)| *last < from);
            }
            _ => {}
        }
    }

    fn texts(&self) -> Texts {
        let open = self.open.iter().map(|(node, (_, text))| (node.clone(), text.clone()));
        Texts { done: self.done.clone(), open: open.collect() }
    }
}

/// The texts that a client with only the snapshot shows.
fn shown(snapshot: &Snapshot) -> Texts {
    let mut texts = Texts::default();
    for turn in &snapshot.turns {
        let (node, text) = (turn.node_id.as_ref().unwrap().to_string(), &turn.text.content);
        let text = format!("{}{text}", turn.output.content);
        if turn.done {
            texts.done.push((node, text));
        } else {
            texts.open.insert(node, text);
        }
    }
    texts
}

/// Turns in a snapshot stand in the order in which they began, answers in the order in which they came.
fn by_branch(mut texts: Texts) -> Texts {
    texts.done.sort_by(|a, b| a.0.cmp(&b.0));
    texts
}

fn apply(snapshot: &mut Snapshot, seq: u64, event: &Event) {
    let cursor = Cursor::start().with(Shard(0), Place::after(Epoch(1), Sequence(seq + 1)));
    snapshot.apply(event, At { seq, merged: 1, external: false, cursor: &cursor });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn branches_that_ended_stay_and_the_others_are_void(moves in moves(), cut in 0usize..200) {
        let mut worker = Worker::default();
        moves.into_iter().for_each(|next| worker.act(next));
        let (mut watched, mut reader) = (Snapshot::begin(Cursor::start(), true), Reader::default());
        let mut joined: Option<Snapshot> = None;
        for ((seq, (event, truth)), at) in (0..).zip(&worker.events).zip(0usize..) {
            reader.read(seq, event);
            apply(&mut watched, seq, event);
            prop_assert_eq!(&reader.texts(), truth, "a reader, behind {}", seq);
            prop_assert_eq!(by_branch(shown(&watched)), by_branch(truth.clone()), "a snapshot, behind {}", seq);
            match &mut joined {
                // A client that joins here has the snapshot as JSON.
                None if at == cut % worker.events.len() => {
                    joined = serde_json::from_str(&serde_json::to_string(&watched).unwrap()).unwrap();
                }
                None => {}
                Some(joined) => apply(joined, seq, event),
            }
            if let Some(joined) = &joined {
                prop_assert_eq!(joined, &watched, "joined, behind {}", seq);
            }
        }
    }
}
