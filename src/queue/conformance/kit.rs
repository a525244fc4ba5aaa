//! The shared parts of the cases.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::queue::{Class, Delivery, Queue};

/// How long a case waits for something that must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn class() -> Class {
    Class::new("jobs").unwrap()
}

pub(super) async fn push(queue: &Arc<dyn Queue>, key: &str) {
    queue
        .push(&class(), key, Bytes::from(key.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("push({key}) failed: {error:?}"));
}

pub(super) async fn pull(queue: &Arc<dyn Queue>, class: &Class, max: usize, wait: Duration) -> Vec<Delivery> {
    let found = queue
        .pull(class, max, wait)
        .await
        .unwrap_or_else(|error| panic!("pull from {class:?} failed: {error:?}"));
    assert!(found.len() <= max, "a pull answers with at most max jobs");
    found
}

/// One job, which must come.
pub(super) async fn one(queue: &Arc<dyn Queue>, rule: &str) -> Delivery {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(delivery) = pull(queue, &class(), 1, Duration::from_secs(2)).await.pop() {
            return delivery;
        }
    }
    panic!("{rule}: nothing came");
}

/// Expects no delivery for two holds: a held job that was lost would come by then.
pub(super) async fn nothing(queue: &Arc<dyn Queue>, rule: &str) {
    let found = pull(queue, &class(), 1, 2 * queue.hold()).await;
    assert!(found.is_empty(), "{rule}: {found:?}");
}

/// Waits until the class has this many jobs.
pub(super) async fn depth(queue: &Arc<dyn Queue>, expected: u64, rule: &str) {
    let start = Instant::now();
    loop {
        let found = queue.depth(&class()).await.unwrap_or_else(|error| panic!("depth failed: {error:?}"));
        if found == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{rule}: depth is {found} instead of {expected}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
