//! `/v1/auth`.

use crate::app::Endpoint;

pub mod revocations;
pub mod tokens;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    [tokens::endpoints(), revocations::endpoints()].concat()
}
