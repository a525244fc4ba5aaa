//! The ways in that stream.

pub mod later;
pub mod lists;
pub mod monitor;
pub mod sse;
pub mod ws;
