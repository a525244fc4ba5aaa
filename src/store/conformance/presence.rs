//! Presence.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::kit::{LONG, SHORT, SLACK, name, until};
use crate::store::Store;

async fn join(store: &Arc<dyn Store>, member: &str, description: &str, ttl: Duration) {
    store
        .join(&name("x"), member, Bytes::from(description.to_owned()), ttl)
        .await
        .unwrap_or_else(|error| panic!("join({member}) failed: {error:?}"));
}

async fn present(store: &Arc<dyn Store>) -> Vec<(String, String)> {
    let found = store.present(&name("x")).await.unwrap_or_else(|error| panic!("present failed: {error:?}"));
    let mut found: Vec<_> =
        found.into_iter().map(|(member, text)| (member, String::from_utf8(text.to_vec()).unwrap())).collect();
    found.sort();
    found
}

fn pairs(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
    wanted.iter().map(|&(member, text)| (member.to_owned(), text.to_owned())).collect()
}

pub(super) async fn members_join_and_leave(store: Arc<dyn Store>) {
    assert_eq!(present(&store).await, []);
    store.leave(&name("x"), "nobody").await.expect("leaving without having joined does nothing");
    let strange = "a:b {c} * ü \0 \n";
    join(&store, "a", "", LONG).await;
    join(&store, "b", "first", LONG).await;
    join(&store, strange, "\0 ü", LONG).await;
    join(&store, "b", "second", LONG).await;
    store.join(&name("y"), "z", Bytes::new(), LONG).await.unwrap();
    assert_eq!(present(&store).await, pairs(&[("a", ""), (strange, "\0 ü"), ("b", "second")]));
    for _ in 0..2 {
        store.leave(&name("x"), "b").await.unwrap();
        assert_eq!(
            present(&store).await,
            pairs(&[("a", ""), (strange, "\0 ü")]),
            "a member that left is gone"
        );
    }
}

pub(super) async fn they_expire(store: Arc<dyn Store>) {
    let asked = Instant::now();
    join(&store, "long", "1", LONG).await;
    join(&store, "short", "2", SHORT).await;
    join(&store, "renewed", "3", SHORT).await;
    join(&store, "renewed", "4", LONG).await;
    until!(
        "a member that does not renew is gone",
        !present(&store).await.iter().any(|(member, _)| member == "short")
    );
    assert!(asked.elapsed() + SLACK >= SHORT, "a member is present for its whole time");
    assert_eq!(
        present(&store).await,
        pairs(&[("long", "1"), ("renewed", "4")]),
        "each member has its own time"
    );
}
