//! A clock that is set back keeps nothing alive: leases, holds and keys end when their time has passed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::config;
use crate::adapters::embedded::{Config, Embedded};
use crate::queue::{Class, Queue};
use crate::store::{Lease, Name, Store};
use crate::time::Clock;

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// How far the clock is set back, in microseconds: longer than a lease.
const AN_HOUR: i64 = 3_600_000_000;

const TTL: Duration = Duration::from_millis(300);

fn name() -> Name {
    Name { family: "session", id: "s".into() }
}

/// Returns once `owner` has the lease.
async fn becomes_free(store: &Arc<dyn Store>, owner: &str) {
    let taken = async {
        while store.lease(&name(), owner, TTL).await.unwrap() != Lease::Held {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, taken).await.expect("the lease of a dead worker ends");
}

#[tokio::test]
async fn a_step_back_in_a_running_process_ends_leases_and_holds_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let shift = Arc::new(AtomicI64::new(0));
    let open = Embedded::open(&config(&folder), Clock::Shifted(shift.clone())).unwrap();
    let store: Arc<dyn Store> = open.store.clone();
    let class = Class::sessions();
    assert_eq!(store.lease(&name(), "dead", TTL).await.unwrap(), Lease::Held);
    open.queue.push(&class, "a", Bytes::from_static(b"a")).await.unwrap();
    assert_eq!(open.queue.pull(&class, 1, PATIENCE).await.unwrap().len(), 1);

    shift.store(-AN_HOUR, Ordering::Relaxed);
    becomes_free(&store, "alive").await;
    let again = open.queue.pull(&class, 1, PATIENCE).await.unwrap();
    assert_eq!(again.first().map(|job| job.deliveries), Some(2), "the hold of a dead worker ends");
}

#[tokio::test]
async fn a_process_that_starts_after_a_step_back_goes_on_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let class = Class::sessions();
    let before = Embedded::open(&config(&folder), Clock::System).unwrap();
    assert_eq!(before.store.lease(&name(), "dead", TTL).await.unwrap(), Lease::Held);
    before.queue.push(&class, "a", Bytes::from_static(b"a")).await.unwrap();
    assert_eq!(before.queue.pull(&class, 1, PATIENCE).await.unwrap().len(), 1);
    drop(before);

    let behind = Clock::Shifted(Arc::new(AtomicI64::new(-AN_HOUR)));
    let after = Embedded::open(&config(&folder), behind).unwrap();
    let store: Arc<dyn Store> = after.store.clone();
    becomes_free(&store, "alive").await;
    let again = after.queue.pull(&class, 1, PATIENCE).await.unwrap();
    assert_eq!(again.first().map(|job| job.deliveries), Some(2));
}

#[tokio::test]
async fn processes_whose_clocks_differ_agree_on_deadlines() {
    let folder = tempfile::tempdir().unwrap();
    let long = Duration::from_secs(600);
    let right = Embedded::open(&config(&folder), Clock::System).unwrap();
    let behind = Clock::Shifted(Arc::new(AtomicI64::new(-AN_HOUR)));
    let behind = Embedded::open(&config(&folder), behind).unwrap();
    assert_eq!(behind.store.lease(&name(), "behind", long).await.unwrap(), Lease::Held);
    let Lease::HeldBy { owner, remaining } = right.store.lease(&name(), "right", long).await.unwrap() else {
        panic!("the lease of a living worker stands");
    };
    assert_eq!(owner, "behind");
    assert!(remaining > long / 2 && remaining <= long, "{remaining:?}");
}

#[tokio::test]
async fn retries_and_duplicate_windows_are_measured_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { hold_ms: 60_000, ..config(&folder) };
    let shift = Arc::new(AtomicI64::new(0));
    let queue = Embedded::open(&config, Clock::Shifted(shift.clone())).unwrap().queue;
    let class = Class::sessions();
    queue.push(&class, "a", Bytes::from_static(b"a")).await.unwrap();
    let taken = queue.pull(&class, 1, PATIENCE).await.unwrap();
    queue.retry(&taken[0], Duration::from_millis(200)).await.unwrap();
    shift.store(-AN_HOUR, Ordering::Relaxed);
    let again = queue.pull(&class, 1, PATIENCE).await.unwrap();
    assert_eq!(again.len(), 1, "a delay ends although the clock was set back");
}
