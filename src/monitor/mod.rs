//! Monitors: the view of an agent (a stream), or of all of them. A pure fold of events and of workers' reports into
//! one bounded document, and the differences between its revisions.
//!
//! [`view`] is the document, [`Fold`] makes it, [`Revisions`] numbers it and makes patches (RFC 6902); each of the others is one
//! part of the fold.

mod approvals;
mod contributions;
mod conversations;
mod cost;
mod cut;
mod fold;
mod revisions;
mod runs;
mod tally;
pub mod view;

pub use cost::{Price, Prices};
pub(crate) use cut::value as short;
pub use fold::{Detail, Fold};
pub use revisions::{Change, Patch, Revision, Revisions};
pub use view::Monitor;

#[cfg(test)]
mod tests;
