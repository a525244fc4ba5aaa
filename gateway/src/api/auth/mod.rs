//! `/v1/auth`.

use crate::openapi::Endpoint;

pub mod revocations;
pub mod tokens;

/// What is here.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [tokens::endpoints(), revocations::endpoints()].concat()
}
