//! Events of a server's answer: each bounded, each checked before the SDK parses it.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, future};
use rmcp::model::{JsonRpcMessage, RequestId};
use rmcp::transport::streamable_http_client::SseError;
use runbus::json::scan;
use sse_stream::{Sse, SseStream};

use super::{decode, refusal};

/// As the SDK takes them.
pub(super) type Events = BoxStream<'static, Result<Sse, SseError>>;

/// Why events end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error(transparent)]
    Source(#[from] reqwest::Error),
    #[error("an event is over the limit of {0} bytes")]
    TooLarge(usize),
}

/// How far the event under way has come.
#[derive(Debug, Default)]
struct Size {
    event: usize,
    line: usize,
}

impl Size {
    /// The largest size that an event had within these bytes.
    fn feed(&mut self, bytes: &[u8]) -> usize {
        let mut largest = 0;
        for byte in bytes {
            if matches!(byte, b'\n' | b'\r') {
                // An empty line ends it; of a pair of line ends the second one changes nothing.
                if self.line == 0 {
                    self.event = 0;
                }
                self.line = 0;
            } else {
                self.line += 1;
                self.event += 1;
                largest = largest.max(self.event);
            }
        }
        largest
    }
}

/// The events of a body, none larger than `limit` bytes.
pub(super) fn events(
    body: impl Stream<Item = reqwest::Result<Bytes>> + Send + 'static,
    limit: usize,
) -> Events {
    let mut size = Size::default();
    let bounded = body.scan(false, move |ended, piece| {
        if *ended {
            return future::ready(None);
        }
        let piece = piece.map_err(Broken::from).and_then(|piece| {
            if size.feed(&piece) > limit { Err(Broken::TooLarge(limit)) } else { Ok(piece) }
        });
        *ended = piece.is_err();
        future::ready(Some(piece))
    });
    SseStream::from_bytes_stream(bounded).boxed()
}

/// The events that answer a request: one that is too large, or that no parser may see, becomes the error that its caller
/// gets.
pub(super) fn answering(events: Events, id: RequestId, limit: usize) -> Events {
    let events = events.map(move |event| match event {
        Ok(event) => Ok(answer(event, &id)),
        Err(SseError::Body(reason)) if is_too_large(reason.as_ref()) => {
            tracing::warn!(limit, "an MCP server sent a message that is too large");
            Ok(refusal::event(refusal::too_large(id.clone(), limit), Sse::default()))
        }
        Err(error) => Err(error),
    });
    events.boxed()
}

/// An event of the stream that answers a request. The SDK skips what it cannot read, and its caller would wait on: an answer that cannot
/// be read, or that names no request, is one to this request.
fn answer(event: Sse, id: &RequestId) -> Sse {
    let Some(data) = event.data.as_deref().filter(|_| is_message(&event)) else { return event };
    if let Some(fault) = fault(&event) {
        return refusal::event(refusal::unreadable(Some(id.clone()), &fault.to_string()), event);
    }
    let mut all = decode::messages(data.as_bytes());
    let only = if all.len() == 1 { all.pop() } else { None };
    match only {
        // The server's own error, or the one for an unreadable answer.
        Some(JsonRpcMessage::Error(said)) => {
            let id = said.id.unwrap_or_else(|| id.clone());
            refusal::event(JsonRpcMessage::error(said.error, Some(id)), event)
        }
        Some(_) => match decode::lifted(data) {
            Some(data) => Sse { data: Some(data), ..event },
            None => event,
        },
        // A batch, or no message at all.
        None if data.trim().is_empty() => event,
        None => {
            refusal::event(refusal::unreadable(Some(id.clone()), "it is not one JSON-RPC message"), event)
        }
    }
}

/// Whether an event carries a message: others are for the control of the stream.
fn is_message(event: &Sse) -> bool {
    matches!(event.event.as_deref(), None | Some("" | "message"))
}

/// Events that answer no request: those that no parser may see are left out.
pub(super) fn checked(events: Events) -> Events {
    let events = events.map(|event| {
        event.map(|event| match fault(&event) {
            Some(error) => {
                tracing::warn!(%error, "an MCP server sent what is not read");
                Sse { data: None, ..event }
            }
            None => event,
        })
    });
    events.boxed()
}

fn fault(event: &Sse) -> Option<runbus::json::Error> {
    scan::check(event.data.as_deref()?.as_bytes()).err().map(Into::into)
}

fn is_too_large(reason: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(reason.downcast_ref(), Some(Broken::TooLarge(_)))
}
