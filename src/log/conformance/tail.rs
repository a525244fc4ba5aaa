//! Live feeds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::kit::{PATIENCE, events, holds, home, next_frame, open, owned, put, put_open, scope, session};
use crate::limits;
use crate::log::{Log, Sequence, Signal, Tail};
use crate::subject::{Scope, Topic};

async fn tail(log: &Arc<dyn Log>, scope: &Scope) -> Tail {
    log.tail(scope).await.unwrap_or_else(|error| panic!("tail({scope:?}) failed: {error:?}"))
}

pub(super) async fn later_frames_arrive_in_order(log: Arc<dyn Log>) {
    for topic in [events("s", Some("n"), Some("x")), Topic::Journal(session("x")), Topic::Inbox(session("x"))]
    {
        let mut end = None;
        for n in 0..3 {
            end = Some(put(&log, &topic, &owned(1, n, "before"), end).await);
        }
        let before = end;
        let mut narrow = tail(&log, &Scope::from(&topic.key().unwrap())).await;
        let broad = match topic {
            Topic::Journal(_) => Scope::Journal(None),
            Topic::Inbox(_) => Scope::Inbox(None),
            _ => Scope::EVERYTHING,
        };
        let mut broad = tail(&log, &broad).await;
        let mut expected = Vec::new();
        for n in 3..40 {
            let frame = owned(1, n, "after");
            let sequence = put(&log, &topic, &frame, end).await;
            expected.push((sequence, end, frame));
            end = Some(sequence);
        }
        for feed in [&mut narrow, &mut broad] {
            for (sequence, prev, frame) in &expected {
                let rule = "a frame appended after tail() returned arrives, in order, once";
                let mut found = next_frame(feed, rule).await;
                // A feed may still carry what was acknowledged just before it began.
                while Some(found.sequence) <= before {
                    found = next_frame(feed, rule).await;
                }
                assert_eq!(found.sequence, *sequence, "{rule}");
                assert_eq!(
                    (&found.topic, &found.frame, found.prev, &found.damage),
                    (&topic, frame, *prev, &None)
                );
                assert_eq!(found.shard, home(&log, &topic));
            }
        }
    }
}

pub(super) async fn only_the_scope_arrives(log: Arc<dyn Log>) {
    let scopes = [
        scope(Some("s"), None, None),
        scope(None, Some("n"), None),
        scope(None, None, Some("x")),
        scope(Some("s"), Some("n"), Some("x")),
        scope(Some("*"), None, None),
        Scope::Journal(Some(session("x"))),
        Scope::Inbox(None),
    ];
    let mut feeds = Vec::new();
    for scope in &scopes {
        feeds.push(tail(&log, scope).await);
    }
    let mut topics = Vec::new();
    for stream in ["t", "*", "s"] {
        for node in [None, Some("m"), Some("n")] {
            for execution in [None, Some("y"), Some("x")] {
                topics.push(events(stream, node, execution));
            }
        }
    }
    topics.extend([Topic::Journal(session("y")), Topic::Journal(session("x")), Topic::Inbox(session("x"))]);
    let mut stored = Vec::new();
    for _ in 0..2 {
        for topic in &topics {
            stored.push((topic, put_open(&log, topic, &open("a")).await));
        }
    }
    for (scope, feed) in scopes.iter().zip(&mut feeds) {
        let mut missing: Vec<(Topic, Sequence)> = stored
            .iter()
            .filter(|(topic, _)| scope.matches(topic))
            .map(|(topic, sequence)| ((*topic).clone(), *sequence))
            .collect();
        while !missing.is_empty() {
            let found = next_frame(feed, &format!("{scope:?} still misses {missing:?}")).await;
            // Topics of one key arrive in order, others as they come.
            let at = missing
                .iter()
                .position(|(topic, sequence)| (topic, *sequence) == (&found.topic, found.sequence));
            let Some(at) = at else { panic!("{scope:?} delivered {:?} {}", found.topic, found.sequence) };
            missing.remove(at);
        }
    }
}

pub(super) async fn a_dropped_feed_harms_no_other(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let mut kept = tail(&log, &Scope::EVERYTHING).await;
    for _ in 0..20 {
        drop(tail(&log, &Scope::EVERYTHING).await);
        drop(tail(&log, &Scope::from(&topic.key().unwrap())).await);
    }
    for n in 0..10 {
        let sequence = put_open(&log, &topic, &open(&format!("{n}"))).await;
        assert_eq!(next_frame(&mut kept, "a feed goes on when others end").await.sequence, sequence);
    }
}

pub(super) async fn a_slow_reader_blocks_no_other_and_learns_of_its_loss(log: Arc<dyn Log>) {
    let total = 2 * limits::TAIL_SIGNALS + 100;
    let mut slow = tail(&log, &Scope::EVERYTHING).await;
    let mut fast = tail(&log, &Scope::EVERYTHING).await;
    let writer = tokio::spawn({
        let log = log.clone();
        async move {
            let mut last = Vec::new();
            for first in (0..total).step_by(64) {
                let put = |n: usize| {
                    let log = log.clone();
                    async move {
                        let topic = events("s", None, Some(&format!("x{}", n % 7)));
                        let sequence = put_open(&log, &topic, &open(&format!("{n}"))).await;
                        (home(&log, &topic), sequence)
                    }
                };
                last.extend(futures_util::future::join_all((first..total.min(first + 64)).map(put)).await);
            }
            last
        }
    });
    let mut seen = 0;
    let mut told = false;
    while seen < total && !told {
        match tokio::time::timeout(PATIENCE, fast.next()).await {
            Ok(Some(Signal::Frame(_))) => seen += 1,
            Ok(Some(Signal::Suspect)) => told = true,
            other => panic!("a feed beside a slow one must go on, saw {seen} of {total}, then {other:?}"),
        }
    }
    let all =
        tokio::time::timeout(PATIENCE, writer).await.expect("a slow reader must not block writers").unwrap();
    assert_eq!(all.len(), total);
    let (mut seen, mut told) = (0, false);
    // Once more frames are lost than the feed holds, the loss signal comes before or behind the held frames.
    while seen < total && !told {
        match tokio::time::timeout(PATIENCE, slow.next()).await {
            Ok(Some(Signal::Frame(_))) => seen += 1,
            Ok(Some(Signal::Suspect)) => told = true,
            other => panic!("frames were lost without a word: saw {seen} of {total}, then {other:?}"),
        }
    }
    holds(&log, &Scope::EVERYTHING, &all, "the log has what the feed lost").await;
    // The frames that the feed still holds leave no room at first, so that later frames may be lost too.
    let topic = events("s", None, Some("end"));
    let start = Instant::now();
    let mut arrived = false;
    while !arrived {
        assert!(start.elapsed() < PATIENCE, "a feed goes on after a loss once it is read");
        let end = put_open(&log, &topic, &open("end")).await;
        while let Ok(signal) = tokio::time::timeout(Duration::from_millis(200), slow.next()).await {
            match signal {
                Some(Signal::Frame(found)) if (&found.topic, found.sequence) == (&topic, end) => {
                    arrived = true;
                    break;
                }
                Some(_) => {}
                None => panic!("a feed must not end because its reader is slow"),
            }
        }
    }
}
