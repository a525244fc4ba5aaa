//! The suite that every adapter of the store passes. Each case gets a fresh, empty store.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test suite: a broken rule is a panic that names it")]

mod index;
mod kit;
mod lease;
mod presence;
mod projection;
mod remember;
mod strange;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Store;

/// Longest time for one case.
const CASE: Duration = Duration::from_secs(120);

/// One rule, or a few that belong together, by name.
pub type Case = (&'static str, fn(Arc<dyn Store>) -> BoxFuture<'static, ()>);

macro_rules! cases {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($name)), |store| $module::$name(store).boxed())),*]
    };
}

/// All cases.
pub const CASES: &[Case] = cases![
    projection::apply_follows_its_rules,
    projection::an_applied_projection_can_be_read,
    projection::after_a_wipe_it_is_discontinuous,
    projection::large_numbers_are_exact,
    projection::keep_ends_it,
    projection::a_later_apply_changes_how_long_it_stays,
    projection::one_of_many_writers_wins_each_version,
    lease::one_owner_at_a_time,
    lease::it_expires,
    lease::renewing_holds_it,
    lease::only_the_owner_releases,
    lease::one_of_many_gets_it,
    presence::members_join_and_leave,
    presence::they_expire,
    remember::the_first_value_stays,
    remember::it_expires,
    remember::all_of_many_agree,
    index::a_batch_goes_on_from_the_revision_that_stands,
    index::one_of_many_writers_advances,
    index::pages_are_in_order_and_whole,
    index::a_document_may_move,
    index::sets_are_found_by_how_they_begin,
    index::the_lowest_rank_leaves_first,
    index::what_is_cleared_is_gone,
    strange::ids_are_kept_apart,
    strange::families_and_kinds_are_kept_apart,
];

/// Runs all cases, each on its own fresh and empty store.
///
/// # Panics
/// When a rule is broken; the panic's message names every case that failed.
pub async fn run(make: impl AsyncFn() -> Arc<dyn Store>) {
    let mut broken = Vec::new();
    for (name, case) in CASES {
        let store = make().await;
        match tokio::time::timeout(CASE, AssertUnwindSafe(case(store)).catch_unwind()).await {
            Ok(Ok(())) => {}
            Ok(Err(_panic)) => broken.push(format!("{name} failed")),
            Err(_elapsed) => broken.push(format!("{name} did not end within {CASE:?}")),
        }
    }
    assert!(broken.is_empty(), "the store breaks its contract: {}", broken.join(", "));
}
