//! Publishing: acknowledged only when durable.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;

use super::Bus;
use crate::error_code::ErrorCode;
use crate::event::{self, Event};
use crate::limits;
use crate::log::{AppendError, Expect, Frame, Log, Sequence};
use crate::subject::Topic;

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no event that may be stored. Nothing was stored.
    #[error(transparent)]
    Invalid(#[from] event::Error),
    /// The log took it not, or did not say. When [`Error::is_retryable`], publishing the same event again is safe: it
    /// has an id.
    #[error(transparent)]
    Log(#[from] AppendError),
}

impl Error {
    /// Whether publishing the same event again may succeed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Log(error) if error.is_retryable())
    }

    /// A stable code for programs.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(error) => error.code(),
            Self::Log(AppendError::TooLarge { .. }) => ErrorCode::TooLarge,
            Self::Log(AppendError::Unresolved(_)) => ErrorCode::Unavailable,
            Self::Log(_) => ErrorCode::Internal,
        }
    }
}

pub(super) fn topic(event: &Event) -> Topic {
    Topic::Events {
        stream: event.stream_id.clone(),
        node: event.node_id.clone(),
        execution: event.execution_id.clone(),
    }
}

async fn append(log: Arc<dyn Log>, event: Event, frame: fn(&[Bytes]) -> Frame) -> Result<Sequence, Error> {
    let line = event.publishable()?;
    let mut frame = frame(&[line]);
    frame.trace = crate::telemetry::current_trace();
    Ok(log.append(&topic(&event), &frame, Expect::Open(event.id)).await?)
}

/// Appends reach the log in the order in which they are first polled. The runtime's budget would break that: it lets a
/// first poll return without having done anything.
fn in_order<F: Future>(append: F) -> impl Future<Output = F::Output> {
    tokio::task::coop::unconstrained(append)
}

impl Bus {
    /// Publishes an event and returns its place once it is durable. The same id again stores nothing new. It is external: of an
    /// execution that Runbus runs it changes nothing.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn publish(&self, event: Event) -> Result<Sequence, Error> {
        append(self.log.clone(), event, Frame::external).await
    }

    /// Publishes an event as Runbus itself, which readers believe: only for Runbus's own processes, and never for a client's
    /// event.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn record(&self, event: Event) -> Result<Sequence, Error> {
        append(self.log.clone(), event, Frame::open).await
    }

    /// Publishes events in order, many at a time. All are checked before the first is sent; the answers are theirs.
    ///
    /// # Errors
    /// One of them is no event that may be stored: none was sent.
    pub async fn publish_batch(
        &self,
        events: Vec<Event>,
    ) -> Result<Vec<Result<Sequence, Error>>, event::Error> {
        for event in &events {
            event.publishable()?;
        }
        let appends =
            events.into_iter().map(|event| in_order(append(self.log.clone(), event, Frame::external)));
        Ok(futures_util::stream::iter(appends).buffered(limits::PIPELINE_IN_FLIGHT).collect().await)
    }

    /// A publisher that does not wait for each acknowledgement.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher { log: self.log.clone(), in_flight: FuturesOrdered::new() }
    }
}

type Append = std::pin::Pin<Box<dyn Future<Output = Result<Sequence, Error>> + Send>>;

/// Publishes with up to [`limits::PIPELINE_IN_FLIGHT`] events in flight; answers come in order.
pub struct Publisher {
    log: Arc<dyn Log>,
    in_flight: FuturesOrdered<Append>,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("in_flight", &self.in_flight.len()).finish_non_exhaustive()
    }
}

impl Publisher {
    /// Sends an event. When too many are in flight it waits for the oldest and returns its answer.
    pub async fn send(&mut self, event: Event) -> Option<Result<Sequence, Error>> {
        let oldest = if self.in_flight.len() >= limits::PIPELINE_IN_FLIGHT {
            self.in_flight.next().await
        } else {
            None
        };
        let mut append: Append = Box::pin(in_order(append(self.log.clone(), event, Frame::external)));
        // Start it: a future that nobody polls sends nothing.
        match futures_util::poll!(&mut append) {
            std::task::Poll::Ready(answer) => self.in_flight.push_back(Box::pin(std::future::ready(answer))),
            std::task::Poll::Pending => self.in_flight.push_back(append),
        }
        oldest
    }

    /// The next answer, in the order of sending; `None` when nothing is in flight.
    pub async fn acknowledged(&mut self) -> Option<Result<Sequence, Error>> {
        self.in_flight.next().await
    }
}
