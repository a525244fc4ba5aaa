//! The ways in that stream.

pub mod later;
pub mod monitor;
pub mod sse;
pub mod ws;
