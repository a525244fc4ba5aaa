//! `POST /v1/events`: publish events. Answered when all of them are durable.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::body::Body;
use super::caller::Caller;
use super::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::Operation;
use crate::protocol::Publish;
use crate::publishing::{self, Published};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post(
        "/v1/events",
        Rule::Handler(Some(Action::Publish)),
        Operation::new("publish_events", "Publish events")
            .says(
                "Answered when all of them are durable. One that may not be published, or is wrong, is named by `path` \
                 (`events[3].stream_id`), and nothing is stored. With `unavailable` and `internal`, `details.events` \
                 says what became of each, when some may have been stored: the same request with the same ids stores \
                 nothing twice.",
            )
            .body::<Publish>(json!({
                "events": [{ "type": "state_changed", "stream_id": "billing", "id": "01890a5d-ac96-774b-bcce-b302099a8057",
                             "data": { "key": "total", "old_value": 1, "new_value": 2 } }],
            }))
            .answers::<Published>(200, "all of them are durable"),
        post,
    )]
}

/// Publishes events.
///
/// # Errors
/// The caller may not, one is wrong, or the log does not answer.
pub async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(Publish { events }): Body<Publish>,
) -> Result<Json<Published>, Failure> {
    let shared = &app.shared;
    let account = caller.account();
    let room = (&shared.ledger, account.usage());
    let published = publishing::publish(&shared.control, room, &caller.principal, events).await?;
    Ok(Json(published))
}
