//! The ways in that stream.

pub mod sse;
pub mod ws;
