//! `GET /v1/openapi.json`: the OpenAPI document, for programs.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::tag;
use crate::auth::Rule;
use crate::endpoints;
use crate::openapi::schemas::Object;
use crate::openapi::{Endpoint, Operation};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/openapi.json",
        Rule::Open,
        Operation::new("get_openapi", "This document (OpenAPI 3.1)")
            .answers::<Object>(200, "the document")
            .with_header("ETag", "changes with the document; `If-None-Match` asks for another one")
            .says_only(304, "it is the one that the caller has")
            .asks_nobody(),
        get,
    )]
}

/// The document as it is sent, and its tag.
struct Sent {
    text: Bytes,
    tag: String,
}

static SENT: LazyLock<Sent> = LazyLock::new(|| {
    let text = endpoints::document().openapi.to_string();
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let short = digest.as_ref().get(..12).unwrap_or_default();
    Sent { tag: format!("\"{}\"", URL_SAFE_NO_PAD.encode(short)), text: text.into() }
});

/// The document, unless the caller has it.
pub async fn get(headers: HeaderMap) -> Response {
    let Sent { text, tag } = &*SENT;
    let caching = [
        (header::ETAG, HeaderValue::from_str(tag).unwrap_or_else(|_never| HeaderValue::from_static("\"\""))),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache")),
    ];
    if tag::is_known(&headers, tag) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.clone())
        .into_response()
}
