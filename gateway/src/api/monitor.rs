//! `GET /v1/monitor`: what is to be seen of one stream, or of all, now.

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
use crate::limits;
use crate::router::App;

/// A monitor on the wire, as in a `monitor_snapshot`.
#[derive(Debug, Serialize)]
pub struct Answer {
    revision: Revision,
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
    // Who waits has a place like others that wait.
    let _place = app.place()?;
    let mut watch = app.shared.monitors.watch(stream)?;
    let latest = tokio::time::timeout(limits::MONITOR_WAIT, watch.next()).await;
    let version = latest.map_err(|_elapsed| Failure::unavailable("what is stored is still being read"))?;
    let version = version.map_err(|ended| Failure::unavailable(ended.to_string()))?;
    Ok(Json(Answer { revision: version.revision, monitor: version.monitor }))
}

/// Whether they may see a stream's monitor: all of its events.
///
/// # Errors
/// They may not.
pub fn permit(caller: &Caller, stream: Option<&StreamId>) -> Result<(), Failure> {
    caller.may_read(&Filter { stream_id: stream.cloned(), ..Filter::all() })
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
