//! Sessions as actors: one owner at a time, which journals every decision before readers see it.
//!
//! # Layout
//! [`step`] decides what comes next, [`crate::compaction`] what is folded, [`projection`] makes the events that readers see: all pure,
//! on the journal's fold in [`runbus::session`]. [`events`] writes the execution's log; [`claim`] makes an owner, [`actor`]
//! is one at work: it records what was decided, and keeps exactly those effects ([`crate::run`]) at work that the
//! state asks for.

pub mod actor;
pub mod claim;
mod effects;
pub mod events;
mod invocation;
mod listen;
mod log_end;
pub mod placement;
pub mod projection;
mod shrink;
pub mod step;
