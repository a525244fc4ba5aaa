//! The suite that every adapter of the queue passes.
//!
//! Each case gets a fresh, empty queue whose [`Queue::hold`](super::Queue::hold) is short, some 300 ms: jobs are let
//! expire on purpose.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test suite: a broken rule is a panic that names it")]

mod hold;
mod keys;
mod kit;
mod pull;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Queue;

/// Longest time for one case.
const CASE: Duration = Duration::from_secs(120);

/// One rule, or a few that belong together, by name.
pub type Case = (&'static str, fn(Arc<dyn Queue>) -> BoxFuture<'static, ()>);

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |queue| $module::$name(queue).boxed())),*]
    };
}

/// All cases.
pub const CASES: &[Case] = cases![
    pull::a_pushed_job_is_pulled_and_acknowledged,
    pull::any_bytes_come_back,
    pull::an_empty_queue_answers_empty,
    pull::a_waiting_pull_is_woken_by_a_push,
    pull::max_is_kept_and_the_rest_stays,
    pull::classes_are_apart,
    keys::the_same_key_is_one_job,
    keys::the_same_key_in_two_classes_is_two_jobs,
    keys::concurrent_repeats_are_one_job,
    hold::a_job_that_is_not_acknowledged_comes_again,
    hold::an_extended_job_stays_held,
    hold::retry_comes_after_its_delay,
    hold::a_dropped_job_does_not_come_again,
    hold::a_delivery_that_is_not_held_is_refused,
    hold::two_pullers_never_hold_one_job,
];

/// Runs all cases, each on its own fresh and empty queue.
///
/// # Panics
/// When a rule is broken; the panic's message names every case that failed.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Queue>) {
    let mut broken = Vec::new();
    for (name, case) in CASES {
        let queue = make().await;
        match tokio::time::timeout(CASE, AssertUnwindSafe(case(queue)).catch_unwind()).await {
            Ok(Ok(())) => {}
            Ok(Err(_panic)) => broken.push(format!("{name} failed")),
            Err(_elapsed) => broken.push(format!("{name} did not end within {CASE:?}")),
        }
    }
    assert!(broken.is_empty(), "the queue breaks its contract: {}", broken.join(", "));
}
