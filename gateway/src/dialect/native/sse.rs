//! `GET /v1/events/stream`: a subscription as an event stream (SSE), for browsers' `EventSource` and for `curl`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runbus::bus::history::{Order, Query};
use runbus::bus::{Delivered, Delivery, Filter};
use runbus::control::status::projection;
use runbus::event::Kind;
use runbus::execution::Execution;
use runbus::log::{Cursor, Gap, GapReason, Since};
use serde_json::json;

use super::event_stream;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::parameters;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::connection::gate::Gate;
use crate::openapi::{Operation, Parameter, Problem};
use crate::protocol::Start;
use crate::transport::pieces::{Pieces, head};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let stream = |id, summary| {
        Operation::new(id, summary)
            .says("Server-sent events: `id` is the cursor of what stands there, `event` its type, `data` its JSON.")
            .streams("the stream; it ends only as docs/protocol.md says")
            .says_only(204, "`until=terminal`, and the execution has ended before the place asked for")
            .refuses([Problem::NotAcceptable, Problem::Connections])
    };
    vec![
        Endpoint::get(
            "/v1/events/stream",
            Rule::Handler(Some(Action::Read)),
            stream("follow_events", "Events as they happen (SSE)")
                .takes([parameters::execution_id()])
                .takes(asked()),
            get,
        ),
        Endpoint::get(
            "/v1/executions/{execution_id}/events/stream",
            Rule::Handler(Some(Action::Read)),
            stream("follow_execution", "An execution's events as they happen (SSE)").takes(asked()),
            of_execution,
        ),
    ]
}

fn asked() -> Vec<Parameter> {
    let mut last = parameters::cursor();
    last["minLength"] = 0.into();
    let mut all = parameters::filters();
    all.extend([
        Parameter::new(
            "since",
            json!({ "anyOf": [{ "const": "snapshot" }, parameters::place()] }),
            "where to begin; `new` by default; `snapshot`: with what an execution has come to, needs an execution",
        ),
        Parameter::new(
            "coalesce",
            json!({ "type": "boolean" }),
            "whether consecutive deltas of one message come as one event; by default where the client falls behind",
        ),
        Parameter::new(
            "until",
            json!({ "const": "terminal" }),
            "the stream ends behind the event that ends the execution; needs an execution",
        ),
        Parameter::new(
            "unnamed",
            json!({ "type": "boolean" }),
            "whether messages have no `event`, so that browsers give all of them to `onmessage`; `type` of the data tells",
        ),
        Parameter::new(
            "lastEventId",
            last.clone(),
            "the same as the header `Last-Event-ID`, which wins, for clients that set no headers; also `Last-Event-ID`",
        ),
        Parameter::new("Last-Event-ID", last, "go on behind it; wins over `since`; empty: nothing")
            .in_header(),
    ]);
    all
}

/// A client's query.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    filter: Filter,
    start: Start,
    until_terminal: bool,
    coalesce: Option<bool>,
    unnamed: bool,
}

/// Opens the stream of a filter.
///
/// # Errors
/// The request is wrong, the gateway drains or is full, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let asked = read(query.as_deref().unwrap_or(""), &headers, Filter::all())?;
    open(&app, &caller, &method, asked).await
}

/// Opens the stream of one execution.
///
/// # Errors
/// As for [`get`].
pub async fn of_execution(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Failure> {
    let filter = Filter::execution(parameters::execution(id)?);
    let asked = read(query.as_deref().unwrap_or(""), &headers, filter)?;
    open(&app, &caller, &method, asked).await
}

/// Whether the client takes an event stream.
///
/// # Errors
/// It does not.
pub(super) fn check_accept(headers: &HeaderMap) -> Result<(), Failure> {
    let accept = headers.get(header::ACCEPT).map(|accept| accept.to_str().unwrap_or(""));
    if accept.is_some_and(|accept| !["text/event-stream", "text/*", "*/*"].iter().any(|a| accept.contains(a)))
    {
        return Err(Failure::not_acceptable("this endpoint answers with text/event-stream"));
    }
    Ok(())
}

fn read(query: &str, headers: &HeaderMap, filter: Filter) -> Result<Asked, Failure> {
    check_accept(headers)?;
    let mut asked =
        Asked { filter, start: Since::New.into(), until_terminal: false, coalesce: None, unnamed: false };
    let mut last = None;
    for (key, value) in parameters::pairs(query)? {
        match key.as_str() {
            "since" if value == "snapshot" => asked.start = Start::Snapshot,
            "since" => asked.start = parameters::since("since", &value)?.into(),
            "coalesce" => asked.coalesce = Some(parameters::flag("coalesce", &value)?),
            "unnamed" => asked.unnamed = parameters::flag("unnamed", &value)?,
            // Polyfills set no headers.
            "lastEventId" | "Last-Event-ID" => last = last_event_id(&key, &value)?.or(last),
            "until" if value == "terminal" => asked.until_terminal = true,
            "until" => return Err(Failure::invalid("until", "terminal is all that there is")),
            _ => parameters::filter(&mut asked.filter, &key, &value)?,
        }
    }
    if asked.until_terminal && asked.filter.execution_id.is_none() {
        return Err(Failure::invalid("until", "terminal needs an execution_id"));
    }
    if asked.start == Start::Snapshot && asked.filter.execution_id.is_none() {
        return Err(Failure::invalid("since", "a snapshot is of one execution: execution_id is needed"));
    }
    // Browsers send what came last when they connect again, to the address as it was.
    if let Some(header) = headers.get("last-event-id").filter(|last| !last.is_empty()) {
        let header = header.to_str().map_err(|_| Failure::invalid("Last-Event-ID", "is no cursor"))?;
        last = last_event_id("Last-Event-ID", header)?;
    }
    if let Some(last) = last {
        asked.start = Since::After(last).into();
    }
    Ok(asked)
}

/// The cursor that a client saw last; an empty text is none.
fn last_event_id(key: &str, value: &str) -> Result<Option<Cursor>, Failure> {
    if value.is_empty() {
        return Ok(None);
    }
    match parameters::since(key, value)? {
        Since::After(cursor) => Ok(Some(cursor)),
        Since::New | Since::All => Err(Failure::invalid(key, "is no cursor")),
    }
}

async fn open(app: &Arc<App>, caller: &Caller, method: &Method, asked: Asked) -> Result<Response, Failure> {
    caller.may_read(&asked.filter)?;
    let headers = head();
    if method == Method::HEAD {
        return Ok(headers.into_response());
    }
    let place = app.place(caller.peer())?;
    let gate = Gate::open(app.shared.clone(), caller.ticket()?, place);
    let Asked { filter, start, until_terminal, coalesce, unnamed } = asked;
    let known = match &filter.execution_id {
        Some(id) if until_terminal => app.control.status(id).await?,
        _ => None,
    };
    // The event that ends an execution is of no node, and of one stream.
    let by_status = filter.node_id.is_some()
        || filter
            .stream_id
            .as_ref()
            .is_some_and(|stream| known.as_ref().is_none_or(|known| known.stream_id != *stream));
    let (stream, link) = event_stream::open(
        app.shared.clone(),
        filter.clone(),
        &start,
        (until_terminal, by_status, coalesce),
        gate,
    )
    .await?;
    // A snapshot of an ended execution is still of use.
    if let Start::At(since) = &start
        && let Some(known) = known.filter(|known| known.status.is_terminal())
        && has_passed(app, caller, (&filter, &known), since).await?
    {
        // The answer that makes an `EventSource` stop.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let pieces = Pieces::new(stream.unnamed(unnamed), link, app.tasks.token());
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Whether an execution that has ended has nothing left for a stream that begins behind `since`.
///
/// The event that ends it is the last one: whatever is stored behind it is not sent.
async fn has_passed(
    app: &App,
    caller: &Caller,
    (filter, known): (&Filter, &Execution),
    since: &Since,
) -> Result<bool, Failure> {
    if *since == Since::All {
        return Ok(false);
    }
    let Since::After(cursor) = since else { return Ok(true) };
    let account = caller.account();
    let _turn = app.folding(&account).await?;
    let ends = [Kind::ExecutionCompleted, Kind::ExecutionFailed, Kind::ExecutionCancelled];
    let end = Filter::execution(known.execution_id.clone()).types(ends);
    // External events do not end an execution that Runbus runs.
    let is_end =
        |found: &Delivered| found.external == known.external && found.event.stream_id == known.stream_id;
    for (filter, wanted) in [(&end, &is_end as &(dyn Fn(&Delivered) -> bool + Sync)), (filter, &|_| true)] {
        match rest(app, filter, cursor, wanted).await? {
            Rest::Nothing => return Ok(true),
            // The stream says that events are gone, if its client has not seen them.
            Rest::Gaps(gaps) => return Ok(saw_all(app, known, cursor, &gaps).await),
            Rest::Events => {}
        }
    }
    Ok(false)
}

/// Stored events behind a cursor.
enum Rest {
    Nothing,
    Events,
    Gaps(Vec<Gap>),
}

async fn rest(
    app: &App,
    filter: &Filter,
    cursor: &Cursor,
    wanted: &(dyn Fn(&Delivered) -> bool + Sync),
) -> Result<Rest, Failure> {
    let mut query = Query { filter: filter.clone(), cursor: Some(cursor.clone()), ..Query::default() };
    query.order = Order::Oldest;
    query.bytes = app.shared.ledger.page_bytes();
    loop {
        let page = app.shared.bus.history(&query).await?;
        if !page.gaps.is_empty() {
            return Ok(Rest::Gaps(page.gaps));
        }
        let is_wanted = |found: &Delivery| matches!(found, Delivery::Event(found) if wanted(found));
        if page.events.iter().any(is_wanted) {
            return Ok(Rest::Events);
        }
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return Ok(Rest::Nothing),
        }
    }
}

/// Whether a reader had seen everything before retention removed it: the store remembers the last frame.
async fn saw_all(app: &App, known: &Execution, cursor: &Cursor, gaps: &[Gap]) -> bool {
    if gaps.iter().any(|gap| gap.reason == GapReason::Recreated) {
        return false;
    }
    let kept = app.shared.bus.store().get(&projection(&known.execution_id)).await;
    let kept = kept.inspect_err(|error| tracing::debug!(%error, "the store does not answer")).ok().flatten();
    kept.is_some_and(|kept| {
        let mut places = cursor.places().peekable();
        places.peek().is_some() && places.all(|(_, place)| place.sequence.0 >= kept.version)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_or_refused() {
        let cursor = Cursor::start();
        let mut headers = HeaderMap::new();
        let query = format!("execution_id=e&types=custom&since={cursor}&until=terminal");
        let asked = read(&query, &headers, Filter::all()).unwrap();
        assert_eq!((asked.start, asked.until_terminal), (Start::At(Since::After(cursor.clone())), true));
        headers.insert("last-event-id", cursor.to_string().parse().unwrap());
        assert_eq!(
            read("since=all", &headers, Filter::all()).unwrap().start,
            Start::At(Since::After(cursor.clone()))
        );
        let query = format!("since=all&lastEventId={cursor}&unnamed=true");
        let asked = read(&query, &HeaderMap::new(), Filter::all()).unwrap();
        assert_eq!((asked.start, asked.unnamed), (Start::At(Since::After(cursor)), true));
        let asked = read("since=all&lastEventId=", &HeaderMap::new(), Filter::all()).unwrap();
        assert_eq!(asked.start, Start::At(Since::All));
        let asked =
            read("types=custom,llm_text_delta&types=llm_retry", &HeaderMap::new(), Filter::all()).unwrap();
        assert_eq!(asked.filter.types.len(), 3);
        // A wrong one is refused also beside a header that wins.
        read("lastEventId=x", &headers, Filter::all()).unwrap_err();
        for bad in [
            "since=x",
            "since=snapshot",
            "coalesce=x",
            "unnamed=x",
            "lastEventId=all",
            "Last-Event-ID=x",
            "until=x",
            "until=terminal",
            "limit=1",
            "stream_id=a&stream_id=b",
            "types=,",
            "types=custom&types=,",
        ] {
            read(bad, &HeaderMap::new(), Filter::all()).unwrap_err();
        }
        for (name, value) in
            [("last-event-id", "all"), ("last-event-id", "x"), ("accept", "application/json")]
        {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            read("", &headers, Filter::all()).unwrap_err();
        }
    }
}
