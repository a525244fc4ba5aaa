//! `GET /v1/monitor`: the monitor of one stream, or of all, now.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use runbus::bus::Filter;
use runbus::id::StreamId;
use runbus::monitor::{Monitor, Revision};
use serde::Serialize;

use super::caller::Caller;
use super::error::Failure;
use super::parameters::{self, Id};
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::limits;
use crate::openapi::Operation;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/monitor",
            Rule::Handler(Some(Action::Read)),
            Operation::new("get_monitor", "Approvals, context, MCP servers, usage and graphs of all streams")
                .takes([parameters::stream_id()])
                .answers::<Answer>(200, "the monitor now"),
            get,
        ),
        Endpoint::get(
            "/v1/monitor/{stream_id}",
            Rule::Handler(Some(Action::Read)),
            Operation::new("get_stream_monitor", "The monitor of one stream")
                .answers::<Answer>(200, "the monitor now"),
            of_stream,
        ),
    ]
}

/// A monitor on the wire, as in a `monitor_snapshot`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "MonitorAnswer")]
pub struct Answer {
    /// Counts up with every change; no gateway knows another one's.
    revision: Revision,
    /// The monitor.
    monitor: Arc<Monitor>,
}

/// Of all streams, or of the one that the query names.
///
/// # Errors
/// The request is wrong, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Answer>, Failure> {
    answer(&app, &caller, stream(query.as_deref().unwrap_or(""))?).await
}

/// Of one stream.
///
/// # Errors
/// As for [`get`].
pub async fn of_stream(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(stream): Id<StreamId>,
) -> Result<Json<Answer>, Failure> {
    answer(&app, &caller, Some(stream)).await
}

async fn answer(app: &App, caller: &Caller, stream: Option<StreamId>) -> Result<Json<Answer>, Failure> {
    permit(caller, stream.as_ref())?;
    // A waiting request has a place like other long requests.
    let _place = app.place(caller.peer())?;
    let mut watch = app.shared.monitors.watch(stream, caller.account().usage())?;
    let latest = tokio::time::timeout(limits::MONITOR_WAIT, watch.next()).await;
    let version = latest
        .map_err(|_elapsed| Failure::unavailable("the stored events are still being read: retry soon"))?;
    let version = version.map_err(|ended| Failure::unavailable(ended.to_string()))?;
    Ok(Json(Answer { revision: version.revision, monitor: version.monitor }))
}

/// Whether they may see a stream's monitor: all of its events.
///
/// # Errors
/// They may not.
pub fn permit(caller: &Caller, stream: Option<&StreamId>) -> Result<(), Failure> {
    caller.may_monitor(stream)
}

/// The stream that a query names.
///
/// # Errors
/// It names something else, or no stream.
pub fn stream(query: &str) -> Result<Option<StreamId>, Failure> {
    let mut filter = Filter::all();
    for (key, value) in parameters::pairs(query)? {
        if key != "stream_id" {
            return Err(Failure::invalid(key, "there is no such parameter"));
        }
        parameters::filter(&mut filter, &key, &value)?;
    }
    Ok(filter.stream_id)
}
