//! The commands, one a file.

pub mod demo;
pub mod dev;
pub mod doctor;
mod filter;
pub mod gateway;
pub mod history;
mod process;
pub mod publish;
pub mod start;
pub mod stats;
pub mod tail;
pub mod wait;
pub mod worker;
