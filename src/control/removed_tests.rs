//! Frames that the leader has shown and retention removes before they are read: nobody waits for them for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::Control;
use crate::adapters::embedded::{Config, Embedded};
use crate::bus::Bus;
use crate::event::Source;
use crate::event::family::execution::Resumed;
use crate::execution::Gap;
use crate::id::{ExecutionId, SessionId, StreamId};
use crate::log::{AppendError, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail};
use crate::session::{inbox, journal};
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use crate::time::Clock;

const PATIENCE: Duration = Duration::from_secs(20);

/// Shows each key's last frame once. From then on everything is removed.
#[derive(Debug)]
struct Removing(Arc<dyn Log>, AtomicBool);

#[async_trait]
impl Log for Removing {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.0.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.0.append(topic, frame, expect).await
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        if self.1.load(Ordering::Relaxed) {
            return Ok(Page { frames: Vec::new(), done: true });
        }
        self.0.read(read).await
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        let is_removed = self.1.swap(true, Ordering::Relaxed);
        if is_removed { Ok(None) } else { self.0.last(key).await }
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
    embedded: Embedded,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        Self { embedded: Embedded::open(&config, Clock::System).unwrap(), _folder: folder }
    }

    fn removing(&self) -> Arc<dyn Log> {
        Arc::new(Removing(self.embedded.log.clone(), AtomicBool::new(false)))
    }

    fn control(&self, log: Arc<dyn Log>) -> Control {
        let bus = Bus::new(log, self.embedded.store.clone());
        Control::new(bus, self.embedded.queue.clone(), Clock::System)
    }
}

async fn ends<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("no reader waits for a removed frame")
}

#[tokio::test]
async fn status_ends_with_a_gap_when_a_frame_that_it_waits_for_is_removed() {
    let world = World::new();
    let id = ExecutionId::new("x").unwrap();
    let source = Source::execution(StreamId::new("s").unwrap(), id.clone(), Clock::System);
    let event = || source.execution_resumed(Resumed { reason: None });
    let whole = world.control(world.embedded.log.clone());
    whole.bus().publish(event()).await.unwrap();
    let known = whole.status(&id).await.unwrap().unwrap();
    assert_eq!((known.events, known.gap), (1, None));
    whole.bus().publish(event()).await.unwrap();

    let removing = world.control(world.removing());
    let known = ends(removing.status(&id)).await.unwrap().unwrap();
    assert_eq!((known.events, known.gap), (1, Some(Gap::Expired)));
    let later = ends(removing.status(&id)).await.unwrap().unwrap();
    assert_eq!(later.gap, Some(Gap::Expired), "the store's copy says so too");
}

#[tokio::test]
async fn a_frame_whose_predecessor_was_never_read_makes_a_gap() {
    let world = World::new();
    let id = ExecutionId::new("x").unwrap();
    let topic =
        Topic::Events { stream: StreamId::new("s").unwrap(), node: None, execution: Some(id.clone()) };
    let source = Source::execution(StreamId::new("s").unwrap(), id.clone(), Clock::System);
    let mut last = None;
    for index in 0..3 {
        let event = source.execution_resumed(Resumed { reason: None });
        let frame = Frame::owned(1, index, 0, &[event.encode().unwrap()]);
        last = Some(world.embedded.log.append(&topic, &frame, Expect::Last(last)).await.unwrap());
    }
    let read = Read {
        scope: Scope::EVERYTHING,
        shard: Shard(0),
        from: Sequence(1),
        direction: crate::log::Direction::Forward,
        max_frames: 9,
        max_bytes: usize::MAX,
    };
    let frames = world.embedded.log.read(&read).await.unwrap().frames;
    let fold = |skipped: usize| {
        let mut progress = super::status::Progress::start();
        let kept = frames.iter().enumerate().filter(|(n, _)| *n != skipped);
        kept.for_each(|(_, stored)| progress.fold(&Arc::new(stored.clone())));
        progress.execution.unwrap().gap
    };
    assert_eq!((fold(9), fold(0), fold(1)), (None, Some(Gap::Expired), Some(Gap::Expired)));
}

#[tokio::test]
async fn journals_and_inboxes_end_too() {
    let world = World::new();
    let session = SessionId::new("x").unwrap();
    let frame = Frame::open(&[Bytes::from_static(b"{}")]);
    for topic in [Topic::Journal(session.clone()), Topic::Inbox(session.clone())] {
        world.embedded.log.append(&topic, &frame, Expect::Last(None)).await.unwrap();
    }
    let loaded = ends(journal::Journal::load(world.removing(), Clock::System, session.clone())).await;
    assert!(matches!(loaded, Err(journal::Error::Broken(_))), "{loaded:?}");
    let facts =
        ends(inbox::read(&world.removing(), &session, Sequence(0), inbox::UpTo::Acknowledged)).await.unwrap();
    assert!(facts.is_empty());
}
