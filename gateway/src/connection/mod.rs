//! One client: its subscriptions, its messages, and its end.
//!
//! `subscription` decides the next step of one subscription, for every transport: `join` is where it begins, `source` where it
//! reads, `history` a reader of its own, `missing` the gaps, `tally` the counts, `output` where its events go, `merging` joins
//! deltas for slow clients, [`snapshots`] are the beginning of others. For WebSockets `outbound` makes messages of them,
//! `requests` has the client's requests, `commands` carries them out, `monitoring` has its monitors, `slow` waits for slow
//! writes, `alarm` and `ends` are awaited all the time, `direct` sends to waiting clients without waking them, and [`client`]
//! is the loop; for event streams `frames`, [`event_stream`] and [`monitor_stream`] are. [`gate`] knows the client's identity,
//! `closing` closes the socket, [`poll`] waits for the first events. [`translated`] is the loop of clients that speak another server's protocol. `departure` decides when a client leaves a
//! gateway that drains.

mod alarm;
pub mod client;
mod closing;
mod commands;
mod departure;
mod direct;
mod ends;
pub mod event_stream;
mod frames;
pub mod gate;
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
mod requests;
mod slow;
pub mod snapshots;
mod source;
mod subscription;
mod tally;
pub mod translated;
mod wake;

pub use client::serve;
pub use closing::reject_socket;
pub use merging::merged;
