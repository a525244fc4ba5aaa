//! Reading an answer from its connection, at the pace of whoever reads the deltas.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use reqwest::Response;
use uuid::Uuid;

use super::limits::MAX_RESPONSE_BYTES;
use super::openai::{connection, stalled};
use super::{Accumulator, Delta, Fault, Parser, Turn, TurnStream};

/// An answer that came in one piece.
pub(super) fn whole(body: &[u8]) -> Result<TurnStream, Fault> {
    let mut accumulator = Accumulator::default();
    let mut deltas = Vec::new();
    accumulator.response(body, &mut deltas).map_err(|fault| match fault {
        // Nothing was streamed that could be void.
        Fault::MidStream(error) => Fault::Refused(error),
        other => other,
    })?;
    deltas.push(completed(accumulator.finish()?));
    Ok(stream::iter(deltas.into_iter().map(Ok)).boxed())
}

/// An answer that comes bit by bit. Dropping it closes the connection.
pub(super) fn streamed(response: Response, idle_timeout: Duration) -> TurnStream {
    let reading = Reading {
        response: Some(response),
        idle_timeout,
        received: 0,
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
    parser: Parser,
    accumulator: Accumulator,
    /// What has been decoded and not yet taken; at most what one read of the connection gave.
    ready: VecDeque<Result<Delta, Fault>>,
}

impl Reading {
    async fn next(&mut self) -> Option<Result<Delta, Fault>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(item);
            }
            let response = self.response.as_mut()?;
            let fault = match tokio::time::timeout(self.idle_timeout, response.chunk()).await {
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
        let fed = self.parser.feed(bytes);
        while let Some(event) = self.parser.pop() {
            self.accumulator.event(&event, &mut Sink(&mut self.ready))?;
            if self.accumulator.is_done() {
                return Ok(());
            }
        }
        fed
    }

    /// The turn after the last byte. A connection that breaks once the model has finished cost nothing but
    /// perhaps the usage: asking again would cost the whole answer.
    fn complete(&mut self, fault: Option<Fault>) -> Result<Turn, Fault> {
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
            // What ends the body has usually come already; then the connection can be used again.
            let _end = response.chunk().now_or_never();
        }
        self.ready.push_back(turn.map(completed));
    }
}

/// Lets the accumulator write deltas among results.
struct Sink<'a>(&'a mut VecDeque<Result<Delta, Fault>>);

impl Extend<Delta> for Sink<'_> {
    fn extend<T: IntoIterator<Item = Delta>>(&mut self, deltas: T) {
        self.0.extend(deltas.into_iter().map(Ok));
    }
}

/// The last delta. A tool's result is matched by its call's id, so every call needs one of its own.
fn completed(mut turn: Turn) -> Delta {
    let mut seen = BTreeSet::new();
    for call in &mut turn.tool_calls {
        if call.id.is_empty() || !seen.insert(call.id.clone()) {
            call.id = format!("call_{}", Uuid::now_v7().simple());
        }
    }
    Delta::Completed(Box::new(turn))
}
