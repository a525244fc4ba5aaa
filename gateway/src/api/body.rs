//! Reading a request's body.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use runbus::json;
use serde::de::DeserializeOwned;

use super::error::Failure;

/// A body of JSON. No body at all is an empty object.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let bytes = Bytes::from_request(request, state).await?;
        read(&bytes).map(Self)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    json::read_object(bytes).map_err(|fault| Failure::invalid(fault.path, fault.error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::body::{Close, Reason};

    #[test]
    fn nothing_is_an_empty_object_and_more_than_an_object_is_refused() {
        assert_eq!(read::<Reason>(b"").unwrap(), Reason::default());
        assert!(read::<Close>(br#"{"cascade":true}"#).unwrap().cascade);
        for text in
            ["{} {}", "[1]", r#"["text"]"#, "[]", "null", r#"{"reason":1}"#, r#"{"colour":"red"}"#, "{"]
        {
            read::<Reason>(text.as_bytes()).unwrap_err();
        }
    }
}
