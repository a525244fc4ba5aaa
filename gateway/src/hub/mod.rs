//! Hubs: one reader of the log for each watched scope, whatever the number of clients.
//!
//! [`entry`] is an event encoded once for all, [`ring`] the recent ones, `task` what fills it, [`registry`] who shares
//! what, [`watcher`] who is told, [`bounds`] one question for all who ask it.

pub mod bounds;
pub mod entry;
pub mod registry;
pub mod ring;
mod task;
pub mod watcher;

pub use entry::{Content, Entry};
pub use registry::{Hub, Hubs};
pub use watcher::Watcher;
