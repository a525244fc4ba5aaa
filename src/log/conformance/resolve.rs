//! Unknown outcomes: the same frame with the same expectation again is safe and tells.

use std::sync::Arc;

use super::kit::{append, events, holds, home, open, owned, put, put_open};
use crate::log::{AppendError, Expect, Log};
use crate::subject::Scope;

pub(super) async fn the_same_frame_again_is_the_same_place(log: Arc<dyn Log>) {
    let topic = events("s", Some("n"), Some("x"));
    let frame = owned(1, 0, "a");
    let a = put(&log, &topic, &frame, None).await;
    assert_eq!(put(&log, &topic, &frame, None).await, a, "the same first frame again is at the same place");
    let frame = owned(1, 1, "b");
    let b = put(&log, &topic, &frame, Some(a)).await;
    for _ in 0..2 {
        assert_eq!(put(&log, &topic, &frame, Some(a)).await, b, "the same frame again is at the same place");
    }
    let shard = home(&log, &topic);
    let key = Scope::from(&topic.key().unwrap());
    holds(&log, &key, &[(shard, a), (shard, b)], "a frame that is appended again is stored once").await;
}

pub(super) async fn it_is_found_behind_open_frames(log: Arc<dyn Log>) {
    let topic = events("s", Some("n"), Some("x"));
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    let frame = owned(1, 1, "b");
    let b = put(&log, &topic, &frame, Some(a)).await;
    for n in 0..3 {
        put_open(&log, &events("s", None, Some("x")), &open(&format!("outside {n}"))).await;
    }
    let outcome = append(&log, &topic, &frame, Expect::Last(Some(a))).await;
    assert!(
        matches!(outcome, Ok(sequence) if sequence == b),
        "the frame stands right behind what was expected, only open ones follow: {b} is the answer, was {outcome:?}"
    );
}

pub(super) async fn another_frame_is_not_mine(log: Arc<dyn Log>) {
    let topic = events("s", Some("n"), Some("x"));
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    put(&log, &topic, &owned(2, 1, "b"), Some(a)).await;
    for (other, why) in [
        (owned(1, 1, "b"), "another epoch"),
        (owned(2, 2, "b"), "another index"),
        (owned(2, 1, "c"), "another payload"),
    ] {
        let outcome = append(&log, &topic, &other, Expect::Last(Some(a))).await;
        assert!(
            matches!(outcome, Err(AppendError::Fenced { .. })),
            "{why} is another frame, was {outcome:?}"
        );
    }
    let elsewhere = events("s", Some("m"), Some("x"));
    let outcome = append(&log, &elsewhere, &owned(2, 1, "b"), Expect::Last(Some(a))).await;
    assert!(
        matches!(outcome, Err(AppendError::Fenced { .. })),
        "another topic is another frame, was {outcome:?}"
    );
}

pub(super) async fn concurrent_retries_store_one_frame(log: Arc<dyn Log>) {
    let topic = events("s", Some("n"), Some("x"));
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    let retry = || {
        let (log, topic) = (log.clone(), topic.clone());
        tokio::spawn(async move { put(&log, &topic, &owned(1, 1, "b"), Some(a)).await })
    };
    let tasks: Vec<_> = (0..8).map(|_| retry()).collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.unwrap());
    }
    found.dedup();
    let [b] = found[..] else { panic!("retries of one frame must agree on its place: {found:?}") };
    let shard = home(&log, &topic);
    holds(&log, &Scope::from(&topic.key().unwrap()), &[(shard, a), (shard, b)], "one frame is stored").await;
}
