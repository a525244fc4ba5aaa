//! `/v1/approvals`: may this call run?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::{DecideRequest, Decided};
use runbus::session::view::PendingApproval;

use super::actor::Actor;
use super::body::Body;
use super::error::Failure;
use super::parameters::Id;
use crate::router::App;

/// `GET /v1/approvals/{approval_id}`: an approval, whatever became of it.
///
/// # Errors
/// Nobody has heard of it.
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
