//! The commands, one a file.

pub(crate) mod demo;
pub(crate) mod dev;
pub(crate) mod doctor;
mod filter;
pub(crate) mod gateway;
pub(crate) mod history;
mod process;
pub(crate) mod publish;
pub(crate) mod start;
pub(crate) mod stats;
pub(crate) mod tail;
pub(crate) mod wait;
pub(crate) mod worker;
