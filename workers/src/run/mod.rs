//! The effects of a step: calls of the model, calls of tools.

pub mod model;
pub mod tools;
