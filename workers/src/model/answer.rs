//! Reading an answer from its connection, at the pace of its reader.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use reqwest::Response;
use tokio::time::Instant;

use super::limits::{AFTER_FINISH_MS, MAX_RESPONSE_BYTES};
use super::openai::{connection, stalled};
use super::{Accumulator, Delta, Fault, Parser, Turn, TurnStream, verdict};

/// An answer that came in one piece: JSON, or events that a proxy labels as JSON.
pub(super) fn whole(body: &[u8]) -> Result<TurnStream, Fault> {
    let mut accumulator = Accumulator::default();
    let mut deltas = Vec::new();
    let read = if is_events(body) {
        events(body, &mut accumulator, &mut deltas)
    } else {
        accumulator.response(body, &mut deltas)
    };
    read.map_err(|fault| match fault {
        // Nothing was streamed that could be void.
        Fault::MidStream(error) => Fault::Refused(error),
        other => other,
    })?;
    deltas.push(completed(accumulator.finish()?)?);
    Ok(stream::iter(deltas.into_iter().map(Ok)).boxed())
}

/// Whether a body is one JSON text and no stream of events; an empty one is neither.
fn is_json(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    matches!(body.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// Whether a body begins as a stream of events does.
fn is_events(body: &[u8]) -> bool {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body).trim_ascii_start();
    ["data:", "event:", "error:", "id:", "retry:", ":"].iter().any(|field| body.starts_with(field.as_bytes()))
}

fn events(body: &[u8], accumulator: &mut Accumulator, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
    let mut parser = Parser::default();
    parser.feed(body)?;
    while let Some(event) = parser.pop() {
        accumulator.event(&event, deltas)?;
    }
    match parser.finish()? {
        Some(event) => accumulator.event(&event, deltas),
        None => Ok(()),
    }
}

/// An answer that comes bit by bit. Dropping it closes the connection.
pub(super) fn streamed(response: Response, idle_timeout: Duration) -> TurnStream {
    let reading = Reading {
        response: Some(response),
        idle_timeout,
        received: 0,
        body: Body::Unknown,
        finished: None,
        parser: Parser::default(),
        accumulator: Accumulator::default(),
        ready: VecDeque::new(),
    };
    stream::unfold(reading, |mut reading| async { reading.next().await.map(|item| (item, reading)) }).boxed()
}

/// A half-read answer.
struct Reading {
    /// `None` once the answer has ended, well or not.
    response: Option<Response>,
    idle_timeout: Duration,
    /// Bytes so far.
    received: usize,
    body: Body,
    /// When the model gave its finish reason: the rest has little time.
    finished: Option<Instant>,
    parser: Parser,
    accumulator: Accumulator,
    /// Decoded deltas that are not yet taken; at most those of one read of the connection.
    ready: VecDeque<Result<Delta, Fault>>,
}

/// The form of a body, by its content instead of its label.
enum Body {
    /// Nothing but white space has come.
    Unknown,
    Events,
    /// One JSON text in place of a stream: it is read whole.
    Json(Vec<u8>),
}

impl Reading {
    /// How long the service may be silent now. A service that hangs behind its answer costs a moment, not the answer.
    fn patience(&self) -> Duration {
        let rest = |since: Instant| Duration::from_millis(AFTER_FINISH_MS).saturating_sub(since.elapsed());
        self.finished.map_or(self.idle_timeout, |since| rest(since).min(self.idle_timeout))
    }

    async fn next(&mut self) -> Option<Result<Delta, Fault>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let patience = self.patience();
            let response = self.response.as_mut()?;
            let fault = match tokio::time::timeout(patience, response.chunk()).await {
                Ok(Ok(Some(bytes))) => match self.take(&bytes) {
                    Ok(()) if self.accumulator.is_done() => None,
                    Ok(()) => continue,
                    Err(fault) => {
                        self.end(Err(fault));
                        continue;
                    }
                },
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some(connection(&error)),
                Err(_elapsed) => Some(stalled(self.idle_timeout)),
            };
            let turn = self.complete(fault);
            self.end(turn);
        }
    }

    /// Decodes what was received.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.received = self.received.saturating_add(bytes.len());
        if self.received > MAX_RESPONSE_BYTES {
            return Err(Fault::TooLarge { what: "bytes of one response", limit: MAX_RESPONSE_BYTES });
        }
        if matches!(self.body, Body::Unknown) && bytes.iter().any(|byte| !byte.is_ascii_whitespace()) {
            self.body = if is_json(bytes) { Body::Json(Vec::new()) } else { Body::Events };
        }
        if let Body::Json(body) = &mut self.body {
            body.extend_from_slice(bytes);
            return Ok(());
        }
        let fed = self.parser.feed(bytes);
        while let Some(event) = self.parser.pop() {
            self.accumulator.event(&event, &mut Sink(&mut self.ready))?;
            if self.accumulator.is_done() {
                return Ok(());
            }
        }
        if self.finished.is_none() && self.accumulator.is_finished() {
            self.finished = Some(Instant::now());
        }
        fed
    }

    /// The turn after the last byte. A connection that breaks once the model has finished cost nothing but
    /// perhaps the usage: asking again would cost the whole answer.
    fn complete(&mut self, fault: Option<Fault>) -> Result<Turn, Fault> {
        if let Body::Json(body) = std::mem::replace(&mut self.body, Body::Unknown) {
            if let Some(fault) = fault {
                return Err(fault);
            }
            self.accumulator.response(&body, &mut Sink(&mut self.ready))?;
            return std::mem::take(&mut self.accumulator).finish();
        }
        if !self.accumulator.is_done()
            && let Some(event) = self.parser.finish()?
        {
            let incomplete = self.accumulator.event(&event, &mut Sink(&mut self.ready));
            match incomplete {
                // An event that was cut in the middle says nothing but that the stream ended early.
                Ok(()) | Err(Fault::Garbage { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        let turn = std::mem::take(&mut self.accumulator).finish();
        turn.map_err(|early| fault.unwrap_or(early))
    }

    fn end(&mut self, turn: Result<Turn, Fault>) {
        if let Some(mut response) = self.response.take()
            && turn.is_ok()
        {
            // The end of the body has usually come already; then the connection can be used again.
            let _end = response.chunk().now_or_never();
        }
        self.ready.push_back(turn.and_then(completed));
    }
}

/// Lets the accumulator write deltas among results.
struct Sink<'a>(&'a mut VecDeque<Result<Delta, Fault>>);

impl Extend<Delta> for Sink<'_> {
    fn extend<T: IntoIterator<Item = Delta>>(&mut self, deltas: T) {
        self.0.extend(deltas.into_iter().map(Ok));
    }
}

/// The last delta, of a turn that is an answer. A tool's result is matched by its call's id, so every call needs one of its own.
fn completed(turn: Turn) -> Result<Delta, Fault> {
    let mut turn = verdict::judge(turn)?;
    let mut seen = BTreeSet::new();
    for call in &mut turn.tool_calls {
        if call.id.is_empty() || !seen.insert(call.id.clone()) {
            call.id = verdict::call_id();
        }
    }
    Ok(Delta::Completed(Box::new(turn)))
}
