//! The shared parts of the cases: topics, frames, reads that wait, tails that are bounded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::id::{EventId, ExecutionId, NodeId, SessionId, StreamId};
use crate::log::{AppendError, Direction, Expect, Frame, Log, Page, Read, Sequence, Signal, Stored, Tail};
use crate::subject::{Key, Scope, Shard, Topic};

/// How long a case waits for something that must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn events(stream: &str, node: Option<&str>, execution: Option<&str>) -> Topic {
    Topic::Events {
        stream: StreamId::new(stream).unwrap(),
        node: node.map(|id| NodeId::new(id).unwrap()),
        execution: execution.map(|id| ExecutionId::new(id).unwrap()),
    }
}

pub(super) fn scope(stream: Option<&str>, node: Option<&str>, execution: Option<&str>) -> Scope {
    Scope::Events {
        stream: stream.map(|id| StreamId::new(id).unwrap()),
        node: node.map(|id| NodeId::new(id).unwrap()),
        execution: execution.map(|id| ExecutionId::new(id).unwrap()),
    }
}

pub(super) fn session(id: &str) -> SessionId {
    SessionId::new(id).unwrap()
}

pub(super) fn line(text: &str) -> Bytes {
    Bytes::from(serde_json::json!({ "text": text }).to_string())
}

/// An owner's frame with one line.
pub(super) fn owned(epoch: u64, index: u64, text: &str) -> Frame {
    Frame::owned(epoch, index, 0, &[line(text)])
}

pub(super) fn open(text: &str) -> Frame {
    Frame::open(&[line(text)])
}

pub(super) fn home(log: &Arc<dyn Log>, topic: &Topic) -> Shard {
    log.layout().home(&topic.shard_token())
}

/// Appends and retries while the outcome is unknown.
pub(super) async fn append(
    log: &Arc<dyn Log>,
    topic: &Topic,
    frame: &Frame,
    expect: Expect,
) -> Result<Sequence, AppendError> {
    let start = Instant::now();
    loop {
        match log.append(topic, frame, expect).await {
            Err(error) if error.is_retryable() && start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            outcome => return outcome,
        }
    }
}

/// An append that must succeed, checked.
pub(super) async fn put(
    log: &Arc<dyn Log>,
    topic: &Topic,
    frame: &Frame,
    last: Option<Sequence>,
) -> Sequence {
    append(log, topic, frame, Expect::Last(last)).await.unwrap_or_else(|error| {
        panic!("a checked append with the right expectation {last:?} failed: {error:?}")
    })
}

/// An append that must succeed, open.
pub(super) async fn put_open(log: &Arc<dyn Log>, topic: &Topic, frame: &Frame) -> Sequence {
    append(log, topic, frame, Expect::Open(EventId::generate()))
        .await
        .unwrap_or_else(|error| panic!("an open append failed: {error:?}"))
}

pub(super) fn request(scope: &Scope, shard: Shard, from: Sequence, direction: Direction) -> Read {
    Read { scope: scope.clone(), shard, from, direction, max_frames: 100, max_bytes: 1 << 20 }
}

pub(super) async fn page(log: &Arc<dyn Log>, read: &Read) -> Page {
    let start = Instant::now();
    loop {
        match log.read(read).await {
            Err(error) if error.is_retryable() && start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            outcome => return outcome.unwrap_or_else(|error| panic!("{read:?} failed: {error:?}")),
        }
    }
}

/// Pages through a scope in one shard until a page says that it is done.
pub(super) async fn read_shard(log: &Arc<dyn Log>, first: Read) -> Vec<Stored> {
    let mut read = first;
    let mut all = Vec::new();
    loop {
        let page = page(log, &read).await;
        assert!(page.frames.len() <= read.max_frames, "a page has more frames than max_frames");
        assert!(page.done || !page.frames.is_empty(), "an empty page must be done: {read:?}");
        let end = page.frames.last().map(|stored| stored.sequence);
        all.extend(page.frames);
        match (page.done, end) {
            (false, Some(end)) => {
                read.from = match read.direction {
                    Direction::Forward => end.next(),
                    Direction::Backward if end.0 <= 1 => return all,
                    Direction::Backward => Sequence(end.0 - 1),
                };
            }
            _ => return all,
        }
    }
}

/// Everything under a scope, oldest first in each shard.
pub(super) async fn read_all(log: &Arc<dyn Log>, scope: &Scope) -> Vec<Stored> {
    let mut all = Vec::new();
    for shard in scope.shards(&log.layout()) {
        all.extend(read_shard(log, request(scope, shard, Sequence(0), Direction::Forward)).await);
    }
    all
}

pub(super) fn places(frames: &[Stored]) -> Vec<(Shard, Sequence)> {
    frames.iter().map(|stored| (stored.shard, stored.sequence)).collect()
}

/// Reads until `right` says so; a replica may lag.
pub(super) async fn read_until(
    log: &Arc<dyn Log>,
    scope: &Scope,
    rule: &str,
    right: impl Fn(&[Stored]) -> bool,
) -> Vec<Stored> {
    let start = Instant::now();
    loop {
        let found = read_all(log, scope).await;
        if right(&found) {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "{rule}; read {:?} under {scope:?}", places(&found));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Checks that a scope holds exactly these places, in any order of shards.
pub(super) async fn holds(log: &Arc<dyn Log>, scope: &Scope, expected: &[(Shard, Sequence)], rule: &str) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    let rule = format!("{rule}: expected {expected:?}");
    read_until(log, scope, &rule, |found| {
        let mut found = places(found);
        found.sort_unstable();
        found == expected
    })
    .await;
}

pub(super) async fn last(log: &Arc<dyn Log>, key: &Key) -> Option<Stored> {
    log.last(key).await.unwrap_or_else(|error| panic!("last({key}) failed: {error:?}"))
}

/// The next frame of a feed; words of loss are skipped.
pub(super) async fn next_frame(tail: &mut Tail, rule: &str) -> Arc<Stored> {
    let wait = async {
        loop {
            match tail.next().await {
                Some(Signal::Frame(stored)) => return stored,
                Some(Signal::Suspect) => {}
                None => panic!("{rule}: the feed ended"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(|_elapsed| panic!("{rule}: nothing came"))
}

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Debug)]
pub(super) struct Rng(pub(super) u64);

impl Rng {
    /// A number below `limit`.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % (limit as u64)).unwrap()
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
