//! One client: the loop that serves it, its subscriptions, and its end.
//!
//! `driver` is the loop, the same for all: turn, produce, wait, hear, close. It has a [`Transport`] (WebSocket, event stream,
//! long-poll), which moves messages, and a [`Dialect`], which makes and reads them; a [`Link`] is the rest. The loop alone has bounds
//! ([`gate`] for the client's identity and its messages, `slow` for slow writes), metrics, drain, expiry and time; `alarm` and `ends` are
//! awaited all the time. [`poll`] is the client that waits once.
//!
//! `subscription` decides the next step of one subscription, for every dialect: `join` is where it begins, `source` where it
//! reads, `history` a reader of its own, `missing` the gaps, `tally` the counts, `output` where its events go, `merging` joins
//! deltas for slow clients, [`snapshots`] are the beginning of others. `outbound` is the next write.

mod alarm;
mod dialect;
mod driver;
mod ends;
pub mod gate;
mod history;
pub mod join;
mod link;
mod merging;
mod missing;
mod outbound;
mod output;
pub mod poll;
mod slow;
pub mod snapshots;
mod source;
mod subscription;
mod tally;
mod transport;
mod wake;

pub use dialect::{Dialect, End, Farewell};
pub use driver::serve;
pub(crate) use driver::size;
pub use link::Link;
pub use merging::merged;
pub(crate) use outbound::Batch;
pub use outbound::Outbound;
pub(crate) use output::Output;
pub use subscription::Next;
pub(crate) use subscription::Subscription;
pub use transport::{Gone, Heard, Transport};
pub(crate) use wake::Wake;
