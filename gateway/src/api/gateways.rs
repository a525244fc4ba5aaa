//! `GET /v1/gateways`: the gateways that are at work.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::gateways::GatewayReport;
use schemars::JsonSchema;
use serde::Serialize;

use super::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::Operation;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/gateways",
        Rule::Everything(Action::Read),
        Operation::new("list_gateways", "The gateways that are at work, and their load")
            .answers::<Gateways>(200, "each one's report, at most 15 s old"),
        get,
    )]
}

/// The gateways' reports.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Gateways {
    gateways: Vec<GatewayReport>,
}

/// The gateways' reports.
///
/// # Errors
/// The store does not answer.
pub async fn get(State(app): State<Arc<App>>) -> Result<Json<Gateways>, Failure> {
    Ok(Json(Gateways { gateways: app.control.gateways().await? }))
}
