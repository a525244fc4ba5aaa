//! `GET /v1/events`: stored events, a page at a time.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use runbus::bus::history::{Order, Query};
use runbus::bus::{Delivery, Filter};
use runbus::log::Cursor;
use serde::Serialize;
use serde_json::value::RawValue;

use super::error::Failure;
use crate::hub::{Content, Entry};
use crate::protocol::server;
use crate::router::App;

/// A page: `{"events", "next", "gaps"}`.
///
/// # Errors
/// The query is wrong, or the log does not answer.
pub async fn get(State(app): State<Arc<App>>, RawQuery(query): RawQuery) -> Result<Json<Answer>, Failure> {
    let query = read(query.as_deref().unwrap_or(""))?;
    let page = {
        // The semaphore is never closed.
        let _permit = app.shared.history_reads.acquire().await;
        app.shared.bus.history(&query).await?
    };
    let gaps =
        page.gaps.iter().filter_map(|gap| RawValue::from_string(server::gap_fields(gap)).ok()).collect();
    Ok(Json(Answer { events: page.events.iter().filter_map(element).collect(), next: page.next, gaps }))
}

/// A page on the wire. Events are the stored text: a number that has no place in a float, or data nested deeply, comes out
/// as it went in.
#[derive(Debug, Serialize)]
pub struct Answer {
    events: Vec<Box<RawValue>>,
    next: Option<Cursor>,
    gaps: Vec<Box<RawValue>>,
}

fn element(delivery: &Delivery) -> Option<Box<RawValue>> {
    let text = match Entry::delivery(delivery)?.content {
        Content::Event(_, _, text) => String::from_utf8_lossy(&text).into_owned(),
        Content::Other(kind, fields) => {
            let fields = String::from_utf8_lossy(&fields);
            format!("{{\"type\":\"{kind}\",{}", fields.strip_prefix('{').unwrap_or("}"))
        }
    };
    match RawValue::from_string(text) {
        Ok(raw) => Some(raw),
        Err(error) => {
            tracing::error!(%error, "a stored event cannot be written as JSON");
            None
        }
    }
}

fn read(text: &str) -> Result<Query, Failure> {
    let mut query = Query { filter: Filter::all(), ..Query::default() };
    for (key, value) in form_urlencoded::parse(text.as_bytes()) {
        let wrong = |message: String| Failure::invalid(key.to_string(), message);
        match key.as_ref() {
            "stream_id" => {
                query.filter.stream_id =
                    Some(value.parse().map_err(|e: runbus::id::Error| wrong(e.reason.to_string()))?)
            }
            "node_id" => {
                query.filter.node_id =
                    Some(value.parse().map_err(|e: runbus::id::Error| wrong(e.reason.to_string()))?)
            }
            "execution_id" => {
                query.filter.execution_id =
                    Some(value.parse().map_err(|e: runbus::id::Error| wrong(e.reason.to_string()))?);
            }
            "types" => {
                for kind in value.split(',') {
                    query.filter.types.insert(
                        kind.parse().map_err(|e: runbus::event::Invalid| wrong(format!("{kind:?} {e}")))?,
                    );
                }
            }
            "after" => {
                query.filter.after =
                    Some(value.parse().map_err(|e: runbus::time::Error| wrong(e.to_string()))?)
            }
            "before" => {
                query.filter.before =
                    Some(value.parse().map_err(|e: runbus::time::Error| wrong(e.to_string()))?)
            }
            "order" => {
                query.order = match value.as_ref() {
                    "oldest" => Order::Oldest,
                    "newest" => Order::Newest,
                    _ => return Err(wrong("oldest or newest is needed".into())),
                }
            }
            "limit" => {
                query.limit = value.parse().map_err(|_no_number| wrong("a number is needed".into()))?
            }
            "cursor" => {
                query.cursor =
                    Some(value.parse().map_err(|e: runbus::log::InvalidCursor| wrong(e.to_string()))?)
            }
            _ => return Err(wrong("there is no such parameter".into())),
        }
    }
    Ok(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_or_refused_by_name() {
        let query = read("stream_id=a%2Eb&types=custom,llm_text_delta&order=oldest&limit=5").unwrap();
        assert_eq!(query.filter.stream_id.unwrap().as_str(), "a.b");
        assert_eq!((query.filter.types.len(), query.limit, query.order), (2, 5, Order::Oldest));
        for text in ["stream_id=", "types=A", "order=up", "limit=x", "cursor=x", "after=now", "colour=red"] {
            read(text).unwrap_err();
        }
    }
}
