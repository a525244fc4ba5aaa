//! Lists: what somebody asks of them, what they may see, and the lists as they change.
//!
//! [`parameters`] reads what is asked, [`visibility`] says what a principal sees. Live: [`live`]
//! knows who shares what, `task` reads one list again when the index has moved on, [`window`] makes the difference.

pub mod live;
mod task;
pub mod visibility;
pub mod window;

pub use crate::config::lists::Config;
pub use crate::protocol::list::{name, parameters};
pub use live::{Lists, Watch};
