//! Events from outside: what somebody who is no worker may publish. A gateway asks here, so that no way in can forget it.
//!
//! Anybody tells what they run themselves. An execution that Runbus runs is told by Runbus alone, and others add to it what
//! changes nothing that is known of it. See docs/adr/0027.

//!
//! # Layout
//! `rule` is what may be said by whom, [`Outside`] holds events that were looked at, [`Error`] why they are not taken.

mod error;
mod events;
mod rule;

pub use error::Error;
pub use events::Outside;
