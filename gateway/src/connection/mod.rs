//! One client: its subscriptions, what it is sent, and how it ends.
//!
//! `subscription` decides what comes next for one subscription, whatever the transport: `join` where it begins, `source`
//! where it reads, `history` a reader of its own, `missing` what is gone, `tally` what is counted, `output` where its news go, `merging` puts deltas
//! together for those who are behind, [`snapshots`] are what others begin with. For WebSockets
//! `outbound` makes messages of them, `requests` is what a client may ask for, `commands` obeys, `monitoring` has its monitors, `slow` waits for those who do not take what is written, `alarm` and `ends` are what is waited for all the time, `direct` sends to those who wait without waking them, and [`client`] is the loop; for event streams `frames`, [`event_stream`] and [`monitor_stream`] are;
//! [`gate`] knows who the client is, `goodbye` says the last word to it,
//! [`poll`] waits for the first ones, [`pressure`] counts and bounds what slow ones cost.
//! [`translated`] is the loop of clients that speak another server's protocol. `departure` says when one leaves a gateway that drains.

mod alarm;
pub mod client;
mod commands;
mod departure;
mod direct;
mod ends;
pub mod event_stream;
mod frames;
pub mod gate;
mod goodbye;
mod history;
pub mod join;
mod merging;
mod missing;
pub mod monitor_stream;
mod monitoring;
mod named;
mod outbound;
mod output;
pub mod poll;
pub mod pressure;
mod requests;
pub mod shared;
mod slow;
pub mod snapshots;
mod source;
mod subscription;
mod tally;
pub mod translated;
mod wake;

pub use client::serve;
pub use goodbye::turn_away;
pub use merging::merged;
pub use shared::Shared;
