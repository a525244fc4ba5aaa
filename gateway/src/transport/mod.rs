//! The ways in that stream.

pub mod monitor;
pub mod sse;
pub mod ws;
