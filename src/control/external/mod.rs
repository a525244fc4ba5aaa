//! External events: the events that external producers may publish. A gateway asks here, so that no endpoint can omit
//! the rule.
//!
//! External producers report their own executions. Their events about Runbus's executions are stored and delivered, and do
//! not change the state of those: [`crate::execution::fold_event`] ensures that. See docs/adr/0034.
//!
//! # Layout
//! `rule` is what may be said by whom, [`Error`] why it is not taken.

mod error;
mod events;
mod rule;

pub use error::Error;
