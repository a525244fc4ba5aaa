//! Open appends: anybody's, idempotent by event id.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::json;

use super::kit::{append, events, holds, home, line, open, put_open, read_until, scope, session};
use crate::id::{EventId, Run};
use crate::log::{Expect, Frame, Log, Pipeline};
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

pub(super) async fn a_pipeline_keeps_the_order_of_an_execution(log: Arc<dyn Log>) {
    const FRAMES: usize = 400;
    let pipeline = Pipeline::default();
    let ids: Vec<EventId> = (0..FRAMES).map(|_| EventId::generate()).collect();
    let topic = |n: usize| events("s", Some(["a", "b"][n % 2]), Some(["x", "y"][n / 2 % 2]));
    let put = |n: usize| {
        let (log, pipeline, id) = (log.clone(), pipeline.clone(), ids[n]);
        async move {
            let frame = Frame::external(&[line(&n.to_string())]);
            (n, log.append_in_order(&pipeline, &topic(n), &frame, id).await)
        }
    };
    // All at once, every seventh again: a repeat changes nothing.
    let handed_in =
        (0..FRAMES).flat_map(|n| (n.is_multiple_of(7)).then_some(n).into_iter().chain([n])).map(put);
    let handed_in: FuturesUnordered<_> = handed_in.map(tokio::task::coop::unconstrained).collect();
    let mut acknowledged = BTreeMap::new();
    for (n, outcome) in handed_in.collect::<Vec<_>>().await {
        let place = outcome.unwrap_or_else(|error| panic!("frame {n} of a pipeline failed: {error:?}"));
        let known = *acknowledged.entry(n).or_insert(place);
        assert_eq!(known, place, "a repeat has the place of the first");
    }
    for execution in ["x", "y"] {
        let of = |n: &usize| topic(*n) == events("s", Some(["a", "b"][n % 2]), Some(execution));
        let wanted: Vec<_> =
            (0..FRAMES).filter(of).map(|n| (acknowledged[&n], line(&n.to_string()))).collect();
        let scope = scope(Some("s"), None, Some(execution));
        let found = read_until(&log, &scope, "all are stored once", |found| found.len() == FRAMES / 2).await;
        let found: Vec<_> = found.into_iter().map(|stored| (stored.sequence, stored.frame.payload)).collect();
        assert!(found == wanted, "frames of a pipeline are stored in the order in which they were handed in");
    }
}

pub(super) async fn an_event_of_a_frame_is_recognised_alone(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let ids: Vec<EventId> = Run::begin().take(4).collect();
    let of = |ids: &[EventId]| {
        let lines: Vec<Bytes> = ids.iter().map(|id| Bytes::from(json!({ "id": id }).to_string())).collect();
        (Frame::external(&lines), Expect::Open(ids[0]))
    };
    let put = async |ids: &[EventId]| {
        let (frame, expect) = of(ids);
        append(&log, &topic, &frame, expect).await.unwrap()
    };
    let first = put(&ids[..3]).await;
    for again in [&ids[..3], &ids[..1], &ids[1..2], &ids[2..3], &ids[1..3]] {
        assert_eq!(put(again).await, first, "its events have its place, alone and together");
    }
    let last = put(&ids[3..]).await;
    assert!(last > first, "the frame does not hold this one");
    assert_eq!(put(&ids[3..]).await, last);
    let both = put(&ids[2..]).await;
    assert!(both > last, "no frame holds both");
    // Of a frame that was never stored.
    let ids: Vec<EventId> = Run::begin().take(3).collect();
    let third = put(&ids[2..]).await;
    let second = put(&ids[1..2]).await;
    let whole = put(&ids).await;
    assert!(whole > second && second > third, "each is stored");
    for again in [&ids[2..], &ids[1..2], &ids[..]] {
        let place = put(again).await;
        assert!([third, second, whole].contains(&place), "a repeat stores nothing");
    }
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
