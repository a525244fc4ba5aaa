//! Deliveries are held for a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::kit::{PATIENCE, class, depth, nothing, one, pull, push};
use crate::queue::{Error, Queue};

pub(super) async fn a_job_that_is_not_acknowledged_comes_again(queue: Arc<dyn Queue>) {
    push(&queue, "a").await;
    let asked = Instant::now();
    let first = one(&queue, "the job is there").await;
    let second = one(&queue, "a job whose hold is over comes again").await;
    assert!(asked.elapsed() >= queue.hold(), "a job came again while it was held");
    assert_eq!(second.payload, first.payload);
    assert!(second.deliveries >= 2, "deliveries are counted, was {}", second.deliveries);
    queue.ack(&second).await.unwrap();
    depth(&queue, 0, "the job is done").await;
}

pub(super) async fn an_extended_job_stays_held(queue: Arc<dyn Queue>) {
    push(&queue, "a").await;
    let held = one(&queue, "the job is there").await;
    let start = Instant::now();
    let mut extended = Instant::now();
    // An extension that comes too late on a slow machine proves nothing: it says so and the case ends.
    while start.elapsed() < 4 * queue.hold() {
        let asked = Instant::now();
        match queue.extend(&held).await {
            Ok(()) => extended = asked,
            Err(Error::NotHeld) if extended.elapsed() >= queue.hold() => return,
            Err(error) => panic!("extending a held job failed: {error:?}"),
        }
        let found = pull(&queue, &class(), 1, queue.hold() / 4).await;
        assert!(
            found.is_empty() || extended.elapsed() >= queue.hold(),
            "an extended job was delivered to somebody else"
        );
        if !found.is_empty() {
            return;
        }
    }
    let again = one(&queue, "a job that is no longer extended comes again").await;
    assert!(extended.elapsed() >= queue.hold(), "an extension holds for a whole hold");
    queue.ack(&again).await.unwrap();
}

pub(super) async fn retry_comes_after_its_delay(queue: Arc<dyn Queue>) {
    push(&queue, "a").await;
    for delay in [Duration::ZERO, queue.hold() / 2, 2 * queue.hold()] {
        let held = one(&queue, "the job is there").await;
        let asked = Instant::now();
        queue
            .retry(&held, delay)
            .await
            .unwrap_or_else(|error| panic!("retry of a held job failed: {error:?}"));
        depth(&queue, 1, "a job that waits for its retry counts").await;
        let again = one(&queue, "a job that was given back comes again").await;
        assert!(asked.elapsed() >= delay, "a job came again before its delay {delay:?} was over");
        assert!(again.deliveries >= 2, "deliveries are counted");
        queue.retry(&again, Duration::ZERO).await.unwrap();
    }
}

pub(super) async fn a_dropped_job_does_not_come_again(queue: Arc<dyn Queue>) {
    push(&queue, "a").await;
    let held = one(&queue, "the job is there").await;
    queue.give_up(&held).await.unwrap_or_else(|error| panic!("give_up of a held job failed: {error:?}"));
    depth(&queue, 0, "a job that was given up is gone").await;
    nothing(&queue, "a job that was given up does not come again").await;
}

pub(super) async fn a_delivery_that_is_not_held_is_refused(queue: Arc<dyn Queue>) {
    push(&queue, "a").await;
    let first = one(&queue, "the job is there").await;
    let second = one(&queue, "a job whose hold is over comes again").await;
    for (what, outcome) in [
        ("ack", queue.ack(&first).await),
        ("extend", queue.extend(&first).await),
        ("retry", queue.retry(&first, Duration::ZERO).await),
        ("give_up", queue.give_up(&first).await),
    ] {
        assert!(
            matches!(outcome, Err(Error::NotHeld)),
            "{what} of an expired delivery is refused, was {outcome:?}"
        );
    }
    let current = match queue.ack(&second).await {
        Ok(()) => second,
        // A slow machine: it has expired meanwhile.
        Err(Error::NotHeld) => {
            let third = one(&queue, "an old holder cannot take the job away").await;
            queue.ack(&third).await.unwrap();
            third
        }
        Err(error) => panic!("ack failed: {error:?}"),
    };
    for (what, outcome) in [
        ("ack", queue.ack(&current).await),
        ("extend", queue.extend(&current).await),
        ("retry", queue.retry(&current, Duration::ZERO).await),
        ("give_up", queue.give_up(&current).await),
    ] {
        assert!(
            matches!(outcome, Err(Error::NotHeld)),
            "{what} of a job that is done is refused, was {outcome:?}"
        );
    }
    depth(&queue, 0, "the job is done").await;
}

pub(super) async fn two_pullers_never_hold_one_job(queue: Arc<dyn Queue>) {
    const JOBS: usize = 200;
    for n in 0..JOBS {
        push(&queue, &format!("{n}")).await;
    }
    // Per job: when its last holder asked for it, until it gives it back.
    let holders: Arc<Mutex<HashMap<Vec<u8>, Instant>>> = Arc::default();
    let done = Arc::new(Mutex::new(Vec::new()));
    let pullers: Vec<_> = (0..4)
        .map(|puller| {
            let (queue, holders, done) = (queue.clone(), holders.clone(), done.clone());
            tokio::spawn(async move {
                let start = Instant::now();
                while done.lock().unwrap().len() < JOBS && start.elapsed() < 2 * PATIENCE {
                    let asked = Instant::now();
                    for delivery in pull(&queue, &class(), 7, Duration::from_millis(100)).await {
                        let job = delivery.payload.to_vec();
                        let before = holders.lock().unwrap().insert(job.clone(), asked);
                        if let Some(before) = before {
                            assert!(before.elapsed() >= queue.hold(), "job {job:?} is held twice");
                        }
                        if puller == 0 && delivery.deliveries == 1 {
                            holders.lock().unwrap().remove(&job);
                            match queue.retry(&delivery, Duration::ZERO).await {
                                Ok(()) | Err(Error::NotHeld) => continue,
                                Err(error) => panic!("retry failed: {error:?}"),
                            }
                        }
                        match queue.ack(&delivery).await {
                            Ok(()) => done.lock().unwrap().push(job),
                            Err(Error::NotHeld) => {}
                            Err(error) => panic!("ack failed: {error:?}"),
                        }
                    }
                }
            })
        })
        .collect();
    for puller in pullers {
        puller.await.unwrap();
    }
    let mut done = done.lock().unwrap().clone();
    done.sort();
    let all = done.len();
    done.dedup();
    assert_eq!((done.len(), all), (JOBS, JOBS), "every job is acknowledged once");
}
