//! Sessions: what their journal holds, what commands come to, and the fold of both.
//!
//! # Layout
//! Pure: [`message`] and [`turn`] (what was said), [`command`] (what the inbox holds), [`entry`] (what the journal
//! holds), [`approval`] (its state machine), [`transcript`], [`run`] and [`state`] (what both fold to: entries in `fold`,
//! commands in `commands`), [`view`] (what people see of it). On the log: [`journal`] and [`inbox`]. Who drives a session is none of
//! this module's business.

pub mod approval;
pub mod below;
pub mod command;
mod commands;
pub mod entry;
mod fold;
pub mod inbox;
pub mod journal;
pub mod message;
pub mod run;
pub mod state;
pub mod transcript;
pub mod turn;
pub mod view;

pub use message::{Image, Message, ToolCall};
pub use turn::{Turn, Usage};
