//! Tests of the whole, against real servers: the same cases on every backend.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test says by panicking")]

mod backends;
mod bus;
mod contracts;
mod writer;
