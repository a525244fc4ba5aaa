//! `/v1/executions`.

pub mod commands;
pub mod presence;
pub mod start;
pub mod status;
pub mod waiting;
