//! A gateway elsewhere, over REST.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, StatusCode, Url};
use runbus::bus::{Delivered, Delivery, Filter, Undecodable};
use runbus::event::{Event, SoundLine};
use runbus::id::ExecutionId;
use runbus::log::{Cursor, Gap, GapReason, Since};
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::exit::Error;

/// How long an answer is waited for, beside what the request itself waits.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long one request waits for events, in milliseconds.
const WAIT_MS: u64 = 20_000;

/// A gateway.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    url: Url,
    token: Option<Arc<str>>,
    http: reqwest::Client,
}

/// The pieces of a path, each encoded.
type Path<'a> = &'a [&'a str];

impl Remote {
    /// The gateway of an address, with a key or token.
    ///
    /// # Errors
    /// It is no address of a gateway.
    pub(crate) fn new(url: &str, token: Option<&str>) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Usage(format!("--gateway: {url:?} {why}: http://host:port is needed"));
        let url = Url::parse(url).map_err(|error| wrong(&format!("is no URL ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(wrong("is no address of a gateway"));
        }
        let http = reqwest::Client::builder().build().map_err(|error| Error::Software(error.to_string()))?;
        Ok(Self { url, token: token.map(Arc::from), http })
    }

    fn at(&self, path: Path<'_>) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    /// Asks for something.
    ///
    /// # Errors
    /// The gateway refuses, or does not answer.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        query: &[(String, String)],
    ) -> Result<T, Error> {
        let mut url = self.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.ask(Method::GET, url, None::<&Value>).await
    }

    /// Gives a command.
    ///
    /// # Errors
    /// The gateway refuses, or does not answer.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: Path<'_>,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        self.ask(Method::POST, self.at(path), Some(body)).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let mut request = self.http.request(method, url).timeout(PATIENCE);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let silent = |error: reqwest::Error| {
            Error::Unavailable(format!("the gateway {} does not answer: {error}", self.url))
        };
        let answer = request.send().await.map_err(silent)?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(silent)?;
        if status.is_success() {
            return runbus::json::from_slice(&bytes)
                .map_err(|error| Error::Software(format!("the gateway's answer cannot be read: {error}")));
        }
        Err(refused(status, &bytes))
    }

    /// A page of stored events; with `wait` the next ones, when they come.
    ///
    /// # Errors
    /// The gateway refuses, or does not answer.
    pub(crate) async fn events(
        &self,
        filter: &Filter,
        more: Vec<(String, String)>,
    ) -> Result<(Vec<Delivery>, Option<Cursor>), Error> {
        let mut query = more;
        let mut ask =
            |key: &str, value: Option<String>| query.extend(value.map(|value| (key.to_owned(), value)));
        ask("stream_id", filter.stream_id.as_ref().map(ToString::to_string));
        ask("node_id", filter.node_id.as_ref().map(ToString::to_string));
        ask("execution_id", filter.execution_id.as_ref().map(ToString::to_string));
        ask("after", filter.after.as_ref().map(ToString::to_string));
        ask("before", filter.before.as_ref().map(ToString::to_string));
        let types: Vec<&str> = filter.types.iter().map(|kind| kind.as_str()).collect();
        ask("types", (!types.is_empty()).then(|| types.join(",")));
        let page: Page = self.get(&["events"], &query).await?;
        let gaps = page.gaps.iter().filter_map(gap).map(Delivery::Gap);
        let events = page.events.iter().map(|found| delivery(found));
        let next = page.next.and_then(|next| next.parse().ok());
        Ok((gaps.chain(events).collect(), next))
    }

    /// Reads events for ever.
    pub(crate) fn read(&self, filter: Filter, since: Since) -> Reading {
        Reading { remote: self.clone(), filter, since, ready: std::collections::VecDeque::new() }
    }

    /// Asks for something of an execution.
    ///
    /// # Errors
    /// The gateway refuses, or does not answer.
    pub(crate) async fn of<T: DeserializeOwned>(&self, id: &ExecutionId, what: Path<'_>) -> Result<T, Error> {
        let path: Vec<&str> = ["executions", id.as_str()].into_iter().chain(what.iter().copied()).collect();
        self.get(&path, &[]).await
    }
}

/// The error of a refusal.
fn refused(status: StatusCode, body: &[u8]) -> Error {
    let answer: Value = runbus::json::from_slice(body).unwrap_or_default();
    let error = &answer["error"];
    let text =
        error["message"].as_str().map_or_else(|| format!("the gateway answers {status}"), str::to_owned);
    let text = match error["path"].as_str() {
        Some(path) => format!("{path}: {text}"),
        None => text,
    };
    match status.as_u16() {
        401 => Error::Forbidden(format!("{text}; --token or RUNBUS_TOKEN names a key or token")),
        403 => Error::Forbidden(text),
        400 | 413 => Error::Data(text),
        404 => Error::NotFound(text),
        409 => Error::Conflict(text),
        429 | 502..=504 => Error::Unavailable(text),
        _ => Error::Software(text),
    }
}

/// A page of events, each as the gateway writes it.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    gaps: Vec<Value>,
    #[serde(default)]
    events: Vec<Box<RawValue>>,
    #[serde(default)]
    next: Option<String>,
}

/// The fields of an object in their order, each as it is written.
#[derive(Debug, Default)]
struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// The value of a field; `null` where there is none.
    fn value(&self, name: &str) -> Value {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.and_then(|(_, raw)| runbus::json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    /// The object without these fields.
    fn without(&self, names: &[&str]) -> String {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        let written: Vec<String> = kept.map(|(name, raw)| format!("{}:{}", json!(name), raw.get())).collect();
        format!("{{{}}}", written.join(","))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let fields = std::iter::from_fn(|| map.next_entry::<String, Box<RawValue>>().transpose());
                fields.collect::<Result<Vec<_>, _>>().map(Fields)
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// An event, or a line that is none, as the gateway writes it.
fn delivery(found: &RawValue) -> Delivery {
    let fields: Fields = runbus::json::from_str(found.get()).unwrap_or_default();
    let cursor = fields.value("cursor").as_str().and_then(|text| text.parse().ok());
    let cursor = cursor.unwrap_or_else(Cursor::start);
    let seq = fields.value("seq").as_u64().unwrap_or_default();
    let external = fields.value("external").as_bool().unwrap_or(false);
    // The payload stays text: its numbers and the order of its keys are those of the log.
    let line = Bytes::from(fields.without(&["seq", "cursor", "external", "merged"]));
    let event =
        Event::decode(&line).ok().and_then(|event| Some((event, SoundLine::check(line.clone()).ok()?)));
    match event {
        Some((event, line)) => {
            Delivery::Event(Box::new(Delivered { event, line, seq, external, cursor, trace: None }))
        }
        None => {
            let text = |name: &str| fields.value(name).as_str().unwrap_or_default().to_owned();
            let line = Bytes::from(text("raw"));
            Delivery::Undecodable(Box::new(Undecodable { line, reason: text("reason"), seq, cursor }))
        }
    }
}

fn gap(found: &Value) -> Option<Gap> {
    let place = |name: &str| {
        let cursor: Cursor = found[name].as_str()?.parse().ok()?;
        cursor.places().next()
    };
    let ((shard, requested), (_, resumes)) = (place("requested")?, place("first_available")?);
    let reason = match found["reason"].as_str()? {
        "recreated" => GapReason::Recreated,
        _ => GapReason::Expired,
    };
    Some(Gap { shard, requested, epoch: resumes.epoch, first_available: resumes.sequence.next(), reason })
}

/// A reader of a gateway's events.
#[derive(Debug)]
pub(crate) struct Reading {
    remote: Remote,
    filter: Filter,
    since: Since,
    ready: std::collections::VecDeque<Delivery>,
}

impl Reading {
    /// The next thing. Dropping it while it waits loses nothing.
    ///
    /// # Errors
    /// The gateway refuses, or does not answer.
    pub(crate) async fn next(&mut self) -> Result<Delivery, Error> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            let since = match &self.since {
                Since::New => "new".to_owned(),
                Since::All => "all".to_owned(),
                Since::After(cursor) => cursor.to_string(),
            };
            let more = vec![
                ("since".to_owned(), since),
                ("wait_ms".to_owned(), WAIT_MS.to_string()),
                ("limit".to_owned(), "1000".to_owned()),
            ];
            let (found, next) = self.remote.events(&self.filter, more).await?;
            self.ready.extend(found);
            if let Some(next) = next {
                self.since = Since::After(next);
            }
        }
    }
}
