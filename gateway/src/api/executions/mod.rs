//! `/v1/executions`.

use crate::openapi::Endpoint;

pub mod commands;
pub mod start;
pub mod status;
pub mod waiting;

/// What is here.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [start::endpoints(), status::endpoints(), commands::endpoints(), waiting::endpoints()].concat()
}
