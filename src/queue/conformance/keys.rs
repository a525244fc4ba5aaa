//! Idempotency keys.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::kit::{depth, nothing, one, pull, push};
use crate::queue::{Class, Queue};

pub(super) async fn the_same_key_is_one_job(queue: Arc<dyn Queue>) {
    push(&queue, "a").await;
    push(&queue, "a").await;
    depth(&queue, 1, "a key that waits is one job").await;
    let delivery = one(&queue, "the job is there").await;
    push(&queue, "a").await;
    queue.ack(&delivery).await.unwrap();
    push(&queue, "a").await;
    nothing(&queue, "a key that was pushed within the window is one job, also after it is done").await;
    push(&queue, "b").await;
    assert_eq!(one(&queue, "another key is another job").await.payload, "b");
}

pub(super) async fn the_same_key_in_two_classes_is_two_jobs(queue: Arc<dyn Queue>) {
    let other = Class::new("others").unwrap();
    push(&queue, "a").await;
    queue.push(&other, "a", Bytes::from_static(b"a")).await.unwrap();
    assert_eq!(one(&queue, "the first class has it").await.payload, "a");
    assert_eq!(pull(&queue, &other, 1, Duration::from_secs(10)).await.len(), 1, "the second class has it");
}

pub(super) async fn concurrent_repeats_are_one_job(queue: Arc<dyn Queue>) {
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { push(&queue, "a").await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    depth(&queue, 1, "repeats at the same time are one job").await;
    let delivery = one(&queue, "the job is there").await;
    queue.ack(&delivery).await.unwrap();
    depth(&queue, 0, "repeats at the same time are one job").await;
}
