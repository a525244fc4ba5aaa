//! MCP servers as real processes: this test binary starts itself as one (see [`server`]).

mod calls;
pub(super) mod kit;
mod life;
mod odd;
mod registry;
mod server;
mod web;
