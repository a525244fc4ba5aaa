//! The durable agent runtime: models, tools, graphs and, above them, sessions as actors.
//!
//! # Layout
//!
//! Lowest first; a module imports only from those above it in this list.
//!
//! - [`tool`]: what a model may call, and the registry that runs it within limits.
//! - [`model`]: the port to a language model, its OpenAI-compatible client and the scripted stand-in.
//! - [`graph`]: agent and graph definitions: format, validation, pure routing and rendering.
//! - `recording` (feature `test-util`): a server that replays recorded provider traffic.

pub mod graph;
pub mod model;
//#[cfg(feature = "test-util")]
//pub mod recording;
pub mod tool;
