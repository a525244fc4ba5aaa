//! `POST /v1/executions/{execution_id}/cancel`, `/pause`, `/resume`. 202: the command is durable, its effect shows in the
//! execution's events.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use runbus::control::Acknowledged;
use runbus::id::ExecutionId;

use crate::api::actor::Actor;
use crate::api::body::Body;
use crate::api::error::Failure;
use crate::api::parameters::Id;
use crate::protocol::body::{Cancel, Nothing, Reason};
use crate::router::App;

/// What they answer.
type Answer = Result<(StatusCode, Json<Acknowledged>), Failure>;

/// Stops an execution; one that nobody has asked for yet ends as cancelled when somebody does.
///
/// # Errors
/// It has ended otherwise.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<ExecutionId>,
    Body(Cancel { reason, session_id }): Body<Cancel>,
) -> Answer {
    Ok((StatusCode::ACCEPTED, Json(app.control.cancel(&id, session_id, reason, by).await?)))
}

/// Lets an execution begin no further step.
///
/// # Errors
/// It is unknown, has not begun, or has ended.
pub async fn pause(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<ExecutionId>,
    Body(Reason { reason }): Body<Reason>,
) -> Answer {
    Ok((StatusCode::ACCEPTED, Json(app.control.pause(&id, reason, by).await?)))
}

/// Goes on with a paused execution.
///
/// # Errors
/// It is unknown, has not begun, or has ended.
pub async fn resume(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<ExecutionId>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer {
    Ok((StatusCode::ACCEPTED, Json(app.control.unpause(&id, by).await?)))
}
