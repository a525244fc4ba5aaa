//! Retention removes the oldest events, in order, and says so in the bounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::config;
use crate::adapters::embedded::{Config, Embedded};
use crate::id::{EventId, ExecutionId, SessionId, StreamId};
use crate::log::{AppendError, Bounds, Expect, Frame, Log, Sequence};
use crate::subject::{Lane, Shard, Topic};
use crate::time::Clock;

fn topic() -> Topic {
    Topic::Events {
        stream: StreamId::new("s").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("x").unwrap()),
    }
}

async fn bounds(embedded: &Embedded, lane: Lane) -> Bounds {
    embedded.log.bounds(lane, Shard(0)).await.unwrap()
}

async fn until(embedded: &Embedded, rule: &str, right: impl Fn(Bounds) -> bool) -> Bounds {
    let start = Instant::now();
    loop {
        let found = bounds(embedded, Lane::Events).await;
        if right(found) {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "{rule}: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn old_events_go_and_journals_stay() {
    let folder = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(1_800_000_000_000_000));
    let config = Config { max_age_hours: Some(2), ..config(&folder) };
    let embedded = Embedded::open(&config, Clock::Manual(time.clone())).unwrap();
    let journal = Topic::Journal(SessionId::new("x").unwrap());
    let mut ends = (None, None);
    for index in 0..3 {
        let frame = Frame::owned(1, index, 0, &[Bytes::from_static(b"{}")]);
        ends.0 = Some(embedded.log.append(&topic(), &frame, Expect::Last(ends.0)).await.unwrap());
        ends.1 = Some(embedded.log.append(&journal, &frame, Expect::Last(ends.1)).await.unwrap());
        time.fetch_add(3_600_000_000, Ordering::Relaxed);
    }
    let found = until(&embedded, "the first is older than two hours", |found| found.frames == 2).await;
    assert_eq!((found.first, found.last), (Sequence(2), Sequence(3)));
    time.fetch_add(10 * 3_600_000_000, Ordering::Relaxed);
    let found = until(&embedded, "all are older than two hours", |found| found.frames == 0).await;
    assert_eq!((found.first, found.last, found.bytes), (Sequence(4), Sequence(3), 0));
    assert_eq!(bounds(&embedded, Lane::Journal).await.frames, 3);
    // The owner's last frame was removed, not lost: it goes on.
    let next = Frame::owned(1, 3, 0, &[Bytes::from_static(b"{}")]);
    assert_eq!(embedded.log.append(&topic(), &next, Expect::Last(ends.0)).await.unwrap(), Sequence(4));
    let never = embedded.log.append(&topic(), &next, Expect::Last(Some(Sequence(9)))).await;
    assert!(matches!(never, Err(AppendError::Regressed { .. })), "{never:?}");
}

#[tokio::test]
async fn events_beyond_the_size_go() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { max_bytes_mib: Some(1), ..config(&folder) };
    let embedded = Embedded::open(&config, Clock::System).unwrap();
    let line = Bytes::from(format!("\"{}\"", "x".repeat(64 * 1024 - 2)));
    for _ in 0..40 {
        let id = Expect::Open(EventId::generate());
        embedded.log.append(&topic(), &Frame::open(std::slice::from_ref(&line)), id).await.unwrap();
    }
    let found = until(&embedded, "at most one MiB stays", |found| found.bytes <= 1 << 20).await;
    assert_eq!((found.first, found.last, found.frames), (Sequence(25), Sequence(40), 16));
}
