//! `POST /v1/executions`: start an execution, once.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use runbus::control::{StartRequest, Started};
use serde_json::json;

use crate::api::actor::Actor;
use crate::api::body::Body;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::sessions;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule, permit};
use crate::openapi::Operation;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post(
        "/v1/executions",
        Rule::Handler(Some(Action::Start)),
        sessions::starts(
            Operation::new("start_execution", "Start an execution")
                .says("Starting the same `execution_id` twice starts one: give it, then the call can be repeated.")
                .body::<StartRequest>(json!({
                    "definition": "council", "input": "Is a monolith a good start?", "execution_id": "run-1",
                })),
        ),
        post,
    )]
}

/// 201 when this call started it, 200 when it was there.
///
/// # Errors
/// The request is wrong, its session refuses it, or the log does not answer; the same call with the same `execution_id`
/// is safe.
pub async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    Actor(by): Actor,
    Body(request): Body<StartRequest>,
) -> Result<(StatusCode, Json<Started>), Failure> {
    permit::start(&app.control, &caller.principal, &request).await?;
    Ok(sessions::started(app.control.start_as(request, by).await?))
}
