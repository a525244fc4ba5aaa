//! `/v1/executions`.

pub mod start;
pub mod status;
