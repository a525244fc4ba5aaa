//! Presence: the watchers of an execution, over all gateways.
//!
//! Every subscription that names an execution takes a [`Seat`]. A gateway writes one entry for each execution to the store, for
//! any number of its clients: changes within a moment are written once, and each entry is written again before it expires.
//! Readers ask the store, or follow an execution here: the reports of other gateways are read once for all followers. Nothing of
//! it is in the log.
//!
//! [`registry`] counts, `local` is one execution, `keeper` reads and writes the store, [`follow`] is for followers.

pub mod follow;
mod keeper;
mod local;
pub mod registry;

pub use follow::Follow;
pub use registry::{Room, Seat};
