//! `GET /v1/executions/{execution_id}/snapshot`: the view of a client that watched a run from its start.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use runbus::bus::Filter;
use runbus::log::{Cursor, Since};
use runbus::snapshot::Snapshot;

use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::parameters;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::connection::snapshots;
use crate::openapi::{Operation, Parameter, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/executions/{execution_id}/snapshot",
        Rule::Handler(Some(Action::Read)),
        Operation::new("get_snapshot", "Read its state, with all text so far")
            .takes([Parameter::new("at", parameters::cursor(), "as of this place; now by default")])
            .answers::<Snapshot>(200, "status, nodes, text, calls, approvals and questions as of one place")
            .refuses([Problem::NotFound]),
        get,
    )]
}

/// The snapshot of a run, now or `at` a place.
///
/// # Errors
/// It does not exist, the place is none of its log, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let id = parameters::execution(id)?;
    let at = read(query.as_deref().unwrap_or(""))?;
    // Callers without read access to every execution of this id do not learn whether there is one.
    let all = caller.may_read_whole(&Filter::execution(id.clone()));
    let Some(known) = app.control.status(&id).await? else {
        return Err(match all {
            Err(forbidden) => forbidden,
            Ok(()) => Failure::not_found(format!("there is no execution {id:?}")),
        });
    };
    let filter = Filter::execution_of(known.stream_id.clone(), id);
    caller.may_read_whole(&filter)?;
    if let Some(at) = at {
        return Ok(Json(snapshots::at(&app.shared, &caller.account(), &filter, &at).await?).into_response());
    }
    let taken = app.shared.snapshots.now(&app.shared, &caller.account(), &filter, known.events).await?;
    if taken.events == 0 {
        // Its events are gone; the store remembers.
        let left = Snapshot { execution: Some(known), ..Snapshot::begin(taken.cursor, false) };
        return Ok(Json(left).into_response());
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], taken.json()).into_response())
}

fn read(query: &str) -> Result<Option<Cursor>, Failure> {
    let mut at = None;
    for (key, value) in parameters::pairs(query)? {
        match key.as_str() {
            "at" => match parameters::since("at", &value)? {
                Since::After(cursor) => at = Some(cursor),
                Since::New | Since::All => return Err(Failure::invalid("at", "is no cursor")),
            },
            _ => return Err(Failure::invalid(key, "there is no such parameter")),
        }
    }
    Ok(at)
}
