//! The ways in that stream.

pub mod lists;
pub mod monitor;
pub mod sse;
pub mod ws;
