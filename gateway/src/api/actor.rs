//! The caller's name for records.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::caller::Caller;

/// The caller, as far as the gateway knows it; recorded with its commands.
#[derive(Debug, Clone, Default)]
pub struct Actor(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Where nobody is asked, a name that anybody may claim would be worse in an audit than none.
        Ok(Self(parts.extensions.get::<Caller>().and_then(|caller| caller.principal.name())))
    }
}
