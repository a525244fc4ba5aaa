//! Messages in journals and inboxes that Runbus did not write: on NATS a publisher in Runbus's account can make the broker do that.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::adapters::embedded::{Config, Embedded};
use crate::id::{EventId, SessionId, WorkerId};
use crate::log::{
    AppendError, Author, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail,
};
use crate::session::command::Command;
use crate::session::entry::Fact;
use crate::session::inbox::{self, UpTo};
use crate::session::journal::{Error, Journal};
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use crate::time::Clock;

/// Takes frames without an owner for somebody else's, as the adapter for NATS does with messages without a header.
#[derive(Debug)]
struct Strangers(Arc<dyn Log>);

fn strange(mut stored: Stored) -> Stored {
    if stored.frame.author == Author::Open {
        stored.frame.author = Author::External;
    }
    stored
}

#[async_trait]
impl Log for Strangers {
    fn layout(&self) -> Arc<Layout> {
        self.0.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.0.append(topic, frame, expect).await
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        let Page { frames, done } = self.0.read(read).await?;
        Ok(Page { frames: frames.into_iter().map(strange).collect(), done })
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        Ok(self.0.last(key).await?.map(strange))
    }
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.0.tail(scope).await
    }
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.0.bounds(lane, shard).await
    }
    async fn ready(&self) -> Result<(), ReadError> {
        self.0.ready().await
    }
}

struct World {
    log: Arc<dyn Log>,
    session: SessionId,
    _embedded: Embedded,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        let embedded = Embedded::open(&config, Clock::System).unwrap();
        let log: Arc<dyn Log> = Arc::new(Strangers(embedded.log.clone()));
        Self { log, session: SessionId::new("x").unwrap(), _embedded: embedded, _folder: folder }
    }

    async fn load(&self) -> Journal {
        Journal::load(self.log.clone(), Clock::System, self.session.clone()).await.unwrap()
    }

    /// Somebody writes a line.
    async fn stranger(&self, topic: &Topic, line: &'static [u8]) {
        let frame = Frame::open(&[Bytes::from_static(line)]);
        self.log.append(topic, &frame, Expect::Open(EventId::generate())).await.unwrap();
    }

    /// The broker's answer is written into the journal.
    async fn answer(&self) {
        self.stranger(&Topic::Journal(self.session.clone()), b"{\"stream\":\"RB_EV_0\",\"seq\":7}").await;
    }
}

#[tokio::test]
async fn what_others_wrote_into_a_journal_is_skipped_and_fences_nobody() {
    let world = World::new();
    let worker = |id: &str| WorkerId::new(id).unwrap();
    world.answer().await;
    let mut first = world.load().await;
    assert!(!first.exists(), "nothing of the session was recorded");
    first.claim(&worker("a")).await.unwrap();
    for _ in 0..3 {
        world.answer().await;
    }
    first.append(Fact::Released { wake_at: None }).await.expect("it goes on behind them");
    world.answer().await;

    let mut second = world.load().await;
    assert!(second.exists());
    assert_eq!((second.loaded.len(), second.state.entries, second.state.epoch), (2, 2, 1));
    second.claim(&worker("b")).await.unwrap();
    world.answer().await;
    let fenced = first.append(Fact::Released { wake_at: None }).await;
    assert!(matches!(fenced, Err(Error::Fenced)), "another owner is among them: {fenced:?}");
    second.append(Fact::Released { wake_at: None }).await.unwrap();
    assert_eq!(world.load().await.state.entries, 4);
}

#[tokio::test]
async fn what_others_wrote_into_an_inbox_is_no_command() {
    let world = World::new();
    let line = br#"{"id":"0198c0de-7a11-7000-8000-000000000001","at":"2026-01-01T00:00:00Z","command":"answer","request_id":"x","input":1}"#;
    assert!(Command::decode(line).is_ok(), "it looks like one");
    let topic = Topic::Inbox(world.session.clone());
    world.stranger(&topic, line).await;
    let facts = inbox::read(&world.log, &world.session, Sequence(0), UpTo::Acknowledged).await.unwrap();
    let [Fact::CommandTaken { inbox, command: None, .. }] = &facts[..] else { panic!("{facts:?}") };
    let behind = inbox::read(&world.log, &world.session, *inbox, UpTo::Acknowledged).await.unwrap();
    assert!(behind.is_empty(), "it is passed: {behind:?}");
}
