//! `GET /v1/events`: stored events, a page at a time; with `wait_ms` the next ones, when they come.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use runbus::bus::Filter;
use runbus::bus::history::{self, Order, Query};
use runbus::log::{GapReason, Since};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::caller::Caller;
use super::error::Failure;
use super::parameters;
use crate::auth::{Action, Refusal, Rule};
use crate::connection::poll;
use crate::hub::Entry;
use crate::limits;
use crate::openapi::{Endpoint, Operation, Parameter};
use crate::protocol::{Text, server};
use crate::router::App;

/// What is here.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let page = |id, summary| {
        Operation::new(id, summary)
            .says("With `wait_ms` the next ones, when they come: ask again with `next`, on any gateway.")
            .answers::<Answer>(200, "a page; it may be short, or empty, with a `next`")
            .takes_stream_tokens()
    };
    vec![
        Endpoint::get(
            "/v1/events",
            Rule::Handler(Some(Action::Read)),
            page("list_events", "Stored events, or the next ones")
                .takes([parameters::execution_id()])
                .takes(asked()),
            get,
        ),
        Endpoint::get(
            "/v1/executions/{execution_id}/events",
            Rule::Handler(Some(Action::Read)),
            page("list_execution_events", "An execution's stored events, or the next ones").takes(asked()),
            of_execution,
        ),
    ]
}

fn asked() -> Vec<Parameter> {
    let limit = json!({
        "type": "integer",
        "minimum": 1,
        "maximum": runbus::limits::HISTORY_MAX_EVENTS,
        "default": runbus::limits::HISTORY_DEFAULT_EVENTS,
    });
    let wait = json!({ "type": "integer", "minimum": 0, "maximum": limits::WAIT_MAX.as_millis() as u64 });
    let mut all = parameters::filters();
    all.extend([
        Parameter::new(
            "order",
            json!({ "enum": ["oldest", "newest"] }),
            "which end comes first; `newest` by default, with `wait_ms` always `oldest`",
        ),
        Parameter::new("limit", limit, "how many at most"),
        Parameter::new(
            "cursor",
            parameters::cursor(),
            "go on behind it, in the same order: an earlier page's `next`, or an event's `cursor`",
        ),
        Parameter::new("wait_ms", wait, "when nothing is there, wait so long until at least one event comes"),
        Parameter::new(
            "since",
            parameters::place(),
            "with `wait_ms`: where to begin, `all` by default; `cursor` says the same",
        ),
    ]);
    all
}

/// A page: `{"events", "next", "gaps"}`.
///
/// # Errors
/// The query is wrong, or the log does not answer.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Json<Answer>, Failure> {
    let asked = read(query.as_deref().unwrap_or(""), Filter::all())?;
    answer(&app, &caller, asked).await
}

/// A page of one execution.
///
/// # Errors
/// As for [`get`].
pub async fn of_execution(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<Answer>, Failure> {
    let filter = Filter::execution(parameters::execution(id)?);
    let asked = read(query.as_deref().unwrap_or(""), filter)?;
    answer(&app, &caller, asked).await
}

/// A page on the wire. Events are the stored text: a number that has no place in a float, or data nested deeply, comes out
/// as it went in.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EventPage")]
pub struct Answer {
    /// Events, and lines that are none, in the order asked for.
    #[schemars(with = "Vec<Line>")]
    events: Vec<Box<RawValue>>,
    /// Where to go on; `null` when nothing is left in this direction.
    next: Option<String>,
    /// What was asked for and is gone.
    #[schemars(with = "Vec<Missing>")]
    gaps: Vec<Box<RawValue>>,
}

/// An event, or a line that is none.
struct Line;

impl JsonSchema for Line {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // Payloads have short names, which are theirs alone.
        let settings = SchemaSettings::draft2020_12()
            .with(|settings| settings.definitions_path = "/components/schemas/Event/$defs".into());
        let mut generator = settings.into_generator();
        let mut event = runbus::event::schema_in(&mut generator);
        event["required"] = json!(["id", "type", "stream_id", "data", "timestamp", "seq", "cursor"]);
        json_schema!({
            "description": "docs/events.md; a stored line that is no event has the type `undecodable`",
            "if": { "properties": { "type": { "const": "undecodable" } } },
            "then": {
                "type": "object",
                "required": ["type", "line", "reason", "seq", "cursor"],
                "properties": {
                    "line": { "type": "string" },
                    "reason": { "type": "string" },
                    "seq": { "type": "integer", "minimum": 0 },
                    "cursor": { "type": "string" },
                },
            },
            "else": event,
            "$defs": generator.take_definitions(true),
        })
    }
}

/// Events that are missing: both places as cursors.
#[derive(JsonSchema)]
#[schemars(rename = "Gap")]
#[expect(dead_code, reason = "the shape of what protocol::server::gap writes")]
struct Missing {
    /// Always `gap`.
    r#type: String,
    requested: String,
    first_available: String,
    reason: GapReason,
}

impl Answer {
    fn new(events: &[Text], gaps: &[Text], next: Option<String>) -> Json<Self> {
        let raw = |texts: &[Text]| texts.iter().filter_map(raw).collect();
        Json(Self { events: raw(events), next, gaps: raw(gaps) })
    }
}

fn raw(text: &Text) -> Option<Box<RawValue>> {
    match RawValue::from_string(String::from_utf8_lossy(text.json()).into_owned()) {
        Ok(raw) => Some(raw),
        Err(error) => {
            tracing::error!(%error, "a stored event cannot be written as JSON");
            None
        }
    }
}

/// What a client asks for.
#[derive(Debug)]
struct Asked {
    query: Query,
    /// Wait for news up to this long, and begin here.
    wait: Option<(Duration, Since)>,
}

async fn answer(app: &App, caller: &Caller, asked: Asked) -> Result<Json<Answer>, Failure> {
    caller.may_read(&asked.query.filter)?;
    let Asked { mut query, wait } = asked;
    let Some((wait, mut since)) = wait else {
        let page = app.history(&query).await?;
        return Ok(Answer::new(&events(&page), &gaps(&page), page.next.map(|next| next.to_string())));
    };
    let deadline = Instant::now() + wait;
    while since != Since::New {
        let page = app.history(&query).await?;
        let (events, gaps, all) = (events(&page), gaps(&page), page.next.is_none());
        let next = page.next.unwrap_or(page.end);
        if !events.is_empty() || !gaps.is_empty() || Instant::now() >= deadline {
            return Ok(Answer::new(&events, &gaps, Some(next.to_string())));
        }
        since = Since::After(next.clone());
        query.cursor = Some(next);
        if all {
            break;
        }
    }
    let _place = app.place(caller.peer())?;
    let ticket = caller.ticket()?;
    let news = tokio::select! {
        news = poll::wait(&app.shared, query.filter, &since, query.limit, deadline) => news?,
        _ = ticket.ended() => return Err(Refusal::Unauthenticated.into()),
    };
    Ok(Answer::new(&news.events, &news.gaps, Some(news.next)))
}

fn events(page: &history::Page) -> Vec<Text> {
    page.events.iter().filter_map(Entry::delivery).map(|entry| entry.content.text().clone()).collect()
}

fn gaps(page: &history::Page) -> Vec<Text> {
    page.gaps.iter().map(server::gap).collect()
}

/// A page holds events only: an answer that is there at once needs no request that waits.
const SNAPSHOT_ELSEWHERE: &str =
    "a page has no snapshot: take GET /v1/executions/{execution_id}/snapshot, and wait behind its cursor";

fn read(text: &str, filter: Filter) -> Result<Asked, Failure> {
    let mut query = Query { filter, ..Query::default() };
    let (mut order, mut since, mut wait) = (None, None, None);
    for (key, value) in parameters::pairs(text)? {
        let wrong = |message: &str| Failure::invalid(&key, message);
        match key.as_str() {
            "order" => {
                order = Some(match value.as_str() {
                    "oldest" => Order::Oldest,
                    "newest" => Order::Newest,
                    _ => return Err(wrong("oldest or newest is needed")),
                });
            }
            "limit" => query.limit = value.parse().map_err(|_no_number| wrong("a number is needed"))?,
            "cursor" => match parameters::since(&key, &value)? {
                Since::After(cursor) => query.cursor = Some(cursor),
                Since::New | Since::All => return Err(wrong("is no cursor")),
            },
            "since" if value == "snapshot" => return Err(wrong(SNAPSHOT_ELSEWHERE)),
            "since" => since = Some(parameters::since(&key, &value)?),
            "wait_ms" => {
                let found = value.parse().ok().map(Duration::from_millis);
                wait = Some(found.filter(|wait| *wait <= limits::WAIT_MAX).ok_or_else(|| {
                    wrong(&format!("a number from 0 to {} is needed", limits::WAIT_MAX.as_millis()))
                })?);
            }
            _ => parameters::filter(&mut query.filter, &key, &value)?,
        }
    }
    let Some(wait) = wait else {
        if since.is_some() {
            return Err(Failure::invalid("since", "needs wait_ms; a page has cursor"));
        }
        query.order = order.unwrap_or_default();
        return Ok(Asked { query, wait: None });
    };
    if order == Some(Order::Newest) {
        return Err(Failure::invalid("order", "news come oldest first"));
    }
    if since.is_some() && query.cursor.is_some() {
        return Err(Failure::invalid("since", "cursor says it already"));
    }
    if !(1..=runbus::limits::HISTORY_MAX_EVENTS).contains(&query.limit) {
        return Err(history::Error::Limit(query.limit).into());
    }
    query.order = Order::Oldest;
    if let Some(Since::After(cursor)) = &since {
        query.cursor = Some(cursor.clone());
    }
    Ok(Asked { query, wait: Some((wait, since.unwrap_or(Since::All))) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_or_refused_by_name() {
        let read = |text| read(text, Filter::all());
        let query = read("stream_id=a%2Eb&types=custom,llm_text_delta&order=oldest&limit=5").unwrap().query;
        assert_eq!(query.filter.stream_id.unwrap().as_str(), "a.b");
        assert_eq!((query.filter.types.len(), query.limit, query.order), (2, 5, Order::Oldest));
        let asked = read("wait_ms=60000&since=new").unwrap();
        assert_eq!(asked.wait, Some((limits::WAIT_MAX, Since::New)));
        for text in [
            "stream_id=",
            "types=A",
            "order=up",
            "limit=x",
            "limit=1&limit=2",
            "cursor=x",
            "cursor=new",
            "after=now",
            "colour=red",
            "since=new",
            "wait_ms=60001",
            "wait_ms=-1",
            "wait_ms=1&order=newest",
            "wait_ms=1&since=x",
            "wait_ms=1&since=snapshot",
        ] {
            read(text).unwrap_err();
        }
    }
}
