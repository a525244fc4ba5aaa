//! Checked appends: accepted, fenced, chained.

use std::sync::Arc;

use bytes::Bytes;

use super::kit::{append, events, home, last, line, open, owned, put, put_open, read_until, scope, session};
use crate::log::{AppendError, Expect, Frame, Log, Sequence, Trace};
use crate::subject::{Scope, Topic};

pub(super) async fn appends_are_numbered_and_chained(log: Arc<dyn Log>) {
    for topic in [events("s", None, Some("x")), Topic::Journal(session("x")), Topic::Inbox(session("x"))] {
        let mut end: Option<Sequence> = None;
        let mut chain = Vec::new();
        for n in 0..5 {
            let sequence = put(&log, &topic, &owned(1, n, "a"), end).await;
            assert!(Some(sequence) > end && sequence.0 > 0, "sequences must grow and start at 1");
            chain.push((sequence, Some(end.unwrap_or_default())));
            end = Some(sequence);
        }
        let key = topic.key().unwrap();
        read_until(
            &log,
            &Scope::from(&key),
            "prev of a checked frame is its predecessor in the key, 0 for the first",
            |found| found.iter().map(|stored| (stored.sequence, stored.prev)).collect::<Vec<_>>() == chain,
        )
        .await;
    }
}

pub(super) async fn none_expects_an_empty_key(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let first = put(&log, &topic, &owned(1, 0, "mine"), None).await;
    match append(&log, &topic, &owned(2, 0, "late"), Expect::Last(None)).await {
        Err(AppendError::Fenced { last: Some(last), .. }) => assert_eq!(last.sequence, first),
        other => panic!("expecting an empty key that is not empty must be fenced, was {other:?}"),
    }
}

pub(super) async fn a_stale_expectation_is_fenced_with_the_last_frame(log: Arc<dyn Log>) {
    let topic = events("s", Some("n"), Some("x"));
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    let b = put(&log, &topic, &owned(2, 1, "b"), Some(a)).await;
    match append(&log, &topic, &owned(1, 1, "late"), Expect::Last(Some(a))).await {
        Err(error @ AppendError::Fenced { .. }) => {
            assert!(!error.is_retryable(), "fenced is final");
            let AppendError::Fenced { key, last } = error else { unreachable!() };
            assert_eq!(Some(*key), topic.key());
            let last = last.expect("fenced carries the key's last frame");
            assert_eq!(
                (last.sequence, last.frame.epoch()),
                (b, Some(2)),
                "fenced carries the key's last frame"
            );
            assert_eq!((&last.topic, last.prev), (&topic, Some(a)));
        }
        other => panic!("an append that expects an older frame must be fenced, was {other:?}"),
    }
    assert_eq!(
        last(&log, &topic.key().unwrap()).await.unwrap().sequence,
        b,
        "a fenced frame must not be stored"
    );
}

pub(super) async fn the_check_is_over_all_nodes_of_an_execution(log: Arc<dyn Log>) {
    let of = |node| events("s", node, Some("x"));
    let a = put(&log, &of(None), &owned(1, 0, "a"), None).await;
    let b = put(&log, &of(Some("n1")), &owned(1, 1, "b"), Some(a)).await;
    let c = put(&log, &of(Some("n2")), &owned(1, 2, "c"), Some(b)).await;
    for (node, expect) in [(None, Some(a)), (Some("n1"), Some(b)), (Some("n3"), None)] {
        let outcome = append(&log, &of(node), &owned(1, 3, "d"), Expect::Last(expect)).await;
        assert!(
            matches!(outcome, Err(AppendError::Fenced { .. })),
            "node {node:?} expecting {expect:?} must be fenced by the frames of other nodes, was {outcome:?}"
        );
    }
    put(&log, &of(None), &owned(1, 3, "d"), Some(c)).await;
}

pub(super) async fn keys_do_not_touch_each_other(log: Arc<dyn Log>) {
    let topics = [
        events("s", None, Some("x")),
        events("t", None, Some("x")),
        events("s", Some("x"), Some("s")),
        Topic::Journal(session("x")),
        Topic::Inbox(session("x")),
    ];
    let mut ends = Vec::new();
    for topic in &topics {
        ends.push(put(&log, topic, &owned(1, 0, "a"), None).await);
    }
    for (topic, end) in topics.iter().zip(&ends) {
        let sequence = put(&log, topic, &owned(1, 1, "b"), Some(*end)).await;
        assert_eq!(last(&log, &topic.key().unwrap()).await.unwrap().sequence, sequence);
    }
}

pub(super) async fn an_open_frame_between_fences_the_owner(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    let between = put_open(&log, &events("s", Some("n"), Some("x")), &open("from outside")).await;
    match append(&log, &topic, &owned(1, 1, "b"), Expect::Last(Some(a))).await {
        Err(AppendError::Fenced { last: Some(last), .. }) => {
            assert_eq!(
                (last.sequence, last.frame.epoch(), last.prev),
                (between, None, None),
                "the last frame is the open one"
            );
        }
        other => panic!("an open frame stands at the end, the append must be fenced, was {other:?}"),
    }
    let b = put(&log, &topic, &owned(1, 1, "b"), Some(between)).await;
    let found = last(&log, &topic.key().unwrap()).await.unwrap();
    assert_eq!((found.sequence, found.prev), (b, Some(between)), "prev counts open frames too");
}

pub(super) async fn topics_without_an_owner_take_no_expectation(log: Arc<dyn Log>) {
    let outcome = append(&log, &events("s", Some("n"), None), &owned(1, 0, "a"), Expect::Last(None)).await;
    assert!(
        matches!(outcome, Err(AppendError::Refused(_))),
        "a topic without execution has no key, a checked append must be refused, was {outcome:?}"
    );
}

pub(super) async fn a_place_that_was_never_given_is_regressed(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let never = Sequence(1_000_000);
    match append(&log, &topic, &owned(1, 5, "a"), Expect::Last(Some(never))).await {
        Err(AppendError::Regressed { expected, found, .. }) => assert_eq!((expected, found), (never, None)),
        other => panic!("an empty key that ended at {never} lost data, was {other:?}"),
    }
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    match append(&log, &topic, &owned(1, 5, "b"), Expect::Last(Some(never))).await {
        Err(AppendError::Regressed { expected, found, key }) => {
            assert_eq!((expected, found, Some(*key)), (never, Some(a), topic.key()));
        }
        other => panic!("a key that ends before the expected frame lost data, was {other:?}"),
    }
    put(&log, &topic, &owned(1, 1, "b"), Some(a)).await;
}

pub(super) async fn frames_come_back_as_they_were(log: Arc<dyn Log>) {
    let topic = events("s", Some("n"), Some("x"));
    let lines: Vec<Bytes> = (0..7).map(|n| line(&format!("{n} ünïcode \u{1f980} \\ \""))).collect();
    let mut full = Frame::owned(u64::from(u32::MAX) + 7, 3, 9, &lines);
    full.trace = Some(Trace {
        parent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        state: Some("vendor=1,other=a b".into()),
    });
    let mut plain = owned(u64::from(u32::MAX) + 7, 10, "x");
    plain.trace = full.trace.clone().map(|trace| Trace { state: None, ..trace });
    let a = put(&log, &topic, &full, None).await;
    let b = put(&log, &topic, &plain, Some(a)).await;
    let key = topic.key().unwrap();
    let found = read_until(&log, &Scope::from(&key), "two frames are there", |found| found.len() == 2).await;
    for (stored, (sequence, frame)) in found.iter().zip([(a, &full), (b, &plain)]) {
        assert_eq!(stored.damage, None);
        assert_eq!((&stored.frame, stored.sequence, &stored.topic), (frame, sequence, &topic));
        assert_eq!(stored.shard, home(&log, &topic), "an append goes to the topic's home shard");
        assert!(stored.stored_at.micros() > 1_600_000_000_000_000, "stored_at is the log's wall clock");
    }
    let sequence = put_open(&log, &events("s", Some("m"), Some("y")), &Frame::open(&lines)).await;
    let found =
        read_until(&log, &scope(None, Some("m"), None), "one frame is there", |found| found.len() == 1).await;
    assert_eq!((found[0].sequence, &found[0].frame, found[0].prev), (sequence, &Frame::open(&lines), None));
}
