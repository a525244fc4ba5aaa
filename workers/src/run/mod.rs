//! The effects that a session's state asks for: each ends in facts to record, and touches the journal only through them.

pub mod compact;
pub mod context;
pub mod model;
pub mod notify;
pub mod tools;

pub use context::{Context, Done};
