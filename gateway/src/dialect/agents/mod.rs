//! `/ws/agents/{agent_id}` and `/ws/agents`: an agent is a stream.

pub mod approval;
pub mod envelope;
pub mod message;
pub mod snapshot;
pub mod socket;
pub mod translate;

use crate::app::Endpoint;

/// The endpoints of this dialect.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    socket::endpoints()
}
