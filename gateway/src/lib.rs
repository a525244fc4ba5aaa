//! The gateway of Runbus: a stateless process that fans events out over WebSocket and answers REST.
//!
//! # Layout
//! Lowest first; a module imports only from those above it in this list.
//! - [`config`] (with `dropin::config`, a part of it), [`limits`]
//! - [`auth`]: callers and their permissions
//! - [`protocol`]: the native WebSocket protocol's messages
//! - `spans`: the trace spans
//! - [`hub`]: one reader of the log for each watched scope, for any number of clients
//! - [`feed`]: the latest state of something, for many who watch it
//! - [`monitor`]: the view of a stream, folded once for all watchers
//! - [`presence`]: the watchers of an execution
//! - [`publishing`]: events that clients publish
//! - [`connection`]: one client
//! - [`openapi`]: how endpoints describe themselves
//! - [`transport`], [`api`]: the ways in
//! - [`dropin`]: the ways in that stand in for other servers
//! - [`endpoints`]: the one list of them
//! - [`contract`]: the WebSocket's messages as JSON Schema and AsyncAPI, from the types
//! - [`hosts`]: by which names it may be called; [`origin`]: which web pages may use it; [`media`]: what bodies say that they are
//! - [`console`]: the page that people use
//! - [`sockets`], [`tls`]: their connections; `body_drain`: the rest of request bodies; [`scrape`]: a listener for metrics alone
//! - [`router`], [`server`]: putting it together, and ending it
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read JSON that they wrote themselves"))]

pub mod api;
pub mod auth;
mod body_drain;
pub mod config;
pub mod connection;
pub mod console;
pub mod contract;
pub mod dropin;
pub mod endpoints;
mod expiry;
pub mod feed;
pub mod hosts;
pub mod hub;
pub mod ledger;
pub mod limits;
pub mod lists;
pub mod media;
pub mod monitor;
pub mod openapi;
pub mod origin;
pub mod presence;
pub mod protocol;
pub mod publishing;
pub mod readiness;
pub mod report;
pub mod router;
pub mod scrape;
pub mod server;
mod serving;
pub mod shared_socket;
pub mod sockets;
mod spans;
pub mod tls;
pub mod transport;

pub use config::Config;
pub use scrape::Scrape;
pub use server::{BindError, Gateway};
