//! `/v1/executions`.

use crate::app::Endpoint;

pub mod commands;
pub mod presence;
pub mod snapshot;
pub mod start;
pub mod status;
pub mod waiting;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [
        start::endpoints(),
        status::endpoints(),
        snapshot::endpoints(),
        commands::endpoints(),
        waiting::endpoints(),
        presence::endpoints(),
    ]
    .concat()
}
