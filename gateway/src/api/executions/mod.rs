//! `/v1/executions`.

pub mod commands;
pub mod start;
pub mod status;
pub mod waiting;
