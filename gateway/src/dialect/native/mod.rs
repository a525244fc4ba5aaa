//! The native dialect (docs/protocol.md): over WebSocket (`ws`), and its events, monitors and lists as event streams (`sse`, `monitor`,
//! `lists`).
//!
//! [`Native`] is a client over WebSocket: `requests` has its requests, `commands` carries them out, `monitoring` has its monitors, `named` its
//! subscriptions, and `direct` sends to waiting clients without waking them. `event_stream` and `monitor_stream` are clients of event
//! streams. The messages are in [`crate::protocol`].

mod client;
mod commands;
mod direct;
pub mod event_stream;
pub mod lists;
pub mod monitor;
pub mod monitor_stream;
mod monitoring;
mod named;
mod requests;
pub mod sse;
pub mod ws;

pub use client::Native;
