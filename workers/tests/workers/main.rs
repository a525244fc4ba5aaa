//! The workers from outside: one topic per file.
#![allow(clippy::disallowed_methods, reason = "tests read JSON that they wrote themselves")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod accumulate;
mod builtin;
mod client;
mod client_faults;
mod compaction;
mod definition_faults;
mod definitions;
mod error_codes;
mod fallbacks;
mod goals;
mod graph_walks;
mod guards;
mod mcp;
mod native;
mod recordings;
mod replay;
mod router_faults;
mod routing;
mod sessions;
mod takeovers;
mod tools;
