//! Events from outside: what somebody who is no worker may publish. A gateway asks here, so that no way in can forget it.
//!
//! Anybody tells what they run themselves. Of what Runbus runs, what they say is stored and delivered, and changes nothing
//! that is known of it: [`crate::execution::hear`] sees to that. See docs/adr/0034.
//!
//! # Layout
//! `rule` is what may be said by whom, [`Error`] why it is not taken.

mod error;
mod events;
mod rule;

pub use error::Error;
