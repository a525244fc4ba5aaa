//! Log and queue on NATS JetStream (nats-server 2.11 or later).
//!
//! | stream | subjects | what |
//! |---|---|---|
//! | `RB_EV_<shard>` | `rb.ev.<shard>.<stream>.<node>.<execution>` | events |
//! | `RB_SE_<shard>` | `rb.se.<shard>.<session>` | journals |
//! | `RB_IN_<shard>` | `rb.in.<shard>.<session>` | inboxes |
//! | `RB_JOB` | `rb.job.<class>` | jobs, a work queue |
//! | `RB_LAYOUT` | `rb.layout` | how the lanes are split |
//! | `RB_CHECK` | `rb.check.*.*` | scratch of the checks |
//!
//! The broker publishes each stored message again below `rb.live.`, for live feeds. Appends are fenced by the broker's
//! compare-and-set over a key's subjects; reads are batched direct gets; live feeds are core subscriptions.

mod append;
mod check;
mod config;
mod connect;
mod core;
mod decode;
mod elections;
mod ends;
mod error;
mod examine;
mod handle;
mod held;
mod inbox;
mod last_fault;
mod layouts;
mod leader;
mod log;
mod login;
mod names;
mod outbox;
mod parts;
mod permissions;
mod publish;
mod queue;
mod read;
mod replies;
mod resolve;
mod room;
mod seen;
mod setup;
mod streams;
mod tail;
#[cfg(any(test, feature = "test-util"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod watch;

pub use config::{Config, Shards};
pub use error::{ConnectError, Difference, Drift, SetupError};
pub use examine::{Examined, examine};
pub use handle::Nats;
pub use log::Log;
pub use permissions::{Permissions, Role, accounts, permissions};
pub use queue::Queue;
