//! Reading an answer from its connection, at the pace of its reader.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::Instant;

use super::http::{Answered, Body as Received, Timeouts, stalled};
use super::limits::{AFTER_FINISH_MS, MAX_RESPONSE_BYTES};
use super::source::Source;
use super::{Delta, Event, Fault, Parser, Request, Turn, TurnStream, verdict};

/// The fold of one answer in a provider's own form.
pub(super) trait Fold: Send {
    /// Takes one event of a stream; adds the deltas for readers to `deltas`.
    ///
    /// # Errors
    /// A fault that the provider reports, or that its event is.
    fn event(&mut self, event: &Event, deltas: &mut Vec<Delta>) -> Result<(), Fault>;

    /// Takes a whole answer that was not streamed.
    ///
    /// # Errors
    /// As [`Fold::event`].
    fn response(&mut self, body: &[u8], deltas: &mut Vec<Delta>) -> Result<(), Fault>;

    /// Whether the provider said that nothing follows.
    fn is_done(&self) -> bool;

    /// Whether the model has said why it stopped.
    fn is_finished(&self) -> bool;

    /// The turn, once the stream has ended; what is left for a reader to see is added to `deltas`.
    ///
    /// # Errors
    /// [`Fault::ClosedEarly`] when the provider never said why the answer ends.
    fn finish(self: Box<Self>, deltas: &mut Vec<Delta>) -> Result<Turn, Fault>;
}

/// An answer to be read.
pub(super) struct Answer {
    fold: Box<dyn Fold>,
    provider: String,
    timeouts: Timeouts,
    /// Ids of calls of the conversation before.
    taken: BTreeSet<String>,
    begun: Instant,
}

impl Answer {
    /// The answer of `provider` to a request that was sent now.
    pub(super) fn new(fold: Box<dyn Fold>, provider: &str, timeouts: &Timeouts, request: &Request) -> Self {
        let calls = request.messages.iter().flat_map(super::Message::tool_calls);
        let taken = calls.map(|call| call.id.clone()).collect();
        Self { fold, provider: provider.to_owned(), timeouts: *timeouts, taken, begun: Instant::now() }
    }
}

/// Reads it.
///
/// # Errors
/// Those of an answer that came in one piece.
pub(super) fn read(answered: Answered, answer: Answer) -> Result<TurnStream, Fault> {
    let Answer { fold, provider, timeouts, taken, begun } = answer;
    let last = Last { provider, request_id: answered.request_id, taken, written: BTreeMap::new() };
    match answered.body {
        Received::Whole(body) => whole(&body, fold, last),
        Received::Streamed(source) => Ok(streamed(*source, fold, last, timeouts, begun)),
    }
}

/// An answer that came in one piece: JSON, or events that a proxy labels as JSON.
fn whole(body: &[u8], mut fold: Box<dyn Fold>, mut last: Last) -> Result<TurnStream, Fault> {
    let mut deltas = Vec::new();
    let read = if is_events(body) {
        events(body, fold.as_mut(), &mut deltas)
    } else {
        fold.response(body, &mut deltas)
    };
    read.map_err(|fault| match fault {
        // Nothing was streamed that could be void.
        Fault::MidStream(error) => Fault::Refused(error),
        other => other,
    })?;
    let turn = fold.finish(&mut deltas)?;
    deltas.retain(|delta| last.shows(delta));
    deltas.push(last.delta(turn)?);
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

fn events(body: &[u8], fold: &mut dyn Fold, deltas: &mut Vec<Delta>) -> Result<(), Fault> {
    let mut parser = Parser::default();
    parser.feed(body)?;
    while let Some(event) = parser.pop() {
        fold.event(&event, deltas)?;
    }
    match parser.finish()? {
        Some(event) => fold.event(&event, deltas),
        None => Ok(()),
    }
}

/// An answer that comes bit by bit. Dropping it closes the connection.
fn streamed(
    source: Source,
    fold: Box<dyn Fold>,
    last: Last,
    timeouts: Timeouts,
    begun: Instant,
) -> TurnStream {
    let reading = Reading {
        source: Some(source),
        idle: timeouts.idle,
        total: timeouts.total,
        begun,
        received: 0,
        body: Body::Unknown,
        finished: None,
        parser: Parser::default(),
        fold: Some(fold),
        last,
        ready: VecDeque::new(),
    };
    stream::unfold(reading, |mut reading| async { reading.next().await.map(|item| (item, reading)) }).boxed()
}

/// A half-read answer.
struct Reading {
    /// `None` once the answer has ended, well or not.
    source: Option<Source>,
    /// How long the service may be silent.
    idle: Duration,
    /// How long the whole answer may take, from `begun` on.
    total: Duration,
    begun: Instant,
    /// Bytes so far.
    received: usize,
    body: Body,
    /// When the model gave its finish reason: the rest has little time.
    finished: Option<Instant>,
    parser: Parser,
    /// `None` once the answer has ended.
    fold: Option<Box<dyn Fold>>,
    last: Last,
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
        let patience = self.finished.map_or(self.idle, |since| rest(since).min(self.idle));
        patience.min(self.total.saturating_sub(self.begun.elapsed()))
    }

    fn is_done(&self) -> bool {
        self.fold.as_ref().is_none_or(|fold| fold.is_done())
    }

    /// Lets the fold take something, and lists what a reader should see of it.
    fn fold<T>(
        &mut self,
        take: impl FnOnce(&mut dyn Fold, &mut Vec<Delta>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Some(fold) = self.fold.as_mut() else { return Err(Fault::ClosedEarly) };
        let mut deltas = Vec::new();
        let taken = take(fold.as_mut(), &mut deltas);
        deltas.retain(|delta| self.last.shows(delta));
        self.ready.extend(deltas.into_iter().map(Ok));
        taken
    }

    fn finish(&mut self) -> Result<Turn, Fault> {
        let Some(fold) = self.fold.take() else { return Err(Fault::ClosedEarly) };
        let mut deltas = Vec::new();
        let turn = fold.finish(&mut deltas);
        deltas.retain(|delta| self.last.shows(delta));
        self.ready.extend(deltas.into_iter().map(Ok));
        turn
    }

    async fn next(&mut self) -> Option<Result<Delta, Fault>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let patience = self.patience();
            let source = self.source.as_mut()?;
            let fault = match tokio::time::timeout(patience, source.chunk()).await {
                Ok(Ok(Some(bytes))) => match self.take(&bytes) {
                    Ok(()) if self.is_done() => None,
                    Ok(()) => continue,
                    Err(fault) => {
                        self.end(Err(fault), false).await;
                        continue;
                    }
                },
                Ok(Ok(None)) => None,
                Ok(Err(fault)) => Some(fault),
                Err(_elapsed) if self.begun.elapsed() >= self.total => Some(stalled(self.total)),
                Err(_elapsed) => Some(stalled(self.idle)),
            };
            let is_broken = fault.is_some();
            let turn = self.complete(fault);
            self.end(turn, is_broken).await;
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
            self.fold(|fold, deltas| fold.event(&event, deltas))?;
            if self.is_done() {
                return Ok(());
            }
        }
        if self.finished.is_none() && self.fold.as_ref().is_some_and(|fold| fold.is_finished()) {
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
            self.fold(|fold, deltas| fold.response(&body, deltas))?;
            return self.finish();
        }
        if !self.is_done()
            && let Some(event) = self.parser.finish()?
        {
            let incomplete = self.fold(|fold, deltas| fold.event(&event, deltas));
            match incomplete {
                // An event that was cut in the middle says nothing but that the stream ended early.
                Ok(()) | Err(Fault::Garbage { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        self.finish().map_err(|early| fault.unwrap_or(early))
    }

    async fn end(&mut self, turn: Result<Turn, Fault>, is_broken: bool) {
        if let Some(mut source) = self.source.take() {
            if turn.is_ok() {
                // The end of the body has usually come already; then the connection can be used again.
                let _end = source.chunk().now_or_never();
            }
            source.end(is_broken).await;
        }
        self.ready.push_back(turn.and_then(|turn| self.last.delta(turn)));
    }
}

/// Facts about an answer besides its own words.
struct Last {
    provider: String,
    request_id: Option<String>,
    taken: BTreeSet<String>,
    /// The calls that readers see being written, by their id.
    written: BTreeMap<String, u32>,
}

impl Last {
    /// Whether readers see a delta: a call that gets another id in the end is not shown before.
    fn shows(&mut self, delta: &Delta) -> bool {
        let Delta::Call(call) = delta else { return true };
        !self.taken.contains(&call.id)
            && *self.written.entry(call.id.clone()).or_insert(call.index) == call.index
    }

    /// The last delta, of a turn that is an answer. A tool's result is matched by its call's id, so every call needs one of its own.
    fn delta(&self, turn: Turn) -> Result<Delta, Fault> {
        let mut turn = verdict::judge(turn)?;
        let mut seen = self.taken.clone();
        for call in &mut turn.tool_calls {
            if call.id.is_empty() || !seen.insert(call.id.clone()) {
                call.id = verdict::call_id();
            }
        }
        turn.provider = Some(self.provider.clone());
        turn.request_id = self.request_id.clone().or(turn.request_id);
        Ok(Delta::Completed(Box::new(turn)))
    }
}
