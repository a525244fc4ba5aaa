//! The state of an execution, for clients that begin to watch in the middle.

use std::io;

use runbus::bus::history::{Error, Order, Query};
use runbus::bus::{Bus, Delivery, Filter};
use runbus::log::{Cursor, ReadError};
use runbus::snapshot::{At, Snapshot};

use crate::output;

/// Folds what the log has of an execution.
///
/// # Errors
/// The log refuses or does not answer.
pub(crate) async fn take(bus: &Bus, filter: &Filter) -> Result<Snapshot, ReadError> {
    let scope = filter.scope();
    let mut is_whole = true;
    for shard in scope.shards(&bus.log().layout()) {
        is_whole &= bus.log().bounds(scope.lane(), shard).await?.first.0 <= 1;
    }
    let filter = Filter {
        stream_id: filter.stream_id.clone(),
        node_id: filter.node_id.clone(),
        execution_id: filter.execution_id.clone(),
        ..Filter::all()
    };
    let mut query = Query { filter, order: Order::Oldest, limit: 1000, ..Query::default() };
    let mut snapshot = Snapshot::begin(Cursor::start(), is_whole);
    loop {
        let page = bus.history(&query).await.map_err(|error| match error {
            Error::Log(error) => error,
            Error::Limit(_) | Error::Bytes(_) => ReadError::Refused(error.to_string()),
        })?;
        if !page.gaps.is_empty() {
            snapshot.miss();
        }
        for delivery in &page.events {
            if let Delivery::Event(found) = delivery {
                let (seq, external) = (found.seq, found.external);
                snapshot.apply(&found.event, At { seq, merged: 1, external, cursor: &found.cursor });
            }
        }
        if snapshot.execution.is_none() {
            snapshot.cursor = page.end;
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(snapshot),
        }
    }
}

/// Shows it.
///
/// # Errors
/// Nobody reads it any more.
pub(crate) fn print(snapshot: &Snapshot, json: bool) -> io::Result<()> {
    if json {
        return output::json(&serde_json::json!({
            "type": "snapshot",
            "cursor": snapshot.cursor,
            "snapshot": snapshot,
        }));
    }
    if !snapshot.complete {
        output::line("-- the execution's beginning is gone, or may be")?;
    }
    for turn in &snapshot.turns {
        let node = turn.node_id.as_ref().map_or("-", |id| id.as_str());
        for (label, text) in [("thinks", &turn.reasoning), ("writes", &turn.text), ("says", &turn.output)] {
            if !text.is_empty() {
                let more = if turn.done { "" } else { " ..." };
                output::running(&format!("{node} {label}: {}{more}", text.content))?;
                output::end()?;
            }
        }
    }
    for call in snapshot.calls.iter().filter(|call| !call.state.is_over()) {
        output::line(&format!(
            "{} {} {:?}: {}",
            call.tool_use_id, call.tool_name, call.state, call.arguments.value
        ))?;
    }
    for question in &snapshot.questions {
        output::line(&format!("{} asks: {}", question.request_id, question.prompt.content))?;
    }
    match &snapshot.execution {
        Some(known) => output::line(&format!("-- {:?} after {} events", known.status, known.events)),
        None => output::line("-- no events yet"),
    }
}
