//! `GET /v1/openapi.json`, `GET /v1/asyncapi.json`: the documents of REST and of the WebSocket, for programs.

use std::sync::{Arc, LazyLock, OnceLock};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::tag;
use crate::app::{App, Endpoint};
use crate::auth::Rule;
use crate::contract;
use crate::openapi::Operation;
use crate::openapi::schemas::Object;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let document = |id, summary| {
        Operation::new(id, summary)
            .answers::<Object>(200, "the document")
            .with_header("ETag", "changes with the document; `If-None-Match` asks for another one")
            .says_only(304, "it is the one that the caller has")
            .asks_nobody()
    };
    vec![
        Endpoint::get(
            "/v1/openapi.json",
            Rule::Open,
            document("get_openapi", "This document (OpenAPI 3.1)"),
            get,
        ),
        Endpoint::get(
            "/v1/asyncapi.json",
            Rule::Open,
            document("get_asyncapi", "The document of the WebSocket (AsyncAPI 3)"),
            get_asyncapi,
        ),
    ]
}

/// A document as it is sent, and its tag.
struct Sent {
    text: Bytes,
    tag: String,
}

static OPENAPI: OnceLock<Sent> = OnceLock::new();
static ASYNCAPI: LazyLock<Sent> = LazyLock::new(|| Sent::new(&contract::asyncapi()));

impl Sent {
    fn new(document: &Value) -> Self {
        let text = document.to_string();
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let short = digest.as_ref().get(..12).unwrap_or_default();
        Self { tag: format!("\"{}\"", URL_SAFE_NO_PAD.encode(short)), text: text.into() }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let Self { text, tag } = self;
        let caching = [
            (
                header::ETAG,
                HeaderValue::from_str(tag).unwrap_or_else(|_never| HeaderValue::from_static("\"\"")),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache")),
        ];
        if tag::is_known(headers, tag) {
            return (StatusCode::NOT_MODIFIED, caching).into_response();
        }
        (caching, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.clone())
            .into_response()
    }
}

/// The OpenAPI document, unless the caller has it.
pub async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    OPENAPI.get_or_init(|| Sent::new(&app.catalogue.document().openapi)).answer(&headers)
}

/// The AsyncAPI document, unless the caller has it.
pub async fn get_asyncapi(headers: HeaderMap) -> Response {
    ASYNCAPI.answer(&headers)
}
