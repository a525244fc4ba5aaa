//! Leases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::kit::{LONG, SHORT, SLACK, name, until};
use crate::store::{Lease, Store};

async fn lease(store: &Arc<dyn Store>, owner: &str, ttl: Duration) -> Lease {
    store.lease(&name("x"), owner, ttl).await.unwrap_or_else(|error| panic!("lease failed: {error:?}"))
}

async fn holder(store: &Arc<dyn Store>) -> Option<String> {
    let found = store.leased(&name("x")).await.unwrap_or_else(|error| panic!("leased failed: {error:?}"));
    if let Some((_, remaining)) = &found {
        assert!(*remaining <= LONG, "nothing remains longer than it was asked for: {remaining:?}");
    }
    found.map(|(owner, _)| owner)
}

pub(super) async fn one_owner_at_a_time(store: Arc<dyn Store>) {
    assert_eq!(holder(&store).await, None, "a fresh lease has no holder");
    assert_eq!(lease(&store, "a", LONG).await, Lease::Held);
    assert_eq!(lease(&store, "a", LONG).await, Lease::Held, "the owner renews");
    match lease(&store, "b", LONG).await {
        Lease::HeldBy { owner, remaining } => {
            assert_eq!(owner, "a");
            assert!(
                remaining <= LONG && remaining > LONG / 2,
                "the remaining time of {LONG:?}: {remaining:?}"
            );
        }
        Lease::Held => panic!("two owners hold one lease"),
    }
    assert_eq!(holder(&store).await.as_deref(), Some("a"));
    store.release(&name("x"), "a").await.unwrap();
    assert_eq!(holder(&store).await, None, "a released lease has no holder");
    assert_eq!(lease(&store, "b", LONG).await, Lease::Held, "a released lease is free");
}

pub(super) async fn it_expires(store: Arc<dyn Store>) {
    let asked = Instant::now();
    assert_eq!(lease(&store, "a", SHORT).await, Lease::Held);
    until!("a lease that is not renewed becomes free", lease(&store, "b", LONG).await == Lease::Held);
    assert!(asked.elapsed() + SLACK >= SHORT, "a lease was given away while it was held");
    assert_eq!(holder(&store).await.as_deref(), Some("b"));
    assert!(matches!(lease(&store, "a", SHORT).await, Lease::HeldBy { owner, .. } if owner == "b"));
}

pub(super) async fn renewing_holds_it(store: Arc<dyn Store>) {
    assert_eq!(lease(&store, "a", SHORT).await, Lease::Held);
    assert_eq!(lease(&store, "a", LONG).await, Lease::Held, "renewing may be for longer");
    store.lease(&name("clock"), "c", SHORT).await.unwrap();
    until!("a lease expires", store.leased(&name("clock")).await.unwrap().is_none());
    assert_eq!(holder(&store).await.as_deref(), Some("a"), "a renewed lease is held from the renewal on");
    let asked = Instant::now();
    assert_eq!(lease(&store, "a", SHORT).await, Lease::Held, "renewing may be for shorter");
    until!("a lease that was renewed for shorter ends then", holder(&store).await.is_none());
    assert!(asked.elapsed() + SLACK >= SHORT);
}

pub(super) async fn only_the_owner_releases(store: Arc<dyn Store>) {
    store.release(&name("x"), "a").await.expect("releasing a lease without a holder does nothing");
    assert_eq!(lease(&store, "a", LONG).await, Lease::Held);
    for other in ["b", "", "A", "a ", "*"] {
        store.release(&name("x"), other).await.expect("releasing what somebody else has does nothing");
        assert_eq!(holder(&store).await.as_deref(), Some("a"), "{other:?} released a's lease");
    }
}

pub(super) async fn one_of_many_gets_it(store: Arc<dyn Store>) {
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { lease(&store, &format!("{n}"), LONG).await })
        })
        .collect();
    let mut held = Vec::new();
    for (n, task) in tasks.into_iter().enumerate() {
        if task.await.unwrap() == Lease::Held {
            held.push(n.to_string());
        }
    }
    assert_eq!(held.len(), 1, "one of many gets it, were {held:?}");
    assert_eq!(holder(&store).await, held.pop());
}
