//! `/v1/approvals`: may this call run?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::{DecideRequest, Decided};
use runbus::session::view::PendingApproval;
use serde_json::json;

use super::actor::Actor;
use super::body::Body;
use super::error::Failure;
use super::parameters::Id;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/approvals/{approval_id}",
            Rule::Request(Action::Read),
            Operation::new("get_approval", "An approval, whatever became of it")
                .answers::<PendingApproval>(200, "the approval")
                .refuses([Problem::NotFound]),
            get,
        ),
        Endpoint::post(
            "/v1/approvals/{approval_id}/decision",
            Rule::Request(Action::Decide),
            Operation::new("decide_approval", "Decide it")
                .says("The first decision counts; with a `decision_id` the same one can be repeated.")
                .body::<DecideRequest>(json!({ "approved": true, "note": "go ahead" }))
                .answers::<Decided>(200, "the decision counts")
                .refuses([Problem::NotFound, Problem::Conflict]),
            decide,
        ),
    ]
}

/// `GET /v1/approvals/{approval_id}`: an approval, in any state.
///
/// # Errors
/// It does not exist.
pub async fn get(State(app): State<Arc<App>>, Id(id): Id<String>) -> Result<Json<PendingApproval>, Failure> {
    Ok(Json(app.control.approval(&id).await?))
}

/// `POST /v1/approvals/{approval_id}/decision`: decides it. The first decision counts.
///
/// # Errors
/// It is unknown, was decided, has expired, or the decision is for other arguments.
pub async fn decide(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<String>,
    Body(request): Body<DecideRequest>,
) -> Result<Json<Decided>, Failure> {
    Ok(Json(app.control.decide(&id, request, by).await?))
}
