//! The durable agent runtime, on every backend: effects of sessions, people, budgets and faults on executions.

pub mod approvals;
mod bad_input;
mod budgets;
mod cancel;
mod children;
mod dead_letters;
mod durable;
mod guards;
pub mod kit;
mod many;
pub mod model;
mod monitor;
mod multitask;
mod pause;
mod people;
mod permits;
mod placement;
mod provider;
mod replay;
mod scheduling;
mod sessions;
mod tools;
mod trees;
