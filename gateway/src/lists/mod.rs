//! Lists: what somebody asks of them, what they may see, and the lists as they change.
//!
//! [`config`] is the section of the configuration, [`parameters`] reads what is asked, [`visibility`] says what a principal sees. Live: [`live`]
//! knows who shares what, `task` reads one list again when the index has moved on, [`window`] makes the difference.

pub mod config;
pub mod live;
pub mod parameters;
mod task;
pub mod visibility;
pub mod window;

pub use config::Config;
pub use live::{Lists, Watch};
pub use task::name;
