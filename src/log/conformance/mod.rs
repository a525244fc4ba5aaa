//! The suite that every adapter of the log passes.
//!
//! Each case gets a fresh, empty log. A read may be answered by a replica that lags, so what is read is compared until
//! it is right or [`kit::PATIENCE`] is over.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test suite: a broken rule is a panic that names it"
)]

mod bounds;
mod chain;
mod contend;
mod external;
mod kit;
mod model;
mod open;
mod read;
mod resolve;
mod strange;
mod tail;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Log;

/// Longest time for one case.
const CASE: Duration = Duration::from_secs(120);

/// One rule, or a few that belong together, by name.
pub type Case = (&'static str, fn(Arc<dyn Log>) -> BoxFuture<'static, ()>);

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |log| $module::$name(log).boxed())),*]
    };
}

/// All cases.
pub const CASES: &[Case] = cases![
    chain::appends_are_numbered_and_chained,
    chain::none_expects_an_empty_key,
    chain::a_stale_expectation_is_fenced_with_the_last_frame,
    chain::the_check_is_over_all_nodes_of_an_execution,
    chain::keys_do_not_touch_each_other,
    chain::an_open_frame_between_fences_the_owner,
    chain::topics_without_an_owner_take_no_expectation,
    chain::a_place_that_was_never_given_is_regressed,
    chain::frames_come_back_as_they_were,
    resolve::the_same_frame_again_is_the_same_place,
    resolve::it_is_found_behind_open_frames,
    resolve::another_frame_is_not_mine,
    resolve::concurrent_retries_store_one_frame,
    open::the_same_id_is_stored_once,
    open::concurrent_repeats_store_one_frame,
    open::different_ids_are_different_frames,
    open::events_without_execution_are_taken,
    external::they_are_read_with_the_rest_and_are_marked,
    external::one_between_shows_in_prev,
    external::a_check_of_own_frames_passes_over_them,
    external::nobody_takes_an_id_away,
    external::they_are_events_and_expect_nothing,
    read::every_scope_in_both_directions,
    read::an_execution_of_many_nodes_is_read_in_order,
    read::pages_are_limited_in_frames,
    read::pages_are_limited_in_bytes,
    read::from_is_included,
    read::nothing_is_an_empty_page_that_is_done,
    read::last_is_the_last_of_the_key,
    strange::ids_are_kept_apart,
    strange::the_longest_ids_fit,
    tail::later_frames_arrive_in_order,
    tail::only_the_scope_arrives,
    tail::a_dropped_feed_harms_no_other,
    tail::a_slow_reader_blocks_no_other_and_learns_of_its_loss,
    contend::one_wins_every_place,
    contend::many_keys_at_once,
    bounds::an_empty_shard_has_no_place,
    bounds::they_follow_the_appends,
    bounds::a_large_frame_is_taken_and_a_huge_one_refused,
    bounds::ready_answers,
    model::random_operations_agree_with_a_model,
];

/// Runs all cases, each on its own fresh and empty log.
///
/// # Panics
/// When a rule is broken; the panic's message names every case that failed.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Log>) {
    let mut broken = Vec::new();
    for (name, case) in CASES {
        let log = make().await;
        match tokio::time::timeout(CASE, AssertUnwindSafe(case(log)).catch_unwind()).await {
            Ok(Ok(())) => {}
            Ok(Err(_panic)) => broken.push(format!("{name} failed")),
            Err(_elapsed) => broken.push(format!("{name} did not end within {CASE:?}")),
        }
    }
    assert!(broken.is_empty(), "the log breaks its contract: {}", broken.join(", "));
}
