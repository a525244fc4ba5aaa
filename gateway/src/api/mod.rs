//! REST: everything that is not a stream, one endpoint a file.

pub mod error;
pub mod events;
pub mod executions;
pub mod health;
pub mod parameters;
pub mod root;
pub mod stats;
pub mod workers;
