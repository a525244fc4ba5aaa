//! Endpoints that stand in for other servers, so that a front end written for one of them needs only a new address
//! (docs/dropin.md).
//!
//! Each is a translation and nothing else: events come from the subscription that every client has, commands go to
//! [`runbus::control`]. `translate` turns events into that server's messages and knows no socket; `socket` knows no format.

pub mod agents;
mod commands;
pub mod council;
mod error_text;
pub mod tasks;
mod upgrade;

pub use crate::config::dropin::Config;

use crate::app::Endpoint;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let council = [council::socket::endpoints(), council::runs::endpoints()].concat();
    [tasks::socket::endpoints(), agents::socket::endpoints(), council].concat()
}
