//! The commands, one a file.

pub(crate) mod answer;
pub(crate) mod approvals;
pub(crate) mod auth;
pub(crate) mod cancel;
pub(crate) mod dead_letters;
pub(crate) mod demo;
pub(crate) mod dev;
pub(crate) mod doctor;
mod filter;
pub(crate) mod gateway;
pub(crate) mod history;
mod input;
pub(crate) mod models;
pub(crate) mod pause;
pub(crate) mod permissions;
mod process;
pub(crate) mod publish;
mod run;
pub(crate) mod session;
pub(crate) mod setup;
pub(crate) mod start;
pub(crate) mod stats;
pub(crate) mod tail;
pub(crate) mod wait;
mod waiting;
pub(crate) mod worker;
