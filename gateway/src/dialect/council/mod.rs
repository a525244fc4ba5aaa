//! `/ws/council/{run_id}` and `/api/councils/run`: a run is an execution of the council's graph.

pub mod frames;
pub mod runs;
pub mod socket;
pub mod translate;
pub mod view;

use crate::app::Endpoint;

/// The endpoints of this dialect.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [socket::endpoints(), runs::endpoints()].concat()
}
