//! Journals with checkpoints: where readers begin, and what happens when something is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;

use super::{Control, DecideRequest};
use crate::adapters::embedded::{Config, Embedded};
use crate::bus::Bus;
use crate::id::{EventId, ExecutionId, NodeId, SessionId, StreamId, WorkerId};
use crate::labels::Labels;
use crate::log::{AppendError, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail};
use crate::session::approval::{Requested, Schemas, digest};
use crate::session::checkpoint::{FORMAT, Rule};
use crate::session::command::{Action, Budget, Command, Multitask, Scheduling, Start};
use crate::session::entry::{Entry, Fact, Judgement, Outcome, Part};
use crate::session::journal::{Error, Journal};
use crate::session::{Message, ToolCall, Turn};
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use crate::time::Clock;

/// Small enough that a few turns need several segments, and a checkpoint several parts.
const RULE: Rule = Rule {
    entries: 30,
    bytes: 1 << 20,
    park_entries: 15,
    park_bytes: 1 << 20,
    messages_bytes: 200,
    segment_bytes: 500,
    part_bytes: 700,
    entry_bytes: usize::MAX,
};

/// A log that counts the pages of journals that are read, and shows nothing of them before a place.
#[derive(Debug)]
struct Trimmed {
    log: Arc<dyn Log>,
    from: Sequence,
    pages: AtomicUsize,
}

#[async_trait]
impl Log for Trimmed {
    fn layout(&self) -> Arc<Layout> {
        self.log.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.log.append(topic, frame, expect).await
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        if read.scope.lane() != Lane::Journal {
            return self.log.read(read).await;
        }
        self.pages.fetch_add(1, Ordering::Relaxed);
        let from = read.from.max(self.from);
        let mut page = self.log.read(&Read { from, ..read.clone() }).await?;
        page.frames.retain(|stored| stored.sequence >= self.from);
        Ok(page)
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.log.last(key).await
    }
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.log.tail(scope).await
    }
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.log.bounds(lane, shard).await
    }
    async fn ready(&self) -> Result<(), ReadError> {
        self.log.ready().await
    }
}

struct World {
    embedded: Embedded,
    session: SessionId,
    turns: AtomicUsize,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        let embedded = Embedded::open(&config, Clock::System).unwrap();
        let (session, turns) = (SessionId::new("talk").unwrap(), AtomicUsize::new(0));
        Self { embedded, session, turns, _folder: folder }
    }

    fn trimmed(&self, from: Sequence) -> Arc<Trimmed> {
        Arc::new(Trimmed { log: self.embedded.log.clone(), from, pages: AtomicUsize::new(0) })
    }

    fn control(&self, log: Arc<dyn Log>) -> Control {
        Control::new(Bus::new(log, self.embedded.store.clone()), self.embedded.queue.clone(), Clock::System)
    }

    async fn load(&self, log: Arc<dyn Log>) -> Journal {
        let mut journal = Journal::load(log, Clock::System, self.session.clone()).await.unwrap();
        journal.rule = RULE;
        journal
    }

    async fn owner(&self, name: &str) -> Journal {
        let mut journal = self.load(self.embedded.log.clone()).await;
        journal.claim(&WorkerId::new(name).unwrap()).await.unwrap();
        journal
    }

    /// The knowledge of a reader that folds every entry.
    async fn whole(&self) -> Journal {
        let log = self.embedded.log.clone();
        Journal::load_whole(log, Clock::System, self.session.clone()).await.unwrap()
    }

    /// A reader that begins at the newest checkpoint knows the same.
    async fn same(&self) -> Journal {
        let mut journal = self.load(self.embedded.log.clone()).await;
        let loaded = journal.loaded.len();
        journal.load_messages(true).await.unwrap();
        let whole = self.whole().await;
        assert_eq!(journal.state, whole.state);
        assert!(loaded <= whole.loaded.len());
        assert_eq!(journal.loaded[..], whole.loaded[whole.loaded.len() - loaded..]);
        assert_eq!(journal.beginning().entries, (whole.loaded.len() - loaded) as u64);
        journal
    }

    /// Writes entries as versions without checkpoints do. `end`: where the journal ends, and how many entries it has.
    async fn older(&self, facts: Vec<Fact>, end: &mut (Option<Sequence>, u64)) {
        let topic = Topic::Journal(self.session.clone());
        for fact in facts {
            let entry = Entry { at: Clock::System.now(), checkpoint: None, fact };
            let frame = Frame::owned(1, end.1, 0, &[entry.encode().unwrap()]);
            let place = self.embedded.log.append(&topic, &frame, Expect::Last(end.0)).await.unwrap();
            *end = (Some(place), end.1 + 1);
        }
    }

    /// Where the journal ends.
    async fn end(&self) -> Sequence {
        let key = Key::Journal(self.session.clone());
        self.embedded.log.last(&key).await.unwrap().unwrap().sequence
    }

    /// So many turns more, parked after each.
    async fn talk(&self, turns: usize) -> Journal {
        let mut journal = self.owner("w").await;
        let worker = WorkerId::new("w").unwrap();
        for _ in 0..turns {
            let turn = self.turns.fetch_add(1, Ordering::Relaxed);
            if journal.state.owner.is_none() {
                journal.claim(&worker).await.unwrap();
            }
            for fact in facts(turn) {
                journal.append(fact).await.unwrap();
                journal.checkpoint(false).await.unwrap();
            }
            journal.checkpoint(true).await.unwrap();
            journal.append(Fact::Released { wake_at: None }).await.unwrap();
        }
        journal
    }
}

fn id(turn: usize) -> ExecutionId {
    ExecutionId::new(format!("run-{turn}")).unwrap()
}

fn node() -> NodeId {
    NodeId::new("agent").unwrap()
}

fn start(turn: usize) -> Start {
    Start {
        execution_id: id(turn),
        stream_id: StreamId::new("s").unwrap(),
        definition: "agent".into(),
        input: json!({ "n": [turn, 0.1] }),
        correlation_id: None,
        multitask: Multitask::Enqueue,
        budget: Budget::default(),
        scheduling: Scheduling::default(),
        labels: Labels::default(),
        parent: None,
        resumes: false,
        trace: None,
    }
}

fn begin(turn: usize) -> Vec<Fact> {
    let at = Clock::System.now();
    let command = Command {
        id: EventId::derived(&format!("c{turn}")),
        at,
        by: None,
        action: Action::Start(Box::new(start(turn))),
    };
    vec![
        // None of them is in the inbox.
        Fact::CommandTaken { inbox: Sequence(0), stored_at: at, command: Some(command) },
        Fact::ExecutionStarted {
            execution_id: id(turn),
            definition: Some(Arc::new(json!({ "kind": "agent" }))),
        },
        Fact::NodeStarted {
            node: node(),
            visit: 1,
            iteration: 1,
            opening: vec![Message::system("be brief"), Message::user(format!("question {turn} \u{e9}\"\\"))],
            converses: true,
            call: None,
        },
    ]
}

/// The entries of a turn: some end badly, some fold what was said before into a note.
fn facts(turn: usize) -> Vec<Fact> {
    let mut facts = begin(turn);
    let call = ToolCall::new(format!("call-{turn}"), "look", "{}");
    let calling = Turn { tool_calls: vec![call.clone()], ..Turn::default() };
    facts.push(Fact::TurnCompleted { node: node(), turn: calling });
    facts.push(Fact::ToolsStarted { node: node(), calls: vec![call.clone()] });
    facts.push(Fact::ToolCompleted {
        node: node(),
        call_id: call.id,
        name: call.name,
        result: "found".into(),
        is_error: false,
        media: Vec::new(),
    });
    if turn % 7 == 6 {
        let (from, to) = ((turn - 6) * 4 + turn / 7, turn * 4 + turn / 7);
        facts.push(Fact::Compacted {
            node: node(),
            from,
            to,
            note: format!("note {turn}"),
            tokens_before: 9,
            tokens_after: 1,
            usage: None,
        });
    }
    let said =
        Turn { text: format!("answer {turn}"), message_id: Some(format!("m{turn}")), ..Turn::default() };
    facts.push(Fact::TurnCompleted { node: node(), turn: said });
    facts.push(Fact::NodeCompleted {
        node: node(),
        output: json!("done"),
        rounds: 2,
        arrivals: Vec::new(),
        judgement: Judgement::default(),
    });
    let outcome = match turn % 5 {
        4 => Outcome::failed("x", "y"),
        _ => Outcome::Completed { output: json!("done") },
    };
    facts.push(Fact::ExecutionEnded { outcome });
    facts
}

#[tokio::test]
async fn a_reader_begins_at_the_newest_checkpoint_and_knows_what_every_entry_says() {
    let world = World::new();
    for turns in [1, 1, 3, 20, 1] {
        world.talk(turns).await;
        world.same().await;
    }
    let journal = world.same().await;
    let (behind, all) = (journal.loaded.len() as u64, journal.state.entries);
    assert!(behind < RULE.entries + 20 && all > 5 * behind, "{behind} of {all} entries are read");
    let control = world.control(world.embedded.log.clone());
    let messages = control.messages(&world.session, true).await.unwrap();
    let (mut paged, mut from) = (Vec::new(), Some(0));
    while let Some(at) = from {
        let (some, next) = control.some_messages(&world.session, true, at, 300).await.unwrap();
        assert!(!some.is_empty());
        paged.extend(some);
        from = next;
    }
    assert_eq!(paged, messages);
    assert_eq!(messages.len(), 26 * 4 + 3, "four messages a turn, and the notes");
    let live = control.messages(&world.session, false).await.unwrap();
    let known = control.session(&world.session).await.unwrap();
    assert_eq!(live.len(), known.messages);
    assert!(live.len() < messages.len() / 2);
}

/// The store decides nothing: a fresh one is as good.
#[tokio::test]
async fn a_wiped_store_changes_nothing() {
    let world = World::new();
    world.talk(12).await;
    let other = World::new();
    let bus = Bus::new(world.embedded.log.clone(), other.embedded.store.clone());
    let fresh = Control::new(bus, other.embedded.queue.clone(), Clock::System);
    let usual = world.control(world.embedded.log.clone());
    assert_eq!(fresh.session(&world.session).await.unwrap(), usual.session(&world.session).await.unwrap());
    assert_eq!(fresh.messages(&world.session, true).await.unwrap().len(), 12 * 4 + 1);
}

#[tokio::test]
async fn everything_before_the_first_place_that_a_checkpoint_needs_may_go() {
    let world = World::new();
    world.talk(25).await;
    let whole = world.control(world.embedded.log.clone()).messages(&world.session, true).await.unwrap();
    let journal = world.load(world.embedded.log.clone()).await;
    let needed = journal.needed_from().expect("there is a checkpoint");
    assert!(needed > Sequence(20), "messages are written anew from time to time: {needed}");
    let trimmed = world.trimmed(needed);
    let mut left = world.load(trimmed.clone()).await;
    assert_eq!(left.state, journal.state);
    assert_eq!(world.control(trimmed.clone()).messages(&world.session, true).await.unwrap(), whole);
    // Readers that begin at the first entry that is there find the state too.
    let first = Journal::load_whole(trimmed.clone(), Clock::System, world.session.clone()).await.unwrap();
    assert_eq!(first.state.entries, journal.state.entries);
    left.claim(&WorkerId::new("next").unwrap()).await.unwrap();
    left.append(Fact::Released { wake_at: None }).await.unwrap();
    assert_eq!(world.load(trimmed).await.state, left.state);
    world.same().await;
    // One more, and messages are missing: that is said, and the session is read all the same.
    let too_much = world.trimmed(needed.next());
    assert_eq!(world.load(too_much.clone()).await.state.entries, left.state.entries);
    let lost = world.control(too_much).messages(&world.session, true).await;
    assert!(lost.is_err(), "{lost:?}");
    let nothing = world.trimmed(world.end().await);
    let none = Journal::load(nothing, Clock::System, world.session.clone()).await;
    assert!(matches!(none, Err(Error::Broken(_))), "{none:?}");
}

#[tokio::test]
async fn an_owner_may_die_behind_a_checkpoint_or_within_one() {
    let world = World::new();
    let mut owner = world.talk(9).await;
    owner.claim(&WorkerId::new("w").unwrap()).await.unwrap();
    for fact in facts(9).into_iter().take(5) {
        owner.append(fact).await.unwrap();
    }
    // Behind: the last entry is the checkpoint's last part.
    owner.rule.entries = 1;
    owner.checkpoint(false).await.unwrap();
    let found = world.same().await;
    assert!(matches!(found.loaded.last().unwrap().fact, Fact::Checkpoint(_)));
    let parts = found.loaded.len();
    assert!(parts > 1 && found.loaded.iter().all(|entry| matches!(entry.fact, Fact::Checkpoint(_))));
    // Within: the one before counts.
    let part = |part| Part { format: FORMAT, part, parts: 3, first: None, text: "{".into() };
    owner.append(Fact::Messages(part(0))).await.unwrap();
    owner.append(Fact::Checkpoint(part(0))).await.unwrap();
    owner.append(Fact::Checkpoint(part(1))).await.unwrap();
    let found = world.same().await;
    assert_eq!(found.loaded.len(), parts + 3);
    // The next owner goes on, and the dead one is fenced.
    let mut next = world.owner("next").await;
    assert!(matches!(owner.checkpoint(false).await, Err(Error::Fenced)));
    assert!(next.state.fruitless > 0);
    next.rule.park_entries = 1;
    let entries = next.state.entries;
    next.checkpoint(true).await.unwrap();
    assert_eq!(next.state.entries, entries, "a takeover without a step forward stays counted");
    next.append(Fact::ExecutionEnded { outcome: Outcome::Cancelled { reason: None } }).await.unwrap();
    next.checkpoint(true).await.unwrap();
    assert!(next.state.entries > entries + 1);
    world.same().await;
}

#[tokio::test]
async fn journals_of_versions_without_checkpoints_are_read() {
    let world = World::new();
    let mut end = (None, 0);
    let claimed = Fact::Claimed { worker: WorkerId::new("old").unwrap(), epoch: 1 };
    world.older(vec![claimed], &mut end).await;
    for turn in 0..120 {
        world.older(facts(turn), &mut end).await;
    }
    let found = world.same().await;
    assert_eq!((found.needed_from(), found.loaded.len() as u64), (None, end.1));
    assert!(end.1 > 1024, "long enough to be looked through backward");
    // A version with checkpoints, and the older one again.
    let mut owner = world.owner("new").await;
    owner.append(facts(200).remove(0)).await.unwrap();
    owner.append(Fact::Notified { notice: "x".into() }).await.unwrap();
    owner.checkpoint(true).await.unwrap();
    assert!(owner.needed_from().is_some());
    let found = world.same().await;
    assert!((found.loaded.len() as u64) < end.1 / 2);
    end = (Some(world.end().await), owner.state.entries);
    world.older(vec![Fact::Released { wake_at: None }], &mut end).await;
    let found = world.same().await;
    assert!((found.loaded.len() as u64) < end.1 / 2, "it is found behind an older version's entries");
    // The older one reads the new entries as ones that it does not know.
    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(tag = "entry", rename_all = "snake_case")]
    enum Older {
        Released {},
        #[serde(other)]
        Unknown,
    }
    #[derive(serde::Deserialize)]
    struct OlderEntry {
        #[serde(flatten)]
        fact: Older,
    }
    let part = Part { format: FORMAT, part: 0, parts: 1, first: None, text: "{}".into() };
    for (fact, read) in [
        (Fact::Checkpoint(part.clone()), Older::Unknown),
        (Fact::Messages(part), Older::Unknown),
        (Fact::Released { wake_at: None }, Older::Released {}),
    ] {
        let entry = Entry { at: Clock::System.now(), checkpoint: Some(Sequence(7)), fact };
        let older: OlderEntry = serde_json::from_slice(&entry.encode().unwrap()).unwrap();
        assert_eq!(older.fact, read);
    }
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_read_costs_time_and_nothing_else() {
    let world = World::new();
    let mut owner = world.talk(9).await;
    for (format, text) in [(FORMAT + 1, "{}"), (FORMAT, "{}"), (FORMAT, "nonsense")] {
        let part = Part { format, part: 0, parts: 1, first: None, text: text.into() };
        owner.append(Fact::Checkpoint(part)).await.unwrap();
        let found = world.load(world.embedded.log.clone()).await;
        assert_eq!(found.state, world.whole().await.state);
    }
    // The checkpoints before it count when the beginning is gone.
    let trimmed = world.trimmed(Sequence(2));
    let mut found = world.load(trimmed).await;
    found.load_messages(true).await.unwrap();
    assert_eq!(found.state, world.whole().await.state);
}

#[tokio::test]
async fn a_decision_reads_the_journal_once() {
    let world = World::new();
    let mut owner = world.talk(9).await;
    owner.claim(&WorkerId::new("w").unwrap()).await.unwrap();
    let call = ToolCall::new("wire-1", "wire", "{}");
    let approval_id = super::address(&world.session, "wire-1");
    let requested = Requested {
        approval_id: approval_id.clone(),
        call_id: call.id.clone(),
        tool_name: call.name.clone(),
        arguments_digest: digest(&json!({})),
        arguments: json!({}),
        expires_at: None,
    };
    let schemas =
        Schemas::of_tools([("wire".to_owned(), Arc::new(json!({ "type": "object", "required": ["sum"] })))]);
    let mut facts = begin(9);
    facts
        .push(Fact::TurnCompleted { node: node(), turn: Turn { tool_calls: vec![call], ..Turn::default() } });
    facts.push(Fact::ApprovalsRequested { node: node(), approvals: vec![requested], schemas });
    for fact in facts {
        owner.append(fact).await.unwrap();
    }
    owner.rule.park_entries = 1;
    owner.checkpoint(true).await.unwrap();
    owner.append(Fact::Released { wake_at: None }).await.unwrap();
    let found = world.same().await;
    assert!(found.loaded.iter().all(|entry| !matches!(entry.fact, Fact::ApprovalsRequested { .. })));

    let log = world.trimmed(Sequence(0));
    let control = world.control(log.clone());
    let edited = DecideRequest { approved: true, arguments: Some(json!({})), ..DecideRequest::default() };
    let refused = control.decide(&approval_id, edited, None).await.unwrap_err();
    assert_eq!(refused.code(), "invalid_argument", "the schema of the tool is in the checkpoint: {refused}");
    log.pages.store(0, Ordering::Relaxed);
    let yes = DecideRequest { approved: true, ..DecideRequest::default() };
    let decided = control.decide(&approval_id, yes.clone(), None).await.unwrap();
    assert_eq!(decided.approval.unwrap().approved, Some(true));
    assert_eq!(log.pages.load(Ordering::Relaxed), 1);
    let again = control.decide(&approval_id, yes, None).await.unwrap_err();
    assert_eq!(again.code(), "conflict");
}
