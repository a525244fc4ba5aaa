//! `/v1/auth`.

pub mod revocations;
pub mod tokens;
