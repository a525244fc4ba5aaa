//! The agent runtime of Runbus: workers that own sessions and run agents and graphs.
//!
//! # Layout
//! - [`limits`], [`config`]
//! - [`model`]: language models behind one port; [`tool`]: tools by name
//! - [`definition`]: agents and graphs, from files, as plans
//! - [`session`]: journal, decisions, events; [`run`]: the effects of a step
//! - [`pool`]: the worker

pub mod config;
pub mod definition;
pub mod limits;
pub mod model;
pub mod pool;
pub mod run;
pub mod session;
pub mod tool;
