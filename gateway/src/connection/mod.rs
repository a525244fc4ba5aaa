//! One client: its subscriptions, what it is sent, and how it ends.
//!
//! `subscription` decides what comes next for one subscription, whatever the transport: `join` where it begins, `source`
//! where it reads, `history` a reader of its own, `missing` what is gone, `tally` what is counted, `output` where its news go. For WebSockets
//! `outbound` makes messages of them, `commands` obeys, and [`client`] is the loop; for event streams `frames` and [`event_stream`] are;
//! [`gate`] knows who the client is,
//! [`poll`] waits for the first ones.

pub mod client;
mod commands;
pub mod event_stream;
mod frames;
pub mod gate;
mod history;
pub mod join;
mod missing;
mod outbound;
mod output;
pub mod poll;
pub mod shared;
mod source;
mod subscription;
mod tally;

pub use client::serve;
pub use shared::Shared;
