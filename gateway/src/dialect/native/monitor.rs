//! `GET /v1/monitor/stream`: a monitor as an event stream (SSE).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use runbus::id::StreamId;

use super::monitor_stream;
use super::sse;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::monitor;
use crate::api::parameters::{self, Id};
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::connection::gate::Gate;
use crate::openapi::{Operation, Problem};
use crate::transport::pieces::{Pieces, head};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let stream = |id, summary| {
        Operation::new(id, summary)
            .says("Server-sent events: `event` is `monitor_snapshot`, then `monitor_patch` (docs/monitoring.md).")
            .streams("the stream; it ends only as docs/monitoring.md says")
            .refuses([Problem::NotAcceptable, Problem::Connections])
    };
    vec![
        Endpoint::get(
            "/v1/monitor/stream",
            Rule::Handler(Some(Action::Read)),
            stream("follow_monitor", "The monitor as it changes: a snapshot, then JSON Patch (SSE)")
                .takes([parameters::stream_id()]),
            get,
        ),
        Endpoint::get(
            "/v1/monitor/{stream_id}/stream",
            Rule::Handler(Some(Action::Read)),
            stream("follow_stream_monitor", "The monitor of one stream as it changes (SSE)"),
            of_stream,
        ),
    ]
}

/// Of all streams, or of the one that the query names.
///
/// # Errors
/// The request is wrong, or the gateway drains or is full.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let stream = monitor::stream(query.as_deref().unwrap_or(""))?;
    open(&app, &caller, &method, &headers, stream)
}

/// Of one stream.
///
/// # Errors
/// As for [`get`].
pub async fn of_stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    method: Method,
    headers: HeaderMap,
    Id(stream): Id<StreamId>,
) -> Result<Response, Failure> {
    open(&app, &caller, &method, &headers, Some(stream))
}

fn open(
    app: &Arc<App>,
    caller: &Caller,
    method: &Method,
    headers: &HeaderMap,
    stream: Option<StreamId>,
) -> Result<Response, Failure> {
    sse::check_accept(headers)?;
    monitor::permit(caller, stream.as_ref())?;
    if method == Method::HEAD {
        return Ok(head().into_response());
    }
    let place = app.place(caller.peer())?;
    let gate = Gate::open(app.shared.clone(), caller.ticket()?, place);
    let (stream, link) = monitor_stream::open(app.shared.clone(), stream, gate)?;
    Ok((head(), Body::from_stream(Pieces::new(stream, link, app.tasks.token()))).into_response())
}
