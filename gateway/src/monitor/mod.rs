//! Monitors: one task for each watched stream folds its events and the workers' reports into one document; everybody who watches
//! it takes the same bytes.
//!
//! [`Monitors::watch`] is the way in: a [`Watch`] gives a [`Version`] when there is a new one. `registry` knows who shares what, `task` folds, `reports` asks for workers' reports once for all.

mod message;
pub mod registry;
mod reports;
mod task;
mod version;
mod watch;

pub use crate::config::monitor::Config;
pub use message::MonitorMessage;
pub use registry::Monitors;
pub use version::Version;
pub use watch::{Ended, Watch};
