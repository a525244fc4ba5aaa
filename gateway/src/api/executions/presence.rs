//! `GET /v1/executions/{execution_id}/presence`: its watchers.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::presence::Presence;
use runbus::id::ExecutionId;

use crate::api::caller::Reach;
use crate::api::error::Failure;
use crate::api::parameters::Id;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/executions/{execution_id}/presence",
        Rule::Execution(Action::Read),
        Operation::new("get_presence", "List its watchers")
            .answers::<Presence>(200, "those who watch it now, on whichever gateway")
            .refuses([Problem::NotFound]),
        get,
    )]
}

/// Its watchers now, at all gateways.
///
/// # Errors
/// It has no watchers and does not exist, or the store does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    reach: Reach,
    Id(id): Id<ExecutionId>,
) -> Result<Json<Presence>, Failure> {
    let presence = app.control.presence(&id).await?;
    if presence.count == 0 && app.control.status(&id).await?.is_none() {
        return Err(Failure::not_found(format!("there is no execution {id:?}")));
    }
    reach.holds(&app, &id).await?;
    Ok(Json(presence))
}
