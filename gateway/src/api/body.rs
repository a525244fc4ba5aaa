//! Reading a request's body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use runbus::json;
use serde::de::DeserializeOwned;

use super::error::Failure;

/// A body of JSON that must be there.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        read(&Bytes::from_request(request, state).await?).map(Self)
    }
}

/// A body of JSON that may be left out: no body is an empty object.
#[derive(Debug)]
pub struct OptionalBody<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for OptionalBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        read_optional(&Bytes::from_request(request, state).await?).map(Self)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    if bytes.is_empty() {
        return Err(Failure::invalid(".", "the request has no body: a JSON object is needed"));
    }
    json::read_object(bytes).map_err(|fault| Failure::invalid(fault.path, fault.error.to_string()))
}

fn read_optional<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    read(if bytes.is_empty() { b"{}" } else { bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::body::{Close, Reason};

    #[test]
    fn a_body_is_one_object_and_only_an_optional_one_may_be_left_out() {
        assert_eq!(read_optional::<Reason>(b"").unwrap(), Reason::default());
        read::<Reason>(b"").unwrap_err();
        assert!(read::<Close>(br#"{"cascade":true}"#).unwrap().cascade);
        for text in
            ["{} {}", "[1]", r#"["text"]"#, "[]", "null", r#"{"reason":1}"#, r#"{"colour":"red"}"#, "{"]
        {
            read::<Reason>(text.as_bytes()).unwrap_err();
            read_optional::<Reason>(text.as_bytes()).unwrap_err();
        }
    }
}
