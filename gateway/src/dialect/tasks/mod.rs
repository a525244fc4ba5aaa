//! `/ws/tasks/{task_id}`: a task is an execution.

pub mod frames;
pub mod socket;
pub mod start;
pub mod translate;

use crate::app::Endpoint;

/// The endpoints of this dialect.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    socket::endpoints()
}
