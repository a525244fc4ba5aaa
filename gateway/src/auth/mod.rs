//! Callers and their permissions.
//!
//! # Layout
//! Permissions: [`action`], [`pattern`], [`scope`], [`narrow`]. Identity: [`principal`], by a [`credential`] that [`api_key`],
//! [`jwt`] (with [`keys`]) or [`stream_token`] check, purely. Fetching: [`jwks`], [`authenticator`]. Rules of endpoints:
//! [`rule`]; of commands: [`permit`]. End of a right: [`revocation`], [`revocations`], [`live`]. Limits: [`account`]. All
//! together: [`service`] and a connection's [`ticket`].

pub mod account;
pub mod action;
pub mod api_key;
pub mod authenticator;
pub mod config;
pub mod credential;
mod crypto;
pub mod jwks;
pub mod jwt;
pub mod keys;
pub mod live;
pub mod narrow;
pub mod pattern;
pub mod permit;
pub mod principal;
pub mod refusal;
pub mod revocation;
pub mod revocations;
pub mod rule;
pub mod scope;
pub mod service;
pub mod stream_token;
pub mod ticket;

pub use action::Action;
pub use config::Config;
pub use narrow::Narrow;
pub use principal::Principal;
pub use refusal::Refusal;
pub use rule::Rule;
pub use scope::{Scope, Target};
pub use service::Auth;
pub use ticket::{Ended, Ticket};
