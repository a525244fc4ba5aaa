//! Remembered values: they make a start idempotent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::kit::{LONG, SHORT, SLACK, name, until};
use crate::store::Store;

async fn remember(store: &Arc<dyn Store>, value: &[u8], ttl: Duration) -> Bytes {
    store
        .remember(&name("x"), Bytes::copy_from_slice(value), ttl)
        .await
        .unwrap_or_else(|error| panic!("remember failed: {error:?}"))
}

pub(super) async fn the_first_value_stays(store: Arc<dyn Store>) {
    let first = [0, 255, 10, 13, 0];
    assert_eq!(remember(&store, &first, LONG).await, first[..], "the first value is remembered");
    assert_eq!(remember(&store, &first, LONG).await, first[..], "the same again answers the same");
    assert_eq!(remember(&store, b"other", LONG).await, first[..], "the first value stays");
    let empty = store.remember(&name("empty"), Bytes::new(), LONG).await.unwrap();
    assert_eq!(empty, Bytes::new());
    let again = store.remember(&name("empty"), Bytes::from_static(b"later"), LONG).await.unwrap();
    assert_eq!(again, Bytes::new(), "an empty value is a value");
}

pub(super) async fn it_expires(store: Arc<dyn Store>) {
    let asked = Instant::now();
    assert_eq!(remember(&store, b"first", SHORT).await, b"first"[..]);
    // Asking again does not make it last longer.
    until!(
        "a remembered value is gone after its lifetime",
        remember(&store, b"second", LONG).await == b"second"[..]
    );
    assert!(asked.elapsed() + SLACK >= SHORT, "it was forgotten too early");
    assert_eq!(remember(&store, b"third", LONG).await, b"second"[..]);
}

pub(super) async fn all_of_many_agree(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { remember(&store, format!("{n}").as_bytes(), LONG).await })
        })
        .collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.unwrap());
    }
    found.dedup();
    assert_eq!(found.len(), 1, "all callers get the same value, were {found:?}");
}
