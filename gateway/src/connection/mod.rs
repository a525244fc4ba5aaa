//! One client: its subscriptions, what it is sent, and how it ends.
//!
//! `subscription` decides what comes next for one subscription, `outbound` makes messages of it, [`client`] is the loop.

pub mod client;
mod history;
mod join;
mod missing;
mod outbound;
mod subscription;

pub use client::{Shared, serve};
