//! One client: the loop that serves it, its subscriptions, and its end.
//!
//! `driver` is the loop, the same for all: turn, produce, wait, hear, close. It has a `transport` (WebSocket, event stream,
//! long-poll), which moves messages, and a `dialect`, which makes and reads them; a [`Link`] is the rest. [`native`], [`translated`]
//! (the protocols of other servers), [`event_stream`], [`monitor_stream`] and [`poll`] are dialects. The loop alone has bounds
//! ([`gate`] for the client's identity and its messages, `slow` for slow writes), metrics, drain, expiry and time; `alarm` and `ends` are
//! awaited all the time.
//!
//! `subscription` decides the next step of one subscription, for every dialect: `join` is where it begins, `source` where it
//! reads, `history` a reader of its own, `missing` the gaps, `tally` the counts, `output` where its events go, `merging` joins
//! deltas for slow clients, [`snapshots`] are the beginning of others. `outbound` is the next write.
//!
//! Of the native dialect: `requests` has the client's requests, `commands` carries them out, `monitoring` has its monitors, and
//! `direct` sends to waiting clients without waking them.

mod alarm;
mod commands;
mod dialect;
mod direct;
mod driver;
mod ends;
pub mod event_stream;
pub mod gate;
mod history;
pub mod join;
mod link;
mod merging;
mod missing;
pub mod monitor_stream;
mod monitoring;
mod named;
pub mod native;
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
mod transport;
mod wake;

pub use dialect::{Dialect, End, Farewell};
pub use driver::serve;
pub use link::Link;
pub use merging::merged;
pub use outbound::Outbound;
pub use subscription::Next;
pub use transport::{Gone, Heard, Transport};
