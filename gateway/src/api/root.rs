//! `GET /`: the list of endpoints.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;

use crate::app::{App, Endpoint};
use crate::auth::Rule;
use crate::openapi::Operation;
use crate::openapi::schemas::Object;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/",
        Rule::Handler(None),
        Operation::new("list_endpoints", "List the endpoints")
            .answers::<Answer>(200, "the endpoints")
            .asks_nobody(),
        get,
    )]
}

/// The list of endpoints.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Index")]
pub struct Answer {
    name: &'static str,
    version: &'static str,
    /// `"GET /path": "what it is for"`.
    #[schemars(with = "Object")]
    endpoints: &'static Value,
}

/// Lists the endpoints.
pub async fn get(State(app): State<Arc<App>>) -> Json<Answer> {
    let endpoints = &app.catalogue.document().index;
    Json(Answer { name: "runbus gateway", version: env!("CARGO_PKG_VERSION"), endpoints })
}
