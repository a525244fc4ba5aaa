//! The index: a batch counts whole or not at all, and pages are in order.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::store::Store;
use crate::store::index::{Batch, Change, Direction, Entry, Family, Filed, Page, Place};

fn filed(at: i64, sets: &[&str]) -> Filed {
    Filed { at, sets: sets.iter().map(|&name| name.to_owned()).collect() }
}

fn entry(at: i64, sets: &[&str], rank: i64, document: &str) -> Entry {
    Entry { filed: filed(at, sets), rank, document: Bytes::from(document.to_owned()) }
}

fn change(id: &str, before: Option<Filed>, after: Option<Entry>) -> Change {
    Change { family: Family::Executions, id: id.into(), before, after }
}

fn batch(from: u64, token: &str, changes: Vec<Change>) -> Batch {
    Batch { from, token: token.into(), note: Bytes::from(format!("note {token}")), changes }
}

async fn advance(store: &Arc<dyn Store>, batch: &Batch) -> bool {
    store.index().advance(batch).await.unwrap()
}

fn wanted(sets: &[&str], direction: Direction, behind: Option<(i64, &str)>, limit: usize) -> Page {
    Page {
        family: Family::Executions,
        sets: sets.iter().map(|&name| name.to_owned()).collect(),
        direction,
        behind: behind.map(|(at, id)| Place { at, id: id.into() }),
        limit,
    }
}

async fn ids(store: &Arc<dyn Store>, page: &Page) -> Vec<String> {
    store.index().page(page).await.unwrap().into_iter().map(|row| row.place.id).collect()
}

async fn counts(store: &Arc<dyn Store>, sets: &[&str]) -> Vec<u64> {
    let sets: Vec<String> = sets.iter().map(|&name| name.to_owned()).collect();
    store.index().counts(Family::Executions, &sets).await.unwrap()
}

async fn document(store: &Arc<dyn Store>, id: &str) -> Option<Bytes> {
    store.index().documents(Family::Executions, &[id.to_owned()]).await.unwrap().remove(0)
}

pub(super) async fn a_batch_goes_on_from_the_revision_that_stands(store: Arc<dyn Store>) {
    assert_eq!(store.index().head().await.unwrap(), None);
    let first = batch(0, "a", vec![change("x", None, Some(entry(1, &["s"], 1, "1")))]);
    assert!(advance(&store, &first).await);
    assert!(advance(&store, &first).await, "sent twice it counts once");
    assert_eq!(counts(&store, &["s"]).await, [1]);
    let head = store.index().head().await.unwrap().expect("there is one");
    assert_eq!((head.revision, head.note), (1, Bytes::from_static(b"note a")));
    let changes = || vec![change("x", Some(filed(1, &["s"])), Some(entry(1, &["t"], 2, "2")))];
    for from in [0, 2, 7] {
        assert!(!advance(&store, &batch(from, "b", changes())).await, "from {from}");
        assert_eq!(document(&store, "x").await, Some(Bytes::from_static(b"1")), "nothing has changed");
    }
    assert!(advance(&store, &batch(1, "b", changes())).await);
    assert_eq!(document(&store, "x").await, Some(Bytes::from_static(b"2")));
    assert_eq!(counts(&store, &["s", "t"]).await, [0, 1]);
    assert!(advance(&store, &batch(2, "c", vec![change("x", Some(filed(1, &["t"])), None)])).await);
    assert_eq!(document(&store, "x").await, None);
    assert_eq!(counts(&store, &["s", "t"]).await, [0, 0]);
    assert!(store.index().names(Family::Executions, "", None, 9).await.unwrap().is_empty());
}

pub(super) async fn one_of_many_writers_advances(store: Arc<dyn Store>) {
    for from in 0..5 {
        let writers = (0..8).map(|writer| {
            let store = store.clone();
            let changes = vec![change(&format!("{from}/{writer}"), None, Some(entry(1, &["s"], 1, "")))];
            tokio::spawn(
                async move { advance(&store, &batch(from, &format!("{from}/{writer}"), changes)).await },
            )
        });
        let mut won = 0;
        for writer in writers.collect::<Vec<_>>() {
            won += usize::from(writer.await.unwrap());
        }
        assert_eq!(won, 1, "from {from}");
    }
    assert_eq!(counts(&store, &["s"]).await, [5]);
}

pub(super) async fn pages_are_in_order_and_whole(store: Arc<dyn Store>) {
    let at = |n: i64| [-5, 0, 7, 7, 7, 1 << 52][usize::try_from(n % 6).unwrap()];
    let mut order: Vec<(i64, String)> = (0..60).map(|n| (at(n), format!("id{n} ü{{}}%"))).collect();
    let changes = order.iter().enumerate().map(|(n, (at, id))| {
        let sets = if n % 3 == 0 { vec!["a", "{b}"] } else { vec![["a", "{b}", "c\u{1f}d"][n % 3]] };
        change(id, None, Some(entry(*at, &sets, 0, id)))
    });
    assert!(advance(&store, &batch(0, "a", changes.collect())).await);
    order.sort();
    let oldest: Vec<String> = order.iter().map(|(_, id)| id.clone()).collect();
    let newest: Vec<String> = oldest.iter().rev().cloned().collect();
    let all = ["a", "{b}", "c\u{1f}d"];
    for (direction, expected) in [(Direction::Newest, newest), (Direction::Oldest, oldest)] {
        let mut page = wanted(&all, direction, None, 7);
        let mut found = Vec::new();
        loop {
            let rows = store.index().page(&page).await.unwrap();
            assert!(rows.iter().all(|row| row.document == row.place.id.as_bytes()));
            let Some(last) = rows.last() else { break };
            page.behind = Some(last.place.clone());
            found.extend(rows.into_iter().map(|row| row.place.id));
        }
        assert_eq!(found, expected, "{direction:?}");
    }
    assert_eq!(counts(&store, &["a", "{b}", "c\u{1f}d", "nothing"]).await, [20, 40, 20, 0]);
    assert!(ids(&store, &wanted(&["nothing"], Direction::Newest, None, 7)).await.is_empty());
    assert!(ids(&store, &wanted(&[], Direction::Newest, None, 7)).await.is_empty());
}

pub(super) async fn a_document_may_move(store: Arc<dyn Store>) {
    let first = vec![change("x", None, Some(entry(5, &["s", "t"], 1, "1")))];
    assert!(advance(&store, &batch(0, "a", first)).await);
    let moved = vec![change("x", Some(filed(5, &["s", "t"])), Some(entry(9, &["s"], 1, "2")))];
    assert!(advance(&store, &batch(1, "b", moved)).await);
    assert_eq!(ids(&store, &wanted(&["s", "t"], Direction::Newest, None, 9)).await, ["x"]);
    assert!(ids(&store, &wanted(&["s"], Direction::Newest, Some((9, "x")), 9)).await.is_empty());
    assert_eq!(counts(&store, &["s", "t"]).await, [1, 0]);
}

pub(super) async fn sets_are_found_by_how_they_begin(store: Arc<dyn Store>) {
    let names = ["t=a", "t=a1", "t=b", "u=a", "t", "t=ü"];
    let changes = names.iter().map(|name| change(name, None, Some(entry(1, &[name], 0, ""))));
    assert!(advance(&store, &batch(0, "a", changes.collect())).await);
    let named = async |begins: &str, after: Option<&str>, limit| {
        let found = store.index().names(Family::Executions, begins, after, limit).await.unwrap();
        found.into_iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>()
    };
    assert_eq!(named("t=", None, 9).await, ["t=a 1", "t=a1 1", "t=b 1", "t=ü 1"]);
    assert_eq!(named("t=", Some("t=a"), 2).await, ["t=a1 1", "t=b 1"]);
    assert_eq!(named("t=a", Some("t=a1"), 2).await, Vec::<String>::new());
    let sessions = store.index().names(Family::Sessions, "t=", None, 9).await.unwrap();
    assert!(sessions.is_empty(), "families are kept apart");
}

pub(super) async fn the_lowest_rank_leaves_first(store: Arc<dyn Store>) {
    let ranks = [("a", 5), ("b", -3_000_000_000_000_000), ("c", 1_700_000_000_000_000), ("d", 0)];
    let changes = ranks.iter().map(|(id, rank)| change(id, None, Some(entry(1, &["s"], *rank, id))));
    assert!(advance(&store, &batch(0, "a", changes.collect())).await);
    let again = vec![change("d", Some(filed(1, &["s"])), Some(entry(1, &["s"], 6, "d")))];
    assert!(advance(&store, &batch(1, "b", again)).await);
    let cases = [(i64::MIN, vec!["b", "a", "d"]), (0, vec!["a", "d", "c"]), (6, vec!["d", "c"])];
    for (from, expected) in cases {
        let leave = store.index().first_to_leave(Family::Executions, from, 3).await.unwrap();
        let leave: Vec<String> = leave.into_iter().map(|(id, _)| id).collect();
        assert_eq!(leave, expected, "from {from}");
    }
}

pub(super) async fn what_is_cleared_is_gone(store: Arc<dyn Store>) {
    let sets: Vec<String> = (0..700).map(|n| format!("l=key={n}")).collect();
    for family in Family::ALL {
        let head = store.index().head().await.unwrap().map_or(0, |head| head.revision);
        let changes = sets.iter().map(|name| Change {
            family,
            id: name.clone(),
            before: None,
            after: Some(Entry {
                filed: Filed { at: 1, sets: BTreeSet::from([name.clone()]) },
                rank: 1,
                document: Bytes::from_static(b"x"),
            }),
        });
        assert!(advance(&store, &batch(head, &format!("{family:?}"), changes.collect())).await);
    }
    store.index().clear().await.unwrap();
    assert_eq!(store.index().head().await.unwrap(), None);
    for family in Family::ALL {
        assert!(store.index().first_to_leave(family, i64::MIN, 9).await.unwrap().is_empty());
        assert!(store.index().names(family, "", None, 9).await.unwrap().is_empty());
        let page = Page { family, ..wanted(&["l=key=5"], Direction::Newest, None, 9) };
        assert!(ids(&store, &page).await.is_empty());
    }
    let again = vec![change("x", None, Some(entry(1, &["l=key=5"], 1, "1")))];
    assert!(advance(&store, &batch(0, "Executions", again)).await, "it begins anew");
    assert_eq!(counts(&store, &["l=key=5"]).await, [1]);
}
