//! Projections: atomic against their mark, gone after their removal.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::kit::{LONG, SHORT, SLACK, apply, get, name, projection, step, until, whole};
use crate::store::{Applied, Mark, Store};

pub(super) async fn apply_follows_its_rules(store: Arc<dyn Store>) {
    use Applied::{Already, Discontinuous, Stale, Stored};
    let cases: &[(&str, Option<Mark>, Mark, Applied)] = &[
        ("a first whole copy is stored", None, whole(1, 7), Stored),
        ("a first step from nothing is stored: nothing counts as 0", None, step(1, 0, 7), Stored),
        ("a first step from elsewhere is discontinuous", None, step(1, 3, 7), Discontinuous),
        ("the next step is stored", Some(whole(2, 5)), step(2, 5, 6), Stored),
        ("a longer step is stored", Some(whole(2, 5)), step(2, 5, 60), Stored),
        ("a step from behind is discontinuous", Some(whole(2, 5)), step(2, 4, 6), Discontinuous),
        ("a step from ahead is discontinuous", Some(whole(2, 5)), step(2, 6, 7), Discontinuous),
        ("the same version is there already", Some(whole(2, 5)), step(2, 4, 5), Already),
        ("an older version is there already", Some(whole(2, 5)), step(2, 0, 1), Already),
        ("an older whole copy is there already", Some(whole(2, 5)), whole(2, 3), Already),
        ("the same whole copy is there already", Some(whole(2, 5)), whole(2, 5), Already),
        ("a newer whole copy is stored", Some(whole(2, 5)), whole(2, 9), Stored),
        ("an older epoch is stale, even with a newer copy", Some(whole(2, 5)), whole(1, 9), Stale),
        ("an older epoch is stale, even with the next step", Some(whole(2, 5)), step(1, 5, 6), Stale),
        ("an older epoch is stale before it is already there", Some(whole(2, 5)), step(1, 3, 4), Stale),
        ("a newer epoch goes on", Some(whole(2, 5)), step(3, 5, 6), Stored),
        ("a newer epoch may copy the same version", Some(whole(2, 5)), whole(3, 5), Stored),
        ("a newer epoch may copy an older version", Some(whole(2, 5)), whole(3, 2), Stored),
        (
            "a newer epoch must go on from where the store stands",
            Some(whole(2, 5)),
            step(3, 4, 6),
            Discontinuous,
        ),
    ];
    for (n, (rule, before, mark, expected)) in cases.iter().enumerate() {
        let name = name(&format!("{n}"));
        if let Some(before) = before {
            assert_eq!(apply(&store, &name, *before, "before").await, Stored);
        }
        assert_eq!(apply(&store, &name, *mark, "after").await, *expected, "{rule}");
        let wanted = match (expected, before) {
            (Stored, _) => Some(projection(mark.epoch, mark.to, "after")),
            (_, Some(before)) => Some(projection(before.epoch, before.to, "before")),
            _ => None,
        };
        assert_eq!(get(&store, &name).await, wanted, "{rule}: content");
        if *expected == Stored {
            assert_eq!(apply(&store, &name, *mark, "again").await, Already, "{rule}: sent twice");
        }
    }
}

pub(super) async fn an_applied_projection_can_be_read(store: Arc<dyn Store>) {
    store.ready().await.expect("a store that works is ready");
    let name = name("x");
    assert_eq!(get(&store, &name).await, None);
    for (to, document) in [
        (1, Bytes::new()),
        (2, Bytes::from_static(&[0, 255, 10, 13, 0])),
        (3, Bytes::from_static("ünïcode".as_bytes())),
        (4, Bytes::from(vec![7; 256 * 1024])),
    ] {
        assert_eq!(
            store.apply(&name, step(1, to - 1, to), document.clone(), None).await.unwrap(),
            Applied::Stored
        );
        let found = get(&store, &name).await.expect("it was stored");
        assert!(found.document == document, "document {to} comes back as it was");
        assert_eq!((found.epoch, found.version), (1, to));
    }
}

pub(super) async fn after_a_wipe_it_is_discontinuous(store: Arc<dyn Store>) {
    let name = name("x");
    apply(&store, &name, whole(3, 7), "a").await;
    for _ in 0..2 {
        store.remove(&name).await.unwrap();
        assert_eq!(get(&store, &name).await, None, "a removed projection is gone");
    }
    assert_eq!(apply(&store, &name, step(3, 7, 8), "b").await, Applied::Discontinuous, "a step after a wipe");
    assert_eq!(get(&store, &name).await, None, "a refused apply stores nothing");
    assert_eq!(apply(&store, &name, whole(3, 8), "b").await, Applied::Stored, "a whole copy after a wipe");
}

pub(super) async fn large_numbers_are_exact(store: Arc<dyn Store>) {
    // Numbers that a 64-bit float cannot tell apart.
    let large = (1 << 53) + 1;
    let name = name("x");
    assert_eq!(apply(&store, &name, whole(large, large), "a").await, Applied::Stored);
    assert_eq!(get(&store, &name).await, Some(projection(large, large, "a")));
    assert_eq!(apply(&store, &name, step(large, large - 1, large + 1), "b").await, Applied::Discontinuous);
    assert_eq!(apply(&store, &name, whole(large - 1, large + 1), "b").await, Applied::Stale);
    assert_eq!(apply(&store, &name, step(large, large, large + 1), "b").await, Applied::Stored);
    assert_eq!(apply(&store, &name, whole(large, large + 1), "c").await, Applied::Already);
    // Different numbers of digits: the order is by number, not by text.
    let name = super::kit::name("y");
    assert_eq!(apply(&store, &name, whole(9, 99), "a").await, Applied::Stored);
    assert_eq!(apply(&store, &name, step(10, 99, 100), "b").await, Applied::Stored);
    assert_eq!(apply(&store, &name, step(9, 100, 101), "b").await, Applied::Stale);
    assert_eq!(apply(&store, &name, whole(10, 99), "c").await, Applied::Already);
}

pub(super) async fn keep_ends_it(store: Arc<dyn Store>) {
    let name = name("x");
    let asked = Instant::now();
    store.apply(&name, whole(3, 7), Bytes::from_static(b"a"), Some(SHORT)).await.unwrap();
    let found = get(&store, &name).await;
    assert!(found.is_some() || asked.elapsed() + SLACK >= SHORT, "it stays for as long as it is kept");
    until!("a projection with a lifetime is gone after it", get(&store, &name).await.is_none());
    assert!(asked.elapsed() + SLACK >= SHORT, "it stays for as long as it is kept");
    assert_eq!(
        apply(&store, &name, step(3, 7, 8), "b").await,
        Applied::Discontinuous,
        "gone counts as nothing"
    );
    assert_eq!(apply(&store, &name, step(1, 0, 1), "b").await, Applied::Stored, "gone counts as nothing");
}

pub(super) async fn a_later_apply_changes_how_long_it_stays(store: Arc<dyn Store>) {
    let (forever, longer) = (name("forever"), name("longer"));
    let clock = name("clock");
    for name in [&forever, &longer, &clock] {
        store.apply(name, whole(1, 1), Bytes::from_static(b"a"), Some(SHORT)).await.unwrap();
    }
    // On a slow machine it is gone by now, so a whole copy.
    store.apply(&forever, whole(1, 2), Bytes::from_static(b"b"), None).await.unwrap();
    store.apply(&longer, whole(1, 2), Bytes::from_static(b"b"), Some(LONG)).await.unwrap();
    until!("a projection with a lifetime is gone after it", get(&store, &clock).await.is_none());
    for name in [&forever, &longer] {
        assert_eq!(
            get(&store, name).await,
            Some(projection(1, 2, "b")),
            "the last apply says how long it stays"
        );
    }
}

pub(super) async fn one_of_many_writers_wins_each_version(store: Arc<dyn Store>) {
    let mut stood = 0;
    for version in 1..=10 {
        let tasks: Vec<_> = (0..8)
            .map(|writer| {
                let store = store.clone();
                tokio::spawn(async move {
                    apply(&store, &name("x"), step(1, stood, version), &format!("{writer}")).await
                })
            })
            .collect();
        let mut stored = Vec::new();
        for (writer, task) in tasks.into_iter().enumerate() {
            match task.await.unwrap() {
                Applied::Stored => stored.push(writer),
                other => assert_eq!(other, Applied::Already),
            }
        }
        let [winner] = stored[..] else { panic!("version {version} was stored by {stored:?}") };
        assert_eq!(get(&store, &name("x")).await, Some(projection(1, version, &format!("{winner}"))));
        stood = version;
    }
}
