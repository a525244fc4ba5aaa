//! Sessions: the content of their journal, the effects of commands, and the fold of both.
//!
//! # Layout
//! Pure: [`part`], [`message`] and [`turn`] (the messages), [`command`] (the content of the inbox), [`entry`] (the content of the journal),
//! [`approval`] (its state machine), [`transcript`], [`run`] and [`state`] (the fold of both: entries in `fold`, commands in
//! `commands`), [`view`] (the public view of it). On the log: [`journal`] and [`inbox`]. Driving a session is not part of this
//! module.

pub mod approval;
pub mod below;
pub mod checkpoint;
pub mod command;
mod commands;
pub mod entry;
mod fold;
pub mod inbox;
pub mod journal;
pub mod message;
pub mod part;
pub mod run;
mod seen;
pub mod state;
pub mod transcript;
pub mod turn;
pub mod view;

pub use crate::event::tree as above;
pub use message::{Message, ToolCall};
pub use part::{Content, Media, MediaKind, MediaSource, Part};
pub use turn::{Turn, Usage};
