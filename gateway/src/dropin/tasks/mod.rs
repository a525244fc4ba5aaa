//! `/ws/tasks/{task_id}`: a task is an execution.

pub mod frames;
pub mod socket;
pub mod start;
pub mod translate;
