//! Sessions as actors: one owner at a time, whose every decision is in the journal before it is seen.
//!
//! # Layout
//! [`entry`] is what the journal holds, [`state`] its fold, [`step`] the decision what comes next, [`mirror`] the events
//! that readers see: all pure. [`journal`], [`events`] and [`inbox`] are the three logs that an owner touches;
//! [`claim`] makes an owner, [`actor`] is one at work.

pub mod actor;
pub mod claim;
pub mod entry;
pub mod events;
pub mod inbox;
pub mod journal;
pub mod mirror;
mod shrink;
pub mod state;
pub mod step;
