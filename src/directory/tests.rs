//! The lists on an embedded bus: what is listed, in which order, for whom, and how it comes to be the same again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::json;

use super::entry::{ApprovalStatus, ExecutionEntry, QuestionStatus};
use super::{Bounds, Directory, Error, Everything, Listing, Query, Seen, Streams, Visibility};
use crate::adapters::embedded::{Config, Embedded};
use crate::bus::Bus;
use crate::bus::history::Order;
use crate::event::family::{client, execution, model, node, session, tool};
use crate::event::{Event, Source};
use crate::execution::Status;
use crate::id::{CorrelationId, ExecutionId, NodeId, SessionId, StreamId};
use crate::limits;
use crate::log::{self, AppendError, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail};
use crate::session::above::Above;
use crate::session::view::SessionStatus;
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use crate::time::{Clock, Timestamp};

const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    bus: Bus,
    directory: Directory,
    _folder: tempfile::TempDir,
}

fn directory(bus: &Bus, max_entries: u64, keep: Duration) -> Directory {
    Directory::new(bus.clone(), Clock::System, Bounds { max_entries, keep })
}

const LONG: Duration = Duration::from_secs(3600);

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        let embedded = Embedded::open(&config, Clock::System).unwrap();
        let bus = Bus::new(embedded.log, embedded.store);
        Self { directory: directory(&bus, 1000, LONG), bus, _folder: folder }
    }

    async fn own(&self, event: Event) {
        self.bus.record(event).await.unwrap();
    }

    async fn theirs(&self, event: Event) {
        self.bus.publish(event).await.unwrap();
    }

    async fn caught_up(&self) {
        self.directory.catch_up(PATIENCE).await.unwrap();
        assert!(self.directory.standing().await.unwrap().is_complete);
    }

    async fn list(&self, query: &Query) -> Listing<ExecutionEntry> {
        self.directory.executions(query, &Everything).await.unwrap()
    }

    /// Ids of all pages.
    async fn ids(&self, query: Query, visibility: &dyn Visibility) -> Vec<String> {
        let (mut query, mut ids) = (query, Vec::new());
        loop {
            let page = self.directory.executions(&query, visibility).await.unwrap();
            assert!(page.entries.len() <= query.limit);
            ids.extend(page.entries.iter().map(|entry| entry.execution_id.to_string()));
            let Some(next) = page.next else { return ids };
            query.cursor = Some(next);
        }
    }
}

fn all(limit: usize) -> Query {
    Query { limit, counts: true, ..Query::default() }
}

fn run(stream: &str, id: &str) -> Source {
    let session_id = Some(SessionId::new(format!("s-{id}")).unwrap());
    Source {
        session_id,
        ..Source::execution(StreamId::new(stream).unwrap(), ExecutionId::new(id).unwrap(), Clock::System)
    }
}

fn queued(definition: &str) -> execution::Queued {
    execution::Queued { definition: Some(definition.into()), ..execution::Queued::default() }
}

fn started(input: &str) -> execution::Started {
    execution::Started { input: json!(input), definition: None }
}

fn completed() -> execution::Completed {
    execution::Completed { output: json!("x".repeat(5000)) }
}

/// A log whose first page takes longer than the time between two renewals of the lease.
#[derive(Debug)]
struct SlowLog(Arc<dyn Log>, AtomicBool);

#[async_trait]
impl Log for SlowLog {
    fn layout(&self) -> Arc<Layout> {
        self.0.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.0.append(topic, frame, expect).await
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        if !self.1.swap(true, Ordering::Relaxed) {
            tokio::time::sleep(limits::INDEX_LEASE / 3 + Duration::from_millis(100)).await;
        }
        self.0.read(read).await
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.0.last(key).await
    }
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.0.tail(scope).await
    }
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<log::Bounds, ReadError> {
        self.0.bounds(lane, shard).await
    }
    async fn ready(&self) -> Result<(), ReadError> {
        self.0.ready().await
    }
}

/// A process that only looks holds no lease. The time of its renewal must not keep it from reading.
#[tokio::test]
async fn a_catch_up_that_outlasts_the_lease_ends() {
    let mut world = World::new();
    world.own(run("s", "first").execution_queued(queued("d"))).await;
    let slow = Arc::new(SlowLog(world.bus.log().clone(), AtomicBool::new(false)));
    let bus = Bus::new(slow, world.bus.store().clone());
    world.directory = directory(&bus, 1000, LONG);
    // It ends by its own patience, as if nothing were wrong: the list tells.
    world.directory.catch_up(limits::INDEX_LEASE).await.unwrap();
    assert!(world.directory.standing().await.unwrap().is_complete);
}

/// Nobody followed the log for a while: until the next one has read it, the lists lack something.
#[tokio::test]
async fn lists_are_incomplete_while_what_was_missed_is_read() {
    let mut world = World::new();
    world.directory = directory(&world.bus, 100_000, LONG);
    world.own(run("s", "first").execution_queued(queued("d"))).await;
    world.caught_up().await;
    let missed: Vec<Event> =
        (0..5_000).map(|n| run("s", &format!("run-{n}")).execution_queued(queued("d"))).collect();
    for batch in missed.chunks(500) {
        for answer in world.bus.publish_batch(batch.to_vec()).await.unwrap() {
            answer.unwrap();
        }
    }
    let looking = async {
        while world.directory.standing().await.unwrap().is_complete {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = looking => {}
        done = world.directory.catch_up(PATIENCE) => panic!("it was complete all the time: {done:?}"),
    }
    world.caught_up().await;
}

#[tokio::test]
async fn executions_are_listed_newest_first_in_pages() {
    let world = World::new();
    let mut expected = Vec::new();
    for n in 0..23 {
        let source = run("s", &format!("run-{n:02}"));
        world.own(source.execution_queued(queued("d"))).await;
        if n % 2 == 0 {
            world.own(source.execution_started(started("hi"))).await;
        }
        expected.insert(0, format!("run-{n:02}"));
    }
    world.caught_up().await;
    assert_eq!(world.ids(all(5), &Everything).await, expected);
    let oldest = Query { order: Order::Oldest, ..all(4) };
    expected.reverse();
    assert_eq!(world.ids(oldest, &Everything).await, expected);
    let page = world.list(&all(5)).await;
    let counts = page.counts.unwrap();
    assert!(counts.is_exact);
    assert_eq!(counts.by_status, [("queued".to_owned(), 11), ("running".to_owned(), 12)].into());
    let next = page.next.unwrap();
    // A page keeps its place, whatever comes and goes.
    world.own(run("s", "later").execution_queued(queued("d"))).await;
    world.own(run("s", "run-22").execution_completed(completed())).await;
    world.caught_up().await;
    let page = world.list(&Query { cursor: Some(next.clone()), ..all(5) }).await;
    let ids: Vec<&str> = page.entries.iter().map(|entry| entry.execution_id.as_str()).collect();
    assert_eq!(ids, ["run-17", "run-16", "run-15", "run-14", "run-13"]);
    let elsewhere = Query { cursor: Some(next), ..all(5) };
    let refused = world.directory.sessions(&elsewhere, &Everything).await;
    assert!(matches!(refused, Err(Error::Cursor(_))), "a cursor is of one list");
    for limit in [0, 501] {
        let refused = world.directory.executions(&all(limit), &Everything).await;
        assert!(matches!(refused, Err(Error::Limit(_))));
    }
}

#[tokio::test]
async fn an_entry_says_what_its_execution_does() {
    let world = World::new();
    let source =
        Source { correlation_id: Some(CorrelationId::new("order-7").unwrap()), ..run("council", "run") };
    let labels = [("team".to_owned(), "payments".to_owned()), ("bad key".to_owned(), "x".to_owned())].into();
    let parent = Above {
        execution_id: ExecutionId::new("above").unwrap(),
        session_id: SessionId::new("s-above").unwrap(),
        root: Some(ExecutionId::new("top").unwrap()),
    };
    let asked = execution::Queued {
        definition: Some("council".into()),
        labels,
        parent: Some(parent),
        request_digest: None,
    };
    let [writer, judge] = ["writer", "judge"].map(|node| source.node(NodeId::new(node).unwrap()));
    world.own(source.execution_queued(asked)).await;
    world.own(source.execution_started(started(&"ü".repeat(200)))).await;
    for node in [&writer, &judge] {
        world
            .own(node.node_loop_started(node::LoopStarted { max_iterations: None, iteration: Some(2) }))
            .await;
    }
    world.own(judge.node_loop_completed(node::LoopCompleted { iterations: 1 })).await;
    let usage = model::Usage { total_tokens: 150, cost: Some(0.5), ..model::Usage::default() };
    let used = json!({ "usage": usage, "rounds": 3 });
    world.own(source.usage_updated(serde_json::from_value(used).unwrap())).await;
    world.caught_up().await;
    let entry = world.list(&all(5)).await.entries.remove(0);
    assert_eq!(entry.status, Status::Running);
    assert_eq!(entry.nodes, [NodeId::new("writer").unwrap()]);
    assert_eq!((entry.iteration, entry.rounds), (Some(2), 3));
    assert_eq!(entry.usage.unwrap().cost, Some(0.5));
    assert_eq!(entry.labels.0, [("team".to_owned(), "payments".to_owned())].into());
    assert_eq!(entry.parent.unwrap().execution_id.as_str(), "above");
    assert_eq!(entry.root.unwrap().as_str(), "top");
    assert_eq!((entry.input.unwrap(), entry.input_cut), ("ü".repeat(128), true));
    let error = json!({ "code": "model_refused", "message": "no".repeat(1000) });
    world.own(source.execution_failed(execution::Failed { error })).await;
    world.caught_up().await;
    let entry = world.list(&all(5)).await.entries.remove(0);
    let error = entry.error.unwrap();
    assert_eq!((entry.status, entry.nodes.len()), (Status::Failed, 0));
    assert_eq!((error.code.as_deref(), error.message.len()), (Some("model_refused"), 512));
}

#[tokio::test]
async fn every_filter_narrows_and_together_they_narrow_more() {
    let world = World::new();
    let mut known: Vec<(String, usize)> = Vec::new();
    for n in 0..60 {
        let id = format!("run-{n:02}");
        let session_id = Some(SessionId::new(format!("session-{}", n % 5)).unwrap());
        let correlation_id = (n % 4 == 0).then(|| CorrelationId::new("order").unwrap());
        let source = Source { session_id, correlation_id, ..run(["a", "b"][n % 2], &id) };
        let labels = [("third".to_owned(), (n % 3).to_string())].into();
        let parent = (n % 6 == 0).then(|| Above {
            execution_id: ExecutionId::new("above").unwrap(),
            session_id: SessionId::new("s-above").unwrap(),
            root: None,
        });
        let definition = Some(["x", "y", "z"][n % 3].to_owned());
        let asked = execution::Queued { definition, labels, parent, request_digest: None };
        world.own(source.execution_queued(asked)).await;
        world.own(source.execution_started(started(&format!("Topic {}", n % 7)))).await;
        if n % 10 == 0 {
            world.own(source.execution_completed(completed())).await;
        }
        known.insert(0, (id, n));
    }
    world.caught_up().await;
    let middle = world.list(&all(60)).await.entries[30].created_at;
    type Wanted = fn(usize) -> bool;
    let text = |text: &str| Some(text.to_owned());
    let filters: Vec<(Query, Wanted)> = vec![
        (Query { stream: text("b"), ..all(7) }, |n| n % 2 == 1),
        (Query { definition: text("z"), ..all(7) }, |n| n % 3 == 2),
        (Query { session: text("session-3"), ..all(7) }, |n| n % 5 == 3),
        (Query { correlation: text("order"), ..all(7) }, |n| n % 4 == 0),
        (Query { parent: text("above"), ..all(7) }, |n| n % 6 == 0),
        (Query { root: text("above"), ..all(7) }, |n| n % 6 == 0),
        (Query { statuses: ["completed".to_owned()].into(), ..all(7) }, |n| n % 10 == 0),
        (Query { labels: ["third=1".parse().unwrap()].into(), ..all(7) }, |n| n % 3 == 1),
        (Query { text: text("topic 4"), ..all(7) }, |n| n % 7 == 4),
        (Query { text: text("RUN-1"), ..all(7) }, |n| n / 10 == 1),
        (Query { after: Some(middle), ..all(7) }, |n| n >= 29),
        (Query { before: Some(middle), ..all(7) }, |n| n < 29),
    ];
    for (n, (query, wanted)) in filters.iter().enumerate() {
        for order in [Order::Newest, Order::Oldest] {
            let query = Query { order, ..query.clone() };
            let mut expected: Vec<&str> =
                known.iter().filter(|(_, n)| wanted(*n)).map(|(id, _)| id.as_str()).collect();
            if order == Order::Oldest {
                expected.reverse();
            }
            let counts = world.list(&query).await.counts.unwrap();
            let total: u64 = known
                .iter()
                .filter(|(_, n)| if query.statuses.is_empty() { wanted(*n) } else { true })
                .count() as u64;
            assert_eq!((counts.by_status.values().sum::<u64>(), counts.is_exact), (total, true), "{query:?}");
            assert_eq!(world.ids(query, &Everything).await, expected, "filter {n}");
        }
    }
    let both = Query {
        stream: text("a"),
        definition: text("x"),
        statuses: ["running".to_owned()].into(),
        text: text("Topic"),
        ..all(2)
    };
    let expected: Vec<&str> = known
        .iter()
        .filter(|(_, n)| n % 2 == 0 && n % 3 == 0 && n % 10 != 0)
        .map(|(id, _)| id.as_str())
        .collect();
    assert_eq!(world.ids(both, &Everything).await, expected);
    let unknown = Query { statuses: ["odd".to_owned()].into(), ..all(2) };
    let refused = world.directory.executions(&unknown, &Everything).await.unwrap_err();
    assert!(refused.to_string().contains("waiting_for_approval"), "{refused}");
}

#[tokio::test]
async fn what_waits_is_listed_until_it_is_settled() {
    let world = World::new();
    let source = run("s", "run");
    let node = source.node(NodeId::new("n").unwrap());
    world.own(source.execution_started(started("hi"))).await;
    let ask = |id: &str| tool::ApprovalRequested {
        approval_id: id.into(),
        tool_use_id: format!("call-{id}"),
        tool_name: "mail__send".into(),
        tool_input: json!({ "to": "x".repeat(3000) }),
        arguments_digest: None,
        expires_at: None,
        below: None,
    };
    let question = |id: &str| client::InputRequested {
        prompt: "Which?".into(),
        request_id: Some(id.into()),
        choices: vec!["yes".into()],
        expires_at: None,
        tool_use_id: None,
        below: None,
    };
    for id in ["a", "b", "c", "d"] {
        world.own(node.tool_approval_requested(ask(id))).await;
    }
    for id in ["q", "r"] {
        world.own(node.client_input_requested(question(id))).await;
    }
    world.caught_up().await;
    let entry = world.list(&all(5)).await.entries.remove(0);
    assert_eq!((entry.approvals, entry.questions), (4, 2));
    let pending = Query { statuses: ["pending".to_owned()].into(), ..all(9) };
    let page = world.directory.approvals(&pending, &Everything).await.unwrap();
    assert_eq!(page.entries.len(), 4);
    assert!(page.entries[0].tool_input_cut && page.entries[0].tool_input["cut"] == json!(true));
    let decided = tool::ApprovalDecided {
        approval_id: "a".into(),
        tool_use_id: "call-a".into(),
        approved: true,
        arguments: None,
        note: Some("fine".into()),
        decided_by: Some("ann".into()),
        below: None,
    };
    let rejected = tool::ApprovalDecided { approval_id: "b".into(), approved: false, ..decided.clone() };
    world.own(node.tool_approval_decided(decided)).await;
    world.own(node.tool_approval_decided(rejected)).await;
    // Others settle nothing of Runbus's.
    let forged = tool::ApprovalExpired { approval_id: "d".into(), tool_use_id: "call-d".into(), below: None };
    world.theirs(node.tool_approval_expired(forged)).await;
    let answered = client::InputReceived {
        request_id: Some("q".into()),
        input: json!("yes"),
        answered_by: Some("bob".into()),
        below: None,
    };
    world.own(node.client_input_received(answered)).await;
    world.caught_up().await;
    let by_id = async |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|&id| id.to_owned()).collect();
        let found = world.directory.approvals_by_id(&ids, &Everything).await.unwrap();
        found.into_iter().map(|found| found.unwrap().status).collect::<Vec<_>>()
    };
    use ApprovalStatus::{Approved, Cancelled, Pending, Rejected};
    assert_eq!(by_id(&["a", "b", "c", "d"]).await, [Approved, Rejected, Pending, Pending]);
    world.own(source.execution_completed(completed())).await;
    world.caught_up().await;
    assert_eq!(by_id(&["a", "b", "c", "d"]).await, [Approved, Rejected, Cancelled, Cancelled]);
    let page = world.directory.approvals(&pending, &Everything).await.unwrap();
    assert!(page.entries.is_empty());
    let questions = world.directory.questions(&all(9), &Everything).await.unwrap().entries;
    let settled: Vec<_> = questions.iter().map(|q| (q.status, q.answered_by.as_deref())).collect();
    assert_eq!(settled, [(QuestionStatus::Cancelled, None), (QuestionStatus::Answered, Some("bob"))]);
}

#[tokio::test]
async fn a_session_is_what_its_executions_are() {
    let world = World::new();
    let of = |id: &str| Source { session_id: Some(SessionId::new("talk").unwrap()), ..run("s", id) };
    let status = async || {
        let entry = world.directory.sessions(&all(5), &Everything).await.unwrap().entries.remove(0);
        (entry.status, entry.execution_id.to_string(), entry.executions, entry.usage.total_tokens)
    };
    let used = |tokens: u64| {
        let used = json!({ "usage": { "total_tokens": tokens }, "rounds": 1 });
        serde_json::from_value::<model::UsageUpdated>(used).unwrap()
    };
    world.own(of("one").execution_queued(queued("d"))).await;
    world.own(of("one").usage_updated(used(5))).await;
    world.caught_up().await;
    assert_eq!(status().await, (SessionStatus::Running, "one".into(), 1, 5));
    world.own(of("two").execution_queued(queued("d"))).await;
    world.own(of("one").usage_updated(used(7))).await;
    world.own(of("one").execution_completed(completed())).await;
    world.caught_up().await;
    assert_eq!(status().await, (SessionStatus::Running, "two".into(), 2, 7));
    world.own(of("two").execution_cancelled(execution::Cancelled { reason: None })).await;
    world.caught_up().await;
    assert_eq!(status().await, (SessionStatus::Idle, "two".into(), 2, 7));
    // Others say nothing of Runbus's sessions.
    world.theirs(of("theirs").execution_started(started("x"))).await;
    let stream = Source { execution_id: None, ..of("two") };
    world.own(stream.session_closed(session::Closed { reason: None })).await;
    world.caught_up().await;
    assert_eq!(status().await, (SessionStatus::Closed, "two".into(), 2, 7));
}

/// May see executions of streams that begin so, or an execution that begins so.
struct Only(&'static str, Option<&'static str>);

impl Visibility for Only {
    fn sees(&self, seen: Seen<'_>) -> bool {
        let is_execution =
            self.1.is_none_or(|begins| seen.execution.is_some_and(|execution| execution.starts_with(begins)));
        is_execution && (self.0.is_empty() || seen.stream.is_some_and(|stream| stream.starts_with(self.0)))
    }
    fn streams(&self) -> Option<Vec<Streams>> {
        let is_whole = self.1.is_none();
        (!self.0.is_empty()).then(|| vec![Streams { name: self.0.into(), is_beginning: true, is_whole }])
    }
}

#[tokio::test]
async fn nobody_sees_or_counts_more_than_they_may() {
    let world = World::new();
    for n in 0..40 {
        let stream = ["orders-1", "orders-2", "secret", "orders"][n % 4];
        world.own(run(stream, &format!("run-{n:02}")).execution_queued(queued("d"))).await;
    }
    world.caught_up().await;
    let count = async |visibility: &Only, query: &Query| {
        let page = world.directory.executions(query, visibility).await.unwrap();
        let counts = page.counts.unwrap();
        assert!(counts.is_exact);
        counts.by_status.values().sum::<u64>()
    };
    type Wanted = fn(usize) -> bool;
    let cases: [(Only, Wanted); 5] = [
        (Only("orders-", None), |n| n % 4 < 2),
        (Only("orders", None), |n| n % 4 != 2),
        (Only("nothing", None), |_| false),
        (Only("", Some("run-1")), |n| n / 10 == 1),
        (Only("orders-1", Some("run-1")), |n| n / 10 == 1 && n % 4 == 0),
    ];
    for (visibility, wanted) in &cases {
        let expected: Vec<String> =
            (0..40).rev().filter(|n| wanted(*n)).map(|n| format!("run-{n:02}")).collect();
        assert_eq!(world.ids(all(3), visibility).await, expected, "{:?} {:?}", visibility.0, visibility.1);
        assert_eq!(count(visibility, &all(3)).await, expected.len() as u64);
        let secret = Query { stream: Some("secret".into()), ..all(3) };
        let seen = (0..40).filter(|n| n % 4 == 2 && wanted(*n)).count();
        assert_eq!(count(visibility, &secret).await, seen as u64);
        let by_definition = Query { definition: Some("d".into()), ..all(3) };
        assert_eq!(count(visibility, &by_definition).await, expected.len() as u64);
        let ids: Vec<String> = (0..40).map(|n| format!("run-{n:02}")).collect();
        let found = world.directory.executions_by_id(&ids, visibility).await.unwrap();
        assert_eq!(found.iter().flatten().count(), expected.len());
    }
}

#[tokio::test]
async fn what_is_wiped_is_built_again_from_the_log() {
    let world = World::new();
    for n in 0..30 {
        let source = run("s", &format!("run-{n:02}"));
        world.own(source.execution_queued(queued("d"))).await;
        world.theirs(run("t", &format!("theirs-{n:02}")).execution_started(started("x"))).await;
        if n % 3 == 0 {
            world.own(source.execution_completed(completed())).await;
        }
    }
    world.caught_up().await;
    let before = world.list(&all(100)).await;
    world.bus.store().index().clear().await.unwrap();
    assert_eq!(world.directory.standing().await.unwrap().revision, 0);
    world.caught_up().await;
    let after = world.list(&all(100)).await;
    assert_eq!(before.entries, after.entries);
    assert_eq!(before.counts, after.counts);
}

#[tokio::test]
async fn two_who_keep_the_index_do_no_harm() {
    let world = World::new();
    let other = directory(&world.bus, 1000, LONG);
    let writing = async {
        for n in 0..200 {
            let source = run("s", &format!("run-{n:03}"));
            world.own(source.execution_queued(queued("d"))).await;
            world.own(source.execution_completed(completed())).await;
        }
    };
    let keeping = async |directory: &Directory| {
        for _ in 0..20 {
            directory.catch_up(PATIENCE).await.unwrap();
        }
    };
    tokio::join!(writing, keeping(&world.directory), keeping(&other));
    world.caught_up().await;
    let page = world.list(&all(500)).await;
    assert_eq!(page.entries.len(), 200);
    assert_eq!(page.counts.unwrap().by_status, [("completed".to_owned(), 200)].into());
}

#[tokio::test]
async fn there_are_only_so_many_and_what_is_at_work_stays_longest() {
    let world = World::new();
    let bounded = directory(&world.bus, 10, LONG);
    world.own(run("s", "at-work").execution_queued(queued("d"))).await;
    for n in 0..150 {
        let source = run("s", &format!("run-{n:03}"));
        world.own(source.execution_queued(queued("d"))).await;
        world.own(source.execution_completed(completed())).await;
        world.theirs(run("t", &format!("theirs-{n:03}")).execution_started(started("x"))).await;
    }
    bounded.catch_up(PATIENCE).await.unwrap();
    // Taking out begins with the next look.
    for _ in 0..2 {
        world.own(run("s", "at-work").execution_started(started("x"))).await;
        bounded.catch_up(PATIENCE).await.unwrap();
    }
    let ids = world.ids(all(100), &Everything).await;
    assert!(ids.len() <= 11, "{ids:?}");
    assert!(ids.contains(&"at-work".to_owned()), "{ids:?}");
    assert!(ids.contains(&"run-149".to_owned()) && !ids.iter().any(|id| id.starts_with("theirs")), "{ids:?}");
}

#[tokio::test]
async fn what_has_ended_stays_only_so_long() {
    let world = World::new();
    world.own(run("s", "at-work").execution_queued(queued("d"))).await;
    world.own(run("s", "ended").execution_completed(completed())).await;
    let bounded = directory(&world.bus, 10, Duration::ZERO);
    for _ in 0..2 {
        bounded.catch_up(PATIENCE).await.unwrap();
        world.own(run("s", "at-work").execution_started(started("x"))).await;
    }
    bounded.catch_up(PATIENCE).await.unwrap();
    assert_eq!(world.ids(all(9), &Everything).await, ["at-work"]);
}

#[tokio::test]
async fn what_has_ended_leaves_before_what_waits_however_long_it_waits() {
    let world = World::new();
    let bounded = directory(&world.bus, 80, LONG);
    for n in 0..70 {
        world.own(run("s", &format!("waits-{n:02}")).execution_queued(queued("d"))).await;
    }
    for n in 0..30 {
        world.own(run("s", &format!("ended-{n:02}")).execution_completed(completed())).await;
    }
    for _ in 0..2 {
        bounded.catch_up(PATIENCE).await.unwrap();
        world.own(run("s", "waits-00").execution_started(started("x"))).await;
    }
    bounded.catch_up(PATIENCE).await.unwrap();
    let ids = world.ids(all(100), &Everything).await;
    assert_eq!(ids.iter().filter(|id| id.starts_with("waits")).count(), 70, "{ids:?}");
    assert!(ids.len() <= 80 && ids.contains(&"ended-29".to_owned()), "{ids:?}");
}

#[tokio::test]
async fn what_others_run_keeps_nothing_of_runbus_in_the_index() {
    let world = World::new();
    let mut old = run("s", "old").execution_completed(completed());
    old.timestamp = Timestamp::from_micros(0);
    world.own(old).await;
    let mut later = run("t", "theirs").execution_completed(completed());
    later.timestamp = Timestamp::from_micros(i64::MAX);
    world.theirs(later).await;
    for _ in 0..3 {
        world.directory.catch_up(PATIENCE).await.unwrap();
        world.own(run("s", "other").execution_started(started("x"))).await;
    }
    assert_eq!(world.ids(all(9), &Everything).await, ["other", "theirs"]);
    // Nor does a time that is to come make theirs stay longer.
    let bounded = directory(&world.bus, 1000, Duration::ZERO);
    for _ in 0..2 {
        bounded.catch_up(PATIENCE).await.unwrap();
    }
    assert_eq!(world.ids(all(9), &Everything).await, ["other"]);
}

#[tokio::test]
async fn counts_of_sessions_say_nothing_of_streams_that_are_hidden() {
    let world = World::new();
    for (stream, id) in [("a", "one"), ("b", "two")] {
        let session_id = Some(SessionId::new("talk").unwrap());
        world.own(Source { session_id, ..run(stream, id) }.execution_queued(queued("d"))).await;
    }
    world.caught_up().await;
    for query in [all(5), Query { stream: Some("a".into()), ..all(5) }] {
        let page = world.directory.sessions(&query, &Only("a", None)).await.unwrap();
        assert_eq!((page.entries.len(), page.counts.unwrap().by_status.len()), (0, 0), "{query:?}");
    }
    let by_id = Query { session: Some("talk".into()), ..all(5) };
    assert_eq!(world.directory.sessions(&by_id, &Everything).await.unwrap().entries.len(), 1);
}

#[tokio::test]
async fn an_end_that_is_read_before_its_session_counts() {
    let world = World::new();
    let source = Source { session_id: Some(SessionId::new("talk").unwrap()), ..run("s", "one") };
    let end = Source { execution_id: None, ..source.clone() };
    world.own(end.session_closed(session::Closed { reason: None })).await;
    world.caught_up().await;
    let page = world.directory.sessions(&all(5), &Everything).await.unwrap();
    assert_eq!((page.entries.len(), page.counts.unwrap().by_status.len()), (0, 0));
    world.own(source.execution_queued(queued("d"))).await;
    world.own(source.execution_completed(completed())).await;
    world.caught_up().await;
    let entry = world.directory.sessions(&all(5), &Everything).await.unwrap().entries.remove(0);
    assert_eq!((entry.status, entry.executions), (SessionStatus::Closed, 1));
    assert!(entry.created_at > Timestamp::from_micros(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In whatever steps the index is moved on: it comes to be what one pass over the whole log makes.
    #[test]
    fn steps_make_no_difference(words in proptest::collection::vec((0u8..4, 0u8..9, any::<bool>(), any::<bool>()), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            for (who, what, external, looks) in words {
                let source = Source {
                    session_id: Some(SessionId::new(format!("s{}", who % 2)).unwrap()),
                    ..run(["a", "b"][usize::from(who % 2)], &format!("run-{}", who / 2))
                };
                let approval_id = format!("approval-{who}");
                let event = match what {
                    0 => source.execution_queued(queued("d")),
                    1 => source.execution_started(started("x")),
                    2 => source.execution_completed(completed()),
                    3 => source.execution_paused(execution::Paused { reason: None }),
                    4 => source.execution_resumed(execution::Resumed { reason: None }),
                    5 | 6 => source.tool_approval_requested(tool::ApprovalRequested {
                        approval_id, tool_use_id: "c".into(), tool_name: "t".into(), tool_input: json!(1),
                        arguments_digest: None, expires_at: None, below: None,
                    }),
                    7 => source.tool_approval_expired(tool::ApprovalExpired {
                        approval_id, tool_use_id: "c".into(), below: None,
                    }),
                    _ => Source { execution_id: None, ..source }.session_closed(session::Closed { reason: None }),
                };
                if external { world.theirs(event).await } else { world.own(event).await }
                if looks {
                    world.directory.catch_up(PATIENCE).await.unwrap();
                }
            }
            world.caught_up().await;
            let all = all(500);
            let look = async || {
                let executions = world.directory.executions(&all, &Everything).await.unwrap();
                let sessions = world.directory.sessions(&all, &Everything).await.unwrap();
                let approvals = world.directory.approvals(&all, &Everything).await.unwrap();
                let counts = [executions.counts, sessions.counts, approvals.counts];
                (executions.entries, sessions.entries, approvals.entries, counts)
            };
            let in_steps = look().await;
            world.bus.store().index().clear().await.unwrap();
            world.caught_up().await;
            let at_once = look().await;
            let waits: usize = at_once.0.iter().map(|entry| entry.approvals).sum();
            let pending = at_once.2.iter().filter(|entry| entry.status == ApprovalStatus::Pending).count();
            assert_eq!(in_steps, at_once);
            assert!(pending <= waits, "a listed approval waits");
            let ids: BTreeSet<_> = at_once.0.iter().map(|entry| entry.execution_id.clone()).collect();
            assert_eq!(ids.len(), at_once.0.len());
        });
    }
}
