//! `POST /v1/auth/tokens`: a short-lived token for a page or a program that must not have the caller's own credential.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use runbus::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api::body::OptionalBody;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::{Rule, Scope};
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post(
        "/v1/auth/tokens",
        Rule::Handler(None),
        Operation::new("mint_token", "Mint a short-lived token")
            .says("For pages and programs that must not have the caller's own credential. A stream token mints none.")
            .optional_body::<Asked>()
            .answers::<Answer>(201, "the token; keep it as a secret")
            .such_as(json!({
                "token": "eyJ...", "token_id": "0198c1f2-6a5e-7000-8000-000000000001", "scopes": ["read:orders-*/*/*"],
                "expires_at": "2026-11-21T10:01:00.000000Z",
            }))
            .with_header("Cache-Control", "`no-store`")
            .refuses([Problem::NotFound]),
        post,
    )]
}

/// The request for a token.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "MintRequest")]
pub struct Asked {
    /// Some of the caller's scopes; absent: all that it may read.
    scopes: Option<Vec<Scope>>,
    /// How long it should live; at most `auth.stream_tokens.ttl_s`.
    ttl_s: Option<u64>,
}

/// A minted token.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Minted")]
pub struct Answer {
    token: String,
    token_id: Option<Arc<str>>,
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
}

/// 201 with the token.
///
/// # Errors
/// The request is wrong or asks for more than the caller has, or this gateway mints none.
pub async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    OptionalBody(asked): OptionalBody<Asked>,
) -> Result<(StatusCode, [(HeaderName, &'static str); 1], Json<Answer>), Failure> {
    let minted = app
        .shared
        .auth
        .mint(&caller.principal, asked.scopes, asked.ttl_s)
        .ok_or_else(|| Failure::not_found("this gateway mints no tokens: auth.stream_tokens.secret"))??;
    let principal = minted.principal;
    let answer = Answer {
        token: minted.token.reveal().to_string(),
        token_id: principal.token_id,
        scopes: principal.scopes,
        expires_at: principal.expires_at,
    };
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)))
}
