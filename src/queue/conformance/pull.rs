//! Pushing, pulling, acknowledging.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::kit::{PATIENCE, class, depth, nothing, one, pull, push};
use crate::queue::{Class, Queue};

pub(super) async fn a_pushed_job_is_pulled_and_acknowledged(queue: Arc<dyn Queue>) {
    queue.ready().await.expect("a queue that works is ready");
    depth(&queue, 0, "a fresh queue is empty").await;
    push(&queue, "a").await;
    depth(&queue, 1, "a job that waits counts").await;
    let delivery = one(&queue, "a pushed job is pulled").await;
    assert_eq!(delivery.payload, "a");
    assert_eq!(delivery.deliveries, 1, "the first delivery is counted as 1");
    depth(&queue, 1, "a held job counts").await;
    queue.ack(&delivery).await.unwrap_or_else(|error| panic!("ack of a held job failed: {error:?}"));
    depth(&queue, 0, "an acknowledged job is gone").await;
    nothing(&queue, "an acknowledged job does not come again").await;
}

pub(super) async fn any_bytes_come_back(queue: Arc<dyn Queue>) {
    let payloads: [Bytes; 4] = [
        Bytes::new(),
        Bytes::from_static(&[0, 255, 10, 13, 0]),
        Bytes::from_static("ünïcode".as_bytes()),
        Bytes::from(vec![7; 64 * 1024]),
    ];
    for (n, payload) in payloads.iter().enumerate() {
        queue.push(&class(), &format!("strange key * > . ü {n}"), payload.clone()).await.unwrap();
        let delivery = one(&queue, "a pushed job is pulled").await;
        assert!(delivery.payload == payload, "payload {n} comes back as it was");
        queue.ack(&delivery).await.unwrap();
    }
}

pub(super) async fn an_empty_queue_answers_empty(queue: Arc<dyn Queue>) {
    for wait in [Duration::ZERO, Duration::from_millis(50)] {
        let start = Instant::now();
        assert!(pull(&queue, &class(), 5, wait).await.is_empty(), "an empty queue answers empty");
        assert!(start.elapsed() < wait + PATIENCE, "a pull ends about when its wait is over");
    }
}

pub(super) async fn a_waiting_pull_is_woken_by_a_push(queue: Arc<dyn Queue>) {
    for n in 0..5 {
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { pull(&queue, &class(), 1, PATIENCE * 3).await }
        });
        tokio::task::yield_now().await;
        push(&queue, &format!("{n}")).await;
        let found =
            tokio::time::timeout(PATIENCE, waiting).await.expect("a push wakes a pull that waits").unwrap();
        let [delivery] = &found[..] else { panic!("a push wakes a pull that waits, was {found:?}") };
        queue.ack(delivery).await.unwrap();
    }
}

pub(super) async fn max_is_kept_and_the_rest_stays(queue: Arc<dyn Queue>) {
    for n in 0..10 {
        push(&queue, &format!("{n}")).await;
    }
    let mut seen = BTreeSet::new();
    let start = Instant::now();
    while seen.len() < 10 && start.elapsed() < PATIENCE {
        for delivery in pull(&queue, &class(), 4, Duration::from_secs(1)).await {
            // A job that was late for its hold may come twice.
            if queue.ack(&delivery).await.is_ok() {
                assert!(seen.insert(delivery.payload.clone()), "an acknowledged job came again");
            }
        }
    }
    assert_eq!(seen.len(), 10, "every job is pulled");
    depth(&queue, 0, "all are done").await;
}

pub(super) async fn classes_are_apart(queue: Arc<dyn Queue>) {
    let other = Class::new("jobs_2").unwrap();
    push(&queue, "a").await;
    assert!(pull(&queue, &other, 5, Duration::ZERO).await.is_empty(), "a pull answers with its class only");
    assert_eq!(queue.depth(&other).await.unwrap(), 0, "depth counts its class only");
    queue.push(&other, "b", Bytes::from_static(b"b")).await.unwrap();
    let delivery = one(&queue, "a class has its own jobs").await;
    assert_eq!(delivery.payload, "a", "a pull answers with its class only");
    queue.ack(&delivery).await.unwrap();
    let found = pull(&queue, &other, 5, PATIENCE).await;
    assert_eq!(found.iter().map(|d| d.payload.clone()).collect::<Vec<_>>(), ["b"]);
}
