//! Who asks.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// Who asks, as far as the gateway knows; it goes into the record of what they asked for.
#[derive(Debug, Clone, Default)]
pub struct Actor(pub Option<String>);

/// The one place where a request says who sent it. Nobody is asked yet: a name that anybody may claim is worse in an audit
/// than none.
#[must_use]
pub const fn actor(_request: &Parts) -> Option<String> {
    None
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(actor(parts)))
    }
}
