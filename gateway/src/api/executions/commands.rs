//! `POST /v1/executions/{execution_id}/cancel`, `/pause`, `/resume`. 202: the command is durable, its effect shows in the
//! execution's events.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use runbus::control::Acknowledged;
use runbus::id::ExecutionId;

use crate::api::actor::Actor;
use crate::api::body::OptionalBody;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::parameters::Id;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule, permit};
use crate::openapi::{Operation, Problem};
use crate::protocol::body::{Cancel, Nothing, Reason};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    // Asked where it is done: how much somebody may stop decides what is.
    let rule = Rule::Handler(Some(Action::Cancel));
    let acknowledged = |operation: Operation| {
        operation
            .answers::<Acknowledged>(
                202,
                "the command is durable; its effect shows in the execution's events",
            )
            .refuses([Problem::Conflict])
    };
    vec![
        Endpoint::post(
            "/v1/executions/{execution_id}/cancel",
            rule,
            acknowledged(
                Operation::new("cancel_execution", "Stop it")
                    .says("A cancel of an unknown execution is kept: if the execution is started later, it is cancelled immediately.")
                    .optional_body::<Cancel>(),
            ),
            cancel,
        ),
        Endpoint::post(
            "/v1/executions/{execution_id}/pause",
            rule,
            acknowledged(
                Operation::new("pause_execution", "Begin no further step").optional_body::<Reason>(),
            )
            .refuses([Problem::NotFound]),
            pause,
        ),
        Endpoint::post(
            "/v1/executions/{execution_id}/resume",
            rule,
            acknowledged(Operation::new("resume_execution", "Go on").optional_body::<Nothing>())
                .refuses([Problem::NotFound]),
            resume,
        ),
    ]
}

/// The answer of these commands.
type Answer = Result<(StatusCode, Json<Acknowledged>), Failure>;

/// Stops an execution; one that nobody has asked for yet ends as cancelled when somebody does.
///
/// # Errors
/// It has ended otherwise.
pub async fn cancel(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id<ExecutionId>,
    OptionalBody(Cancel { reason, session_id }): OptionalBody<Cancel>,
) -> Answer {
    let done = permit::cancel(&app.control, &caller.principal, &id, (session_id, reason)).await?;
    Ok((StatusCode::ACCEPTED, Json(done)))
}

/// Lets an execution begin no further step.
///
/// # Errors
/// It is unknown, has not begun, or has ended.
pub async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    Actor(by): Actor,
    Id(id): Id<ExecutionId>,
    OptionalBody(Reason { reason }): OptionalBody<Reason>,
) -> Answer {
    permit::hold(&app.control, &caller.principal, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(app.control.pause(&id, reason, by).await?)))
}

/// Continues a paused execution.
///
/// # Errors
/// It is unknown, has not begun, or has ended.
pub async fn resume(
    State(app): State<Arc<App>>,
    caller: Caller,
    Actor(by): Actor,
    Id(id): Id<ExecutionId>,
    OptionalBody(Nothing {}): OptionalBody<Nothing>,
) -> Answer {
    permit::hold(&app.control, &caller.principal, &id).await?;
    Ok((StatusCode::ACCEPTED, Json(app.control.unpause(&id, by).await?)))
}
