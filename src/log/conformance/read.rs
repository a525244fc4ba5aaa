//! Reading pages.

use std::sync::Arc;

use super::kit::{
    events, holds, home, last, line, open, owned, page, places, put, put_open, read_shard, read_until,
    request, scope, session,
};
use crate::log::{Direction, Frame, Log, Read, Sequence};
use crate::subject::{Key, Scope, Topic};

pub(super) async fn every_scope_in_both_directions(log: Arc<dyn Log>) {
    let mut topics = Vec::new();
    for stream in ["s", "t"] {
        for node in [None, Some("n"), Some("m")] {
            for execution in [None, Some("x"), Some("y"), Some("z")] {
                topics.push(events(stream, node, execution));
            }
        }
    }
    topics.extend(["x", "y"].map(session).map(Topic::Journal));
    topics.extend(["x", "y"].map(session).map(Topic::Inbox));
    let mut stored = Vec::new();
    for round in 0..2 {
        for topic in &topics {
            let sequence = put_open(&log, topic, &open(&format!("{round}"))).await;
            stored.push((topic, (home(&log, topic), sequence)));
        }
    }
    let mut scopes = vec![
        Scope::Journal(None),
        Scope::Inbox(None),
        Scope::Journal(Some(session("x"))),
        Scope::Inbox(Some(session("y"))),
        Scope::Inbox(Some(session("nobody"))),
    ];
    for stream in [None, Some("s"), Some("nobody")] {
        for node in [None, Some("n"), Some("nobody")] {
            for execution in [None, Some("x"), Some("nobody")] {
                scopes.push(scope(stream, node, execution));
            }
        }
    }
    for scope in &scopes {
        let expected: Vec<_> =
            stored.iter().filter(|(topic, _)| scope.matches(topic)).map(|(_, place)| *place).collect();
        holds(&log, scope, &expected, "a scope holds exactly what it matches").await;
        for shard in scope.shards(&log.layout()) {
            let mut wanted: Vec<_> = expected.iter().copied().filter(|(at, _)| *at == shard).collect();
            let few = |from, direction| Read { max_frames: 3, ..request(scope, shard, from, direction) };
            let forward = read_shard(&log, few(Sequence(0), Direction::Forward)).await;
            assert_eq!(places(&forward), wanted, "forward is oldest first: {scope:?}");
            let backward = read_shard(&log, few(Sequence::MAX, Direction::Backward)).await;
            wanted.reverse();
            assert_eq!(places(&backward), wanted, "backward is newest first: {scope:?}");
            assert!(forward.iter().all(|found| scope.matches(&found.topic)));
        }
    }
}

/// Adapters may read the nodes of an execution one by one.
pub(super) async fn an_execution_of_many_nodes_is_read_in_order(log: Arc<dyn Log>) {
    for (execution, nodes) in [("few", 5), ("many", 70)] {
        let mut all = Vec::new();
        for n in 0..3 * nodes {
            // Some come back again and again, some once.
            let node = format!("n{}", if n % 3 == 0 { n % nodes } else { n / 3 });
            let topic = events("s", Some(&node), Some(execution));
            let noise = events("t", Some(&node), Some(execution));
            put_open(&log, &noise, &open("noise")).await;
            all.push((home(&log, &topic), put_open(&log, &topic, &open(&"x".repeat(n))).await));
        }
        let scope = scope(Some("s"), None, Some(execution));
        let shard = all[0].0;
        holds(&log, &scope, &all, "all nodes are there").await;
        for (max_frames, max_bytes) in [(1, usize::MAX), (7, usize::MAX), (500, 300), (500, usize::MAX)] {
            for direction in [Direction::Forward, Direction::Backward] {
                let from = if direction == Direction::Forward { Sequence(0) } else { Sequence::MAX };
                let read = Read { max_frames, max_bytes, ..request(&scope, shard, from, direction) };
                let mut wanted = all.clone();
                if direction == Direction::Backward {
                    wanted.reverse();
                }
                assert_eq!(
                    places(&read_shard(&log, read).await),
                    wanted,
                    "{direction:?}, {max_frames} frames a page"
                );
            }
        }
        let middle = all[all.len() / 2].1;
        let rest = read_shard(&log, request(&scope, shard, middle, Direction::Forward)).await;
        assert_eq!(places(&rest), all[all.len() / 2..], "from the middle");
    }
}

pub(super) async fn pages_are_limited_in_frames(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let mut all = Vec::new();
    for n in 0..10 {
        all.push((
            home(&log, &topic),
            put(&log, &topic, &owned(1, n, "a"), all.last().map(|&(_, end)| end)).await,
        ));
    }
    let scope = Scope::from(&topic.key().unwrap());
    holds(&log, &scope, &all, "ten frames are there").await;
    for max_frames in [1, 3, 10, 11] {
        let read =
            Read { max_frames, ..request(&scope, home(&log, &topic), Sequence(0), Direction::Forward) };
        let first = page(&log, &read).await;
        assert_eq!(
            places(&first.frames),
            all[..max_frames.min(10)],
            "a page holds max_frames when they are there"
        );
        assert!(max_frames >= 10 || !first.done, "done with more to come");
        assert!(max_frames <= 10 || first.done, "not done although the page was not full");
        assert_eq!(places(&read_shard(&log, read).await), all, "paging finds everything once");
    }
}

pub(super) async fn pages_are_limited_in_bytes(log: Arc<dyn Log>) {
    let topic = events("s", None, Some("x"));
    let frame = Frame::open(&[line(&"x".repeat(1000))]);
    let mut all = Vec::new();
    for _ in 0..6 {
        all.push((home(&log, &topic), put_open(&log, &topic, &frame).await));
    }
    let scope = Scope::from(&topic.key().unwrap());
    holds(&log, &scope, &all, "six frames are there").await;
    for (max_bytes, most) in [(1, 1), (2500, 3)] {
        let read = Read { max_bytes, ..request(&scope, home(&log, &topic), Sequence(0), Direction::Forward) };
        let first = page(&log, &read).await;
        let got = first.frames.len();
        assert!(
            got >= 1 && got <= most,
            "{max_bytes} bytes are full after at most {most} frames, were {got}"
        );
        assert!(!first.done, "done with more to come");
        assert_eq!(places(&read_shard(&log, read).await), all, "paging finds everything once");
    }
}

pub(super) async fn from_is_included(log: Arc<dyn Log>) {
    let (topic, noise) = (events("s", None, Some("x")), events("s", None, Some("y")));
    let mut all = Vec::new();
    for n in 0..5 {
        put_open(&log, &noise, &open("noise")).await;
        all.push(put_open(&log, &topic, &open(&format!("{n}"))).await);
    }
    let scope = Scope::from(&topic.key().unwrap());
    let shard = home(&log, &topic);
    let expected: Vec<_> = all.iter().map(|&end| (shard, end)).collect();
    holds(&log, &scope, &expected, "five frames are there").await;
    for (n, &from) in all.iter().enumerate() {
        for (from, direction, wanted) in [
            (from, Direction::Forward, &all[n..]),
            (from.next(), Direction::Forward, &all[n + 1..]),
            (from, Direction::Backward, &all[..=n]),
            (Sequence(from.0 - 1), Direction::Backward, &all[..n]),
        ] {
            let mut wanted: Vec<_> = wanted.iter().map(|&end| (shard, end)).collect();
            if direction == Direction::Backward {
                wanted.reverse();
            }
            let found = read_shard(&log, request(&scope, shard, from, direction)).await;
            assert_eq!(places(&found), wanted, "{direction:?} from {from}, included");
        }
    }
}

pub(super) async fn nothing_is_an_empty_page_that_is_done(log: Arc<dyn Log>) {
    for _ in 0..2 {
        for (scope, from, direction) in [
            (scope(Some("nobody"), None, None), Sequence(0), Direction::Forward),
            (scope(None, None, Some("nobody")), Sequence::MAX, Direction::Backward),
            (Scope::Journal(None), Sequence(0), Direction::Forward),
            (Scope::EVERYTHING, Sequence(1_000_000), Direction::Forward),
            (Scope::EVERYTHING, Sequence(0), Direction::Backward),
        ] {
            for shard in scope.shards(&log.layout()) {
                let found = page(&log, &request(&scope, shard, from, direction)).await;
                assert!(
                    found.frames.is_empty() && found.done,
                    "{scope:?} {direction:?} from {from} must be an empty page that is done: {found:?}"
                );
            }
        }
        put_open(&log, &events("s", None, Some("x")), &open("a")).await;
    }
}

pub(super) async fn last_is_the_last_of_the_key(log: Arc<dyn Log>) {
    let of = |node| events("s", node, Some("x"));
    let key = of(None).key().unwrap();
    assert_eq!(last(&log, &key).await, None, "a key without frames has no last one");
    let mut end = None;
    for n in 0..20 {
        let topic = of([None, Some("n"), Some("m")][n % 3]);
        let frame = owned(1, n as u64, "a");
        let sequence = put(&log, &topic, &frame, end).await;
        put_open(&log, &events("s", None, Some("y")), &open("noise")).await;
        let found = last(&log, &key).await.expect("the key has frames");
        assert_eq!(
            (found.sequence, &found.topic, &found.frame, found.prev),
            (sequence, &topic, &frame, Some(end.unwrap_or_default())),
            "last includes everything that was acknowledged, over all nodes"
        );
        end = Some(sequence);
    }
    for key in [Key::Journal(session("x")), Key::Inbox(session("x"))] {
        assert_eq!(last(&log, &key).await, None);
    }
    let topic = Topic::Journal(session("x"));
    let sequence = put(&log, &topic, &owned(3, 0, "a"), None).await;
    assert_eq!(last(&log, &Key::Journal(session("x"))).await.unwrap().sequence, sequence);
    read_until(&log, &Scope::Journal(None), "the journal is there", |found| found.len() == 1).await;
}
