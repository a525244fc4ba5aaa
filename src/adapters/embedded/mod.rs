//! Log, queue and store in one SQLite file: one machine, nothing to install, survives kill -9.
//!
//! ```text
//!  append, push, apply ──▶ writer thread: all that waits, one transaction ──▶ runbus.db (WAL)
//!  read, last, get     ──▶ a few read connections on blocking threads     ◀──    │
//!  tail                ◀── watch thread: new rows in commit order         ◀──────┘ also of other processes
//! ```
//!
//! Other processes may open the same file: every write takes SQLite's write lock, and the watch thread notices their
//! commits within [`limits::WATCH_INTERVAL`].
//!
//! Only the owner may read the files (`files`). Deadlines are measured with a time that never goes back (`time`). While
//! the disk takes nothing, appends and readiness say so, and go on once it does (`probe`).

mod append;
mod config;
mod files;
mod handle;
mod index;
pub mod limits;
mod log;
mod look;
mod probe;
mod queue;
mod readers;
mod retention;
mod rows;
mod schema;
mod store;
#[cfg(test)]
mod tests;
mod time;
mod transaction;
mod watch;
mod writer;

pub use config::{Config, Synchronous};
pub use handle::{Embedded, OpenError};
pub use log::EmbeddedLog;
pub use look::look;
pub use queue::EmbeddedQueue;
pub use store::EmbeddedStore;
