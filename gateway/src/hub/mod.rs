//! Hubs: one reader of the log for each watched scope, for any number of clients.
//!
//! [`entry`] is an event encoded once for all, [`entries`] a follower that makes them, [`ring`] the recent ones, `task` fills it,
//! [`registry`] has the shared hubs, [`share`] limits each, [`watcher`] is notified, [`bounds`] is one read for all callers.

pub mod bounds;
pub mod entries;
pub mod entry;
pub mod registry;
pub mod ring;
pub mod share;
mod task;
pub mod watcher;

pub use entries::{Entries, LogMessage};
pub use entry::{Content, Entry};
pub use registry::{Hub, Hubs};
pub use share::Shares;
pub use watcher::Watcher;
