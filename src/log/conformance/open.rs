//! Open appends: anybody's, idempotent by event id.

use std::sync::Arc;

use super::kit::{append, events, holds, home, open, put_open, read_until, scope, session};
use crate::id::EventId;
use crate::log::{Expect, Log};
use crate::subject::{Scope, Topic};

pub(super) async fn the_same_id_is_stored_once(log: Arc<dyn Log>) {
    for topic in [events("s", None, Some("x")), events("s", None, None), Topic::Inbox(session("x"))] {
        let id = EventId::generate();
        let first = append(&log, &topic, &open("a"), Expect::Open(id)).await.unwrap();
        put_open(&log, &topic, &open("other")).await;
        for _ in 0..2 {
            let again = append(&log, &topic, &open("a"), Expect::Open(id)).await.unwrap();
            assert_eq!(again, first, "the same id again answers with the place of the first");
        }
    }
    let found = read_until(&log, &scope(Some("s"), None, Some("x")), "two frames, not four", |found| {
        found.len() == 2
    })
    .await;
    assert!(
        found.iter().all(|stored| stored.prev.is_none() && stored.damage.is_none()),
        "open frames have no prev"
    );
}

pub(super) async fn concurrent_repeats_store_one_frame(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let id = EventId::generate();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (log, topic) = (log.clone(), topic.clone());
            tokio::spawn(async move { append(&log, &topic, &open("a"), Expect::Open(id)).await.unwrap() })
        })
        .collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.unwrap());
    }
    found.dedup();
    let [place] = found[..] else { panic!("repeats of one id must agree on its place: {found:?}") };
    holds(&log, &Scope::EVERYTHING, &[(home(&log, &topic), place)], "one frame is stored").await;
}

pub(super) async fn different_ids_are_different_frames(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let a = put_open(&log, &topic, &open("same")).await;
    let b = put_open(&log, &topic, &open("same")).await;
    assert!(b > a, "the same content under another id is another frame");
    let shard = home(&log, &topic);
    holds(&log, &Scope::EVERYTHING, &[(shard, a), (shard, b)], "both are stored").await;
}

pub(super) async fn events_without_execution_are_taken(log: Arc<dyn Log>) {
    let topics = [events("s", None, None), events("s", Some("n"), None)];
    let mut expected = Vec::new();
    for topic in &topics {
        expected.push((home(&log, topic), put_open(&log, topic, &open("a")).await));
    }
    holds(&log, &scope(Some("s"), None, None), &expected, "a stream's scope holds what has no execution")
        .await;
    holds(&log, &scope(None, Some("n"), None), &expected[1..], "a node's scope holds what has no execution")
        .await;
}
