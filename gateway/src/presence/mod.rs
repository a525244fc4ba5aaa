//! Presence: who watches an execution, over all gateways.
//!
//! Every subscription that names an execution takes a [`Seat`]. A gateway tells the store one entry for each execution, whatever
//! the number of its clients: what changes within a moment is written once, and everything is written again before it runs out.
//! Whoever wants to know asks the store, or follows an execution here: what other gateways say is looked at once for all who
//! follow it. Nothing of it is in the log.
//!
//! [`registry`] counts, `local` is one execution, `keeper` reads and writes the store, [`follow`] is for who wants to know.

pub mod follow;
mod keeper;
mod local;
pub mod registry;

pub use follow::Follow;
pub use registry::{Room, Seat};
