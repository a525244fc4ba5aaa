//! External frames: readers get them with the others, and they do not block an owner.

use std::sync::Arc;

use super::kit::{
    append, events, home, line, next_frame, open, owned, put, put_open, read_until, scope, session,
};
use crate::id::EventId;
use crate::log::{AppendError, Author, Expect, Frame, Log, Sequence};
use crate::subject::{Scope, Topic};

fn external(text: &str) -> Frame {
    Frame::external(&[line(text)])
}

pub(super) async fn they_are_read_with_the_rest_and_are_marked(log: Arc<dyn Log>) {
    let topic = events("s", Some("n"), Some("x"));
    let mut feeds = Vec::new();
    let scopes = [scope(Some("s"), Some("n"), Some("x")), scope(None, None, Some("x")), Scope::EVERYTHING];
    for scope in &scopes {
        feeds.push(log.tail(scope).await.unwrap());
    }
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    let b = put_open(&log, &topic, &external("b")).await;
    let c = put_open(&log, &topic, &open("c")).await;
    let wanted = [(a, Some(1), false), (b, None, true), (c, None, false)];
    for (scope, feed) in scopes.iter().zip(&mut feeds) {
        let found = read_until(&log, scope, "all three are read", |found| found.len() == 3).await;
        for (stored, (sequence, epoch, is_external)) in found.iter().zip(wanted) {
            let author = stored.frame.author;
            assert_eq!((stored.sequence, stored.frame.epoch()), (sequence, epoch), "{scope:?}");
            assert_eq!((author.is_external(), &stored.topic), (is_external, &topic), "{scope:?}");
            let told = next_frame(feed, "the live feed has it too").await;
            assert_eq!((told.sequence, told.frame.author), (sequence, author), "{scope:?}");
        }
        assert_eq!((&found[1].damage, found[1].prev), (&None, None));
    }
}

pub(super) async fn one_between_shows_in_prev(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let a = put(&log, &topic, &owned(1, 0, "a"), None).await;
    let between = put_open(&log, &events("s", Some("n"), Some("x")), &external("from outside")).await;
    match append(&log, &topic, &owned(1, 1, "b"), Expect::Last(Some(a))).await {
        Err(AppendError::Fenced { last: Some(last), .. }) => {
            assert_eq!((last.sequence, last.frame.author), (between, Author::External));
        }
        other => panic!("an external frame counts in a check over the whole key, was {other:?}"),
    }
    let b = put(&log, &topic, &owned(1, 1, "b"), Some(between)).await;
    let found = log.last(&topic.key().unwrap()).await.unwrap().unwrap();
    assert_eq!((found.sequence, found.prev), (b, Some(between)), "so no reader misses it");
}

pub(super) async fn a_check_of_own_frames_passes_over_them(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    put_open(&log, &topic, &external("before")).await;
    let first = owned(1, 0, "a");
    let a = append(&log, &topic, &first, Expect::Own(None)).await.unwrap();
    for n in 0..3 {
        put_open(&log, &events("s", Some("n"), Some("x")), &external(&n.to_string())).await;
    }
    let again = append(&log, &topic, &first, Expect::Own(None)).await.unwrap();
    assert_eq!(again, a, "the same frame with the same expectation again is the same place");
    let b = append(&log, &topic, &owned(1, 1, "b"), Expect::Own(Some(a))).await.unwrap();
    let found = log.last(&topic.key().unwrap()).await.unwrap().unwrap();
    assert_eq!((found.sequence, found.prev), (b, None), "an external frame names no predecessor");
    let other = append(&log, &topic, &owned(2, 1, "c"), Expect::Own(Some(a))).await;
    assert!(matches!(other, Err(AppendError::Fenced { .. })), "{other:?}");
    // A frame of Runbus's without an owner counts.
    let c = put_open(&log, &topic, &open("cancel")).await;
    let other = append(&log, &topic, &owned(1, 2, "c"), Expect::Own(Some(b))).await;
    assert!(
        matches!(&other, Err(AppendError::Fenced { last: Some(last), .. }) if last.sequence == c),
        "{other:?}"
    );
    append(&log, &topic, &owned(1, 2, "c"), Expect::Own(Some(c))).await.unwrap();
    let never = Sequence(1_000_000);
    let other = append(&log, &topic, &owned(1, 3, "d"), Expect::Own(Some(never))).await;
    assert!(matches!(other, Err(AppendError::Regressed { .. })), "{other:?}");
}

pub(super) async fn nobody_takes_an_id_away(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let id = EventId::generate();
    let theirs = append(&log, &topic, &external("forged"), Expect::Open(id)).await.unwrap();
    let ours = append(&log, &topic, &open("said"), Expect::Open(id)).await.unwrap();
    assert_ne!(theirs, ours, "both are stored");
    for (frame, place) in [(external("forged"), theirs), (open("said"), ours)] {
        assert_eq!(append(&log, &topic, &frame, Expect::Open(id)).await.unwrap(), place);
    }
    let all = scope(Some("s"), None, None);
    read_until(&log, &all, "two frames, not four", |found| found.len() == 2).await;
}

pub(super) async fn they_are_events_and_expect_nothing(log: Arc<dyn Log>) {
    for topic in [Topic::Journal(session("x")), Topic::Inbox(session("x"))] {
        let outcome = append(&log, &topic, &external("a"), Expect::Open(EventId::generate())).await;
        assert!(matches!(outcome, Err(AppendError::Refused(_))), "{topic:?}: {outcome:?}");
    }
    let topic = events("s", None, Some("x"));
    for expect in [Expect::Last(None), Expect::Own(None)] {
        let outcome = append(&log, &topic, &external("a"), expect).await;
        assert!(matches!(outcome, Err(AppendError::Refused(_))), "{expect:?}: {outcome:?}");
    }
    let stream = events("s", None, None);
    let place = put_open(&log, &stream, &external("a")).await;
    let found =
        read_until(&log, &scope(Some("s"), None, None), "of a stream", |found| !found.is_empty()).await;
    assert_eq!((found[0].sequence, found[0].shard), (place, home(&log, &stream)));
}
