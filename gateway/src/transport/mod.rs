//! The ways in that stream.

pub mod ws;
