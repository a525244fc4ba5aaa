//! `GET /healthz` and `GET /readyz`: alive is slow to fail, ready is fast to fail.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::{App, Endpoint};
use crate::auth::Rule;
use crate::openapi::Operation;
use crate::readiness::{self, Readiness};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/healthz",
            Rule::Open,
            Operation::new("get_health", "The process is alive")
                .answers::<Health>(200, "it is")
                .asks_nobody(),
            alive,
        ),
        Endpoint::get(
            "/readyz",
            Rule::Open,
            Operation::new("get_readiness", "The gateway can serve")
                .answers::<Readiness>(
                    200,
                    "log and queue take what is appended; `degraded`: the store does not answer",
                )
                .answers::<Readiness>(
                    503,
                    "log or queue do not answer or have no room, or the gateway drains",
                )
                .asks_nobody(),
            ready,
        ),
    ]
}

/// The process is alive.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// The process is alive.
pub async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether the gateway can serve; 503 with the reason.
pub async fn ready(State(app): State<Arc<App>>) -> (StatusCode, Json<Readiness>) {
    readiness::of_gateway(&app.control, app.shared.leaving.is_cancelled()).await
}
