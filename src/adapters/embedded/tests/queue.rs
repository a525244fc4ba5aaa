//! Tests that the conformance suite cannot contain: the window of idempotency keys, other processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::{config, open, reopen};
use crate::adapters::embedded::{Config, Embedded};
use crate::limits::DUPLICATE_WINDOW;
use crate::queue::{Class, Queue};
use crate::time::Clock;

#[tokio::test]
async fn a_key_is_free_again_once_its_job_is_held_and_the_window_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(1_800_000_000_000_000));
    let config = Config { hold_ms: 3_600_000, ..config(&folder) };
    let queue = Embedded::open(&config, Clock::Manual(time.clone())).unwrap().queue;
    let class = Class::sessions();
    let push = || queue.push(&class, "a", Bytes::from_static(b"a"));
    let window = i64::try_from(DUPLICATE_WINDOW.as_micros()).unwrap();

    push().await.unwrap();
    time.fetch_add(2 * window, Ordering::Relaxed);
    push().await.unwrap();
    assert_eq!(queue.depth(&class).await.unwrap(), 1, "a job that waits is one job, also after the window");
    assert_eq!(queue.pull(&class, 9, Duration::ZERO).await.unwrap().len(), 1);
    push().await.unwrap();
    assert_eq!(queue.depth(&class).await.unwrap(), 2, "a held job may have begun before: one more is needed");
    push().await.unwrap();
    assert_eq!(queue.depth(&class).await.unwrap(), 2, "and only one");
}

#[tokio::test]
async fn a_job_of_another_process_wakes_a_pull() {
    let (here, folder) = open();
    let there = reopen(&folder);
    let class = Class::sessions();
    let waiting = tokio::spawn({
        let (queue, class) = (here.queue.clone(), class.clone());
        async move { queue.pull(&class, 1, Duration::from_secs(60)).await.unwrap() }
    });
    there.queue.push(&class, "a", Bytes::from_static(b"a")).await.unwrap();
    let found = tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("it is found").unwrap();
    assert_eq!(found.len(), 1);
    there.queue.ack(&found[0]).await.unwrap();
    assert_eq!(here.queue.depth(&class).await.unwrap(), 0);
}

#[tokio::test]
async fn a_failing_command_harms_no_other() {
    let (embedded, _folder) = open();
    let class = Class::sessions();
    let pushes = (0..20).map(|n| {
        let (queue, class) = (embedded.queue.clone(), class.clone());
        async move { queue.push(&class, &format!("{n}"), Bytes::new()).await.is_ok() }
    });
    let failing = (0..5).map(|_| {
        let writer = embedded.queue.writer.clone();
        async move {
            let work = |transaction: &mut super::super::transaction::Transaction<'_>| {
                // Its first half must not stay.
                transaction.connection.execute("DELETE FROM jobs", [])?;
                transaction.connection.execute("INSERT INTO nowhere VALUES (1)", [])
            };
            writer.call(0, work).await.is_err()
        }
    });
    let (pushed, failed) =
        tokio::join!(futures_util::future::join_all(pushes), futures_util::future::join_all(failing));
    assert!(pushed.into_iter().chain(failed).all(|as_expected| as_expected));
    assert_eq!(embedded.queue.depth(&class).await.unwrap(), 20);
}
