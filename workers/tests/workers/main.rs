//! The workers from outside: one topic per file.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod accumulate;
mod builtin;
mod client;
mod client_faults;
mod definitions;
mod mcp;
mod recordings;
mod routing;
mod tools;
