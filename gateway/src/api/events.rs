//! `GET /v1/events`: stored events, a page at a time; with `wait_ms` the next ones, when they come.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use runbus::bus::Filter;
use runbus::bus::history::{self, Order, Query};
use runbus::log::{GapReason, Since};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;
use tokio::time::Instant;

use super::caller::Caller;
use super::error::Failure;
use super::parameters;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::connection::gate::Gate;
use crate::connection::poll;
use crate::ledger::{Table, Taken};
use crate::limits;
use crate::openapi::{Operation, Parameter};
use crate::protocol::{Text, server};

/// The endpoints of this module.
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
            "with `wait_ms`: where to begin, `all` by default; `cursor` means the same",
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
) -> Result<Written, Failure> {
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
) -> Result<Written, Failure> {
    let filter = Filter::execution(parameters::execution(id)?);
    let asked = read(query.as_deref().unwrap_or(""), filter)?;
    answer(&app, &caller, asked).await
}

/// A page on the wire. Events are the stored text: a number that has no place in a float, or data nested deeply, comes out
/// as it went in.
#[derive(JsonSchema)]
#[schemars(rename = "EventPage")]
#[expect(dead_code, reason = "the shape of what `Written` writes")]
struct Answer {
    /// Events, and lines that are none, in the order asked for.
    events: Vec<Line>,
    /// Where to go on; `null` when nothing is left in this direction.
    next: Option<String>,
    /// The parts of the requested range that are gone.
    gaps: Vec<Missing>,
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
        let undecodable = json!({
            "line": { "type": "string" },
            "line_base64": { "type": "string" },
            "line_bytes": { "type": "integer", "minimum": 0 },
            "reason": { "type": "string" },
        });
        // The fields of both, for generators that read no conditions.
        let mut fields = event["properties"].clone();
        for (name, field) in undecodable.as_object().into_iter().flatten() {
            fields[name] = field.clone();
        }
        json_schema!({
            "description": "docs/events.md; a stored line that is no event has the type `undecodable`",
            "type": "object",
            "required": ["type", "seq", "cursor"],
            "properties": fields,
            "if": { "properties": { "type": { "const": "undecodable" } } },
            "then": {
                "type": "object",
                "required": ["type", "line", "reason", "seq", "cursor"],
                "properties": undecodable,
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

/// An [`Answer`] on its way: the JSON around its texts, and the texts themselves, which are JSON already. They are given to the
/// connection one by one and are never in memory twice; `held` counts them until the last of them is on its way.
#[derive(Debug)]
pub struct Written {
    pieces: VecDeque<Bytes>,
    held: Option<Taken>,
    /// Bytes of the piece that was given last: the connection has them until it asks for more.
    given: usize,
}

impl Written {
    fn new(events: &[Text], gaps: &[Text], next: Option<&str>, held: Option<Taken>) -> Self {
        let mut pieces = VecDeque::with_capacity(2 * (events.len() + gaps.len()) + 3);
        let mut list = |begin: Bytes, texts: &[Text]| {
            pieces.push_back(begin);
            for (n, text) in texts.iter().enumerate() {
                if n > 0 {
                    pieces.push_back(Bytes::from_static(b","));
                }
                pieces.push_back(text.json_bytes());
            }
        };
        list(Bytes::from_static(b"{\"events\":["), events);
        list(Bytes::from(format!("],\"next\":{},\"gaps\":[", serde_json::Value::from(next))), gaps);
        pieces.push_back(Bytes::from_static(b"]}"));
        Self { pieces, held, given: 0 }
    }

    /// The next piece: small ones together.
    fn next(&mut self) -> Option<Bytes> {
        let first = self.pieces.pop_front()?;
        if first.len() >= limits::BATCH_BYTES {
            return Some(first);
        }
        let mut piece = BytesMut::from(first);
        while let Some(more) =
            self.pieces.pop_front_if(|more| piece.len() + more.len() <= limits::BATCH_BYTES)
        {
            piece.extend_from_slice(&more);
        }
        Some(piece.freeze())
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        let size: usize = self.pieces.iter().map(Bytes::len).sum();
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CONTENT_LENGTH, HeaderValue::from(size)),
        ];
        let pieces = futures_util::stream::unfold(self, async |mut page| {
            let piece = page.next()?;
            let given = std::mem::replace(&mut page.given, piece.len());
            if let Some(held) = &mut page.held {
                held.set(held.amount().saturating_sub(given));
            }
            Some((Ok::<_, Infallible>(piece), page))
        });
        (headers, Body::from_stream(pieces)).into_response()
    }
}

/// A client's query.
#[derive(Debug)]
struct Asked {
    query: Query,
    /// Wait for news up to this long, and begin here.
    wait: Option<(Duration, Since)>,
}

async fn answer(app: &App, caller: &Caller, asked: Asked) -> Result<Written, Failure> {
    caller.may_read(&asked.query.filter)?;
    let Asked { mut query, wait } = asked;
    let account = caller.account();
    let Some((wait, mut since)) = wait else {
        let (page, held) = app.history(&account, &query).await?;
        let next = page.next.as_ref().map(ToString::to_string);
        return Ok(Written::new(&page.events, &gaps(&page), next.as_deref(), Some(held)));
    };
    let deadline = Instant::now() + wait;
    while since != Since::New {
        let (page, held) = app.history(&account, &query).await?;
        let (gaps, all) = (gaps(&page), page.next.is_none());
        let next = page.next.unwrap_or(page.end);
        if !page.events.is_empty() || !gaps.is_empty() || Instant::now() >= deadline {
            return Ok(Written::new(&page.events, &gaps, Some(&next.to_string()), Some(held)));
        }
        since = Since::After(next.clone());
        query.cursor = Some(next);
        if all {
            break;
        }
    }
    let place = app.place(caller.peer())?;
    let gate = Gate::open(app.shared.clone(), caller.ticket()?, place);
    let news = poll::wait(app.shared.clone(), gate, query.filter, &since, query.limit, deadline).await?;
    let bytes = news.events.iter().map(Text::bytes).sum();
    let held = app.shared.ledger.force(account.usage(), Table::Bytes, bytes);
    Ok(Written::new(&news.events, &news.gaps, Some(&news.next), Some(held)))
}

fn gaps(page: &history::Page<Text>) -> Vec<Text> {
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
        return Err(Failure::invalid("order", "new events come oldest first"));
    }
    if since.is_some() && query.cursor.is_some() {
        return Err(Failure::invalid("since", "`cursor` gives it already; pass one of them"));
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
