//! Ids that mean something to somebody's subjects, patterns or queries.

use std::sync::Arc;

use super::kit::{append, events, holds, home, last, open, owned, put, put_open, scope, session};
use crate::limits;
use crate::log::{AppendError, Expect, Log};
use crate::subject::{Scope, Topic};

const STRANGE: &[&str] = &[
    "_",
    "__",
    "*",
    ">",
    "a.b",
    "a..b",
    "...",
    "a b",
    " ",
    "a",
    "A",
    "%",
    "_%",
    "%5F",
    "%2E",
    "100%",
    "a*",
    "a>",
    "$JS",
    "\\",
    "'",
    "\"",
    "{a}",
    "[a]",
    "?",
    "/",
    ":",
    "a:b",
    "ü",
    "u\u{308}",
    "日本",
    "\u{1f980}",
    "\u{200b}",
    "0",
    "null",
];

pub(super) async fn ids_are_kept_apart(log: Arc<dyn Log>) {
    let mut places = Vec::new();
    for id in STRANGE {
        let topic = events(id, Some(id), Some(id));
        let first = put(&log, &topic, &owned(1, 0, id), None).await;
        let stale = append(&log, &topic, &owned(2, 0, id), Expect::Last(None)).await;
        assert!(
            matches!(stale, Err(AppendError::Fenced { .. })),
            "the check finds {id:?} again, was {stale:?}"
        );
        let found = last(&log, &topic.key().unwrap()).await.expect("the key has a frame");
        assert_eq!((found.sequence, &found.topic), (first, &topic), "last({id:?}) is its own");
        let journal = Topic::Journal(session(id));
        let entry = put(&log, &journal, &owned(1, 0, id), None).await;
        let none = put_open(&log, &events(id, None, None), &open("none")).await;
        let at = |topic, sequence| (home(&log, topic), sequence);
        places.push((at(&topic, first), at(&journal, entry), at(&events(id, None, None), none)));
    }
    for (id, &(event, entry, none)) in STRANGE.iter().zip(&places) {
        holds(&log, &scope(Some(id), None, None), &[event, none], "a stream's scope holds its own").await;
        holds(&log, &scope(None, Some(id), None), &[event], "a node's scope holds its own").await;
        holds(&log, &scope(None, None, Some(id)), &[event], "an execution's scope holds its own").await;
        holds(&log, &scope(Some(id), Some(id), Some(id)), &[event], "all three together hold their own")
            .await;
        holds(&log, &Scope::Journal(Some(session(id))), &[entry], "a session's scope holds its own").await;
    }
}

pub(super) async fn the_longest_ids_fit(log: Arc<dyn Log>) {
    for text in [".".repeat(limits::ID_BYTES), "日".repeat(limits::ID_BYTES / 3)] {
        let topic = events(&text, Some(&text), Some(&text));
        let sequence = put(&log, &topic, &owned(1, 0, "a"), None).await;
        let found = last(&log, &topic.key().unwrap()).await.expect("the key has a frame");
        assert_eq!((found.sequence, found.topic), (sequence, topic));
    }
}
