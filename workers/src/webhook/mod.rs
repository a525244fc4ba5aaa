//! Webhooks: events sent to HTTP endpoints: signed, at least once, in order per execution.
//!
//! # Layout
//! Lowest first; a file uses only those above it in this list.
//! - [`config`]: the `[webhooks]` section; [`sign`]: signatures, and [`verify`] for receivers
//! - `backoff`: how long to wait; `request`: one try; `select`: which events; `deliver`: one event until it is settled
//! - `window`: the events in flight, and the cursor behind the settled ones
//! - `checkpoint`: that cursor in the log, written by compare-and-set: the loser stops
//! - `claim`: the right to dispatch; `owner`: its holder; [`dispatcher`]: the parts of a process

mod backoff;
mod checkpoint;
mod claim;
pub mod config;
mod counters;
mod deliver;
pub mod dispatcher;
mod owner;
mod request;
mod select;
pub mod sign;
mod window;

pub use config::{Config, Endpoint};
pub use counters::Counters;
pub use dispatcher::Webhooks;
pub use sign::{Headers, Refused, verify};
