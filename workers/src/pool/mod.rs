//! A worker: takes wake-ups from the queue and owns the sessions that they name, so many at a time.

mod intake;
mod placing;
mod report;
mod seat;
mod slot;
mod sweep;
mod timers;
mod worker;

pub use worker::Worker;
