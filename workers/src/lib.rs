//! The durable agent runtime of Runbus: workers that own sessions and run agents and graphs.
//!
//! # Layout
//! Lowest first; a module imports only from those above it in this list.
//! - [`limits`], [`config`], `spans`: the trace spans
//! - [`tool`]: the tools of a model, and the registry that runs them within limits; [`tools_section`]: the built-in ones
//! - [`mcp`]: tools of MCP servers
//! - [`model`]: the port to a language model, its OpenAI-compatible client and the scripted stand-in
//! - [`graph`]: agent and graph definitions: format, validation, pure routing and rendering
//! - [`definition`]: a definition as a plan that a session follows
//! - [`session`]: journal, decisions, events; [`run`]: the effects of a step
//! - [`pool`]: the worker
//! - [`webhook`]: events sent to HTTP endpoints, in worker processes
//! - `recording` (feature `test-util`): a server that replays recorded provider traffic
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read JSON that they wrote themselves"))]

pub mod compaction;
pub mod config;
pub mod definition;
pub mod graph;
pub mod limits;
pub mod mcp;
pub mod model;
pub mod model_section;
pub mod observed;
pub mod pool;
#[cfg(feature = "test-util")]
pub mod recording;
pub mod run;
pub mod session;
mod spans;
pub mod tool;
pub mod tools_section;
pub mod webhook;
mod yaml;
mod zeros;
