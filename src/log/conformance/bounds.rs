//! Bounds, sizes, readiness.

use std::sync::Arc;

use super::kit::{PATIENCE, append, events, home, line, open, owned, put, put_open, read_until, session};
use crate::limits;
use crate::log::{AppendError, Bounds, Expect, Frame, Log, Sequence};
use crate::subject::{Lane, Scope, Shard, Topic};

async fn bounds(log: &Arc<dyn Log>, lane: Lane, shard: Shard) -> Bounds {
    log.bounds(lane, shard)
        .await
        .unwrap_or_else(|error| panic!("bounds of {lane:?} {shard} failed: {error:?}"))
}

pub(super) async fn an_empty_shard_has_no_place(log: Arc<dyn Log>) {
    for lane in Lane::ALL {
        for shard in log.layout().all() {
            let found = bounds(&log, lane, shard).await;
            assert_eq!(
                (found.first, found.last, found.frames),
                (Sequence(1), Sequence(0), 0),
                "an empty shard: first is one behind last, last is 0: {lane:?} {shard}"
            );
        }
    }
}

pub(super) async fn they_follow_the_appends(log: Arc<dyn Log>) {
    for topic in [events("s", None, Some("x")), Topic::Journal(session("x")), Topic::Inbox(session("x"))] {
        let (lane, shard) = (topic.lane(), home(&log, &topic));
        let empty = bounds(&log, lane, shard).await;
        let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
        let b = put(&log, &topic, &owned(1, 1, "b"), Some(a)).await;
        let start = std::time::Instant::now();
        let mut found = bounds(&log, lane, shard).await;
        while found.last != b && start.elapsed() < PATIENCE {
            found = bounds(&log, lane, shard).await;
        }
        assert_eq!(
            (found.first, found.last, found.frames),
            (a, b, 2),
            "bounds follow the appends in {lane:?}"
        );
        assert!(found.bytes > 0, "bytes are counted");
        assert_eq!(found.epoch, empty.epoch, "the incarnation of a shard does not change while it lives");
    }
}

pub(super) async fn a_large_frame_is_taken_and_a_huge_one_refused(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let key = Scope::from(&topic.key().unwrap());
    // The largest that a writer makes: a frame that is just not full, and one more of the largest events.
    let large = Frame::owned(
        1,
        0,
        0,
        &[line(&"x".repeat(limits::FRAME_BYTES - 16)), line(&"y".repeat(limits::EVENT_BYTES - 16))],
    );
    let a = put(&log, &topic, &large, None).await;
    let found = read_until(&log, &key, "the large frame is there", |found| found.len() == 1).await;
    assert!(found[0].frame == large && found[0].damage.is_none(), "a large frame comes back as it was");
    let huge = Frame::owned(1, 2, 0, &[line(&"x".repeat(65 << 20))]);
    for expect in [Expect::Last(Some(a)), Expect::Open(crate::id::EventId::generate())] {
        match append(&log, &topic, &huge, expect).await {
            Err(error @ AppendError::TooLarge { .. }) => assert!(!error.is_retryable()),
            other => panic!("a frame of 65 MiB must be too large, was {other:?}"),
        }
    }
    put(&log, &topic, &owned(1, 2, "b"), Some(a)).await;
}

pub(super) async fn ready_answers(log: Arc<dyn Log>) {
    log.ready().await.expect("a log that works is ready");
    put_open(&log, &events("s", None, None), &open("a")).await;
    log.ready().await.expect("a log that works is ready");
}
