//! REST: everything that is not a stream, one resource a file.

pub mod actor;
pub mod approvals;
pub mod auth;
pub mod body;
pub mod caller;
pub mod dead_letters;
pub mod definitions;
pub mod error;
pub mod events;
pub mod executions;
pub mod gateways;
pub mod health;
pub mod lists;
pub mod metrics;
pub mod monitor;
pub mod openapi;
pub mod parameters;
pub mod publish;
pub mod questions;
pub mod root;
pub mod sessions;
pub mod stats;
pub mod tag;
pub mod traced;
mod turns;
pub mod workers;
