//! The gateway of Runbus: a stateless process that fans events out over WebSocket and answers REST.
//!
//! # Layout
//! Lowest first; docs/ARCHITECTURE.md states the whole order, which the test `layers` checks.
//! - [`limits`], [`auth`], [`config`]: limits, callers and their permissions, the section `[gateway]`
//! - [`openapi`], [`protocol`]: how endpoints describe themselves; the messages of the native protocol
//! - [`net`]: connections from accept to close
//! - [`hub`], [`lists`], [`monitor`], [`presence`], [`publishing`]: shared by any number of clients
//! - [`app`]: the state that all share
//! - [`connection`] with [`transport`] and [`dialect`]: one client; [`api`]: REST
//! - [`endpoints`], [`console`], [`router`], [`server`]: putting it together, and ending it
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read JSON that they wrote themselves"))]

pub mod api;
pub mod app;
pub mod auth;
pub mod config;
pub mod connection;
pub mod console;
pub mod contract;
pub mod dialect;
pub mod endpoints;
pub mod feed;
pub mod guard;
pub mod hosts;
pub mod hub;
pub mod ledger;
pub mod limits;
pub mod lists;
pub mod monitor;
pub mod net;
pub mod openapi;
pub mod presence;
pub mod pressure;
pub mod protocol;
pub mod publishing;
pub mod readiness;
pub mod report;
pub mod router;
pub mod scrape;
pub mod server;
pub mod snapshots;
mod spans;
pub mod transport;

pub use config::Config;
pub use scrape::Scrape;
pub use server::{BindError, Gateway};
