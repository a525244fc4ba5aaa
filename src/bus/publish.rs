//! Publishing: acknowledged only when durable.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;

use super::Bus;
use crate::event::{self, Event};
use crate::id::{EventId, NodeId};
use crate::limits;
use crate::log::{AppendError, Expect, Frame, Log, Pipeline, Sequence, Trace, has_room};
use crate::subject::Topic;

/// Why an event was not published.
#[derive(Debug, Clone, thiserror::Error)]
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
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid(error) => error.code(),
            Self::Log(AppendError::TooLarge { .. }) => "too_large",
            Self::Log(AppendError::Unresolved(_)) => "unavailable",
            Self::Log(_) => "internal",
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

/// External events that stand in one frame, as the log takes them.
#[derive(Debug, Clone)]
pub struct Group {
    topic: Topic,
    ids: Vec<EventId>,
    lines: Vec<Bytes>,
    bytes: usize,
}

impl Group {
    /// An event with its line, as [`Event::publishable`] gives it.
    #[must_use]
    pub fn one(event: &Event, line: Bytes) -> Self {
        Self { topic: topic(event), ids: vec![event.id], bytes: line.len(), lines: vec![line] }
    }

    /// Events in order, as few groups as possible. The log knows a frame by its first event, so only events of one
    /// [`Run`](crate::id::Run) share one: their ids tell the first.
    #[must_use]
    pub fn of(events: impl IntoIterator<Item = (Event, Bytes)>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for (event, line) in events {
            match groups.last_mut() {
                Some(group) if group.takes(&event, &line) => {
                    group.ids.push(event.id);
                    group.bytes += 1 + line.len();
                    group.lines.push(line);
                }
                _ => groups.push(Self::one(&event, line)),
            }
        }
        groups
    }

    fn takes(&self, event: &Event, line: &Bytes) -> bool {
        self.ids.last().is_some_and(|last| event.id.follows(*last))
            && self.topic == topic(event)
            && has_room(self.lines.len(), self.bytes, line.len())
    }

    /// Puts another group behind this one.
    ///
    /// # Errors
    /// They do not fit into one frame: the other one, as it was.
    pub fn join(&mut self, other: Self) -> Result<(), Self> {
        // A group counts the separators of its lines.
        if self.topic != other.topic || !self.has_room(other.lines.len(), other.bytes) {
            return Err(other);
        }
        self.bytes += 1 + other.bytes;
        self.ids.extend(other.ids);
        self.lines.extend(other.lines);
        Ok(())
    }

    /// Whether so many more events, of so many bytes together, fit into its frame.
    #[must_use]
    pub const fn has_room(&self, events: usize, bytes: usize) -> bool {
        self.lines.len() + events <= limits::FRAME_EVENTS
            && self.bytes + events + bytes <= limits::FRAME_BYTES
    }

    /// Their node.
    #[must_use]
    pub const fn node(&self) -> Option<&NodeId> {
        match &self.topic {
            Topic::Events { node, .. } => node.as_ref(),
            _ => None,
        }
    }

    /// The ids of its events.
    #[must_use]
    pub fn ids(&self) -> &[EventId] {
        &self.ids
    }
}

/// Frames are handed in in the order in which they are first polled. The runtime's budget would break that: it lets a first
/// poll return without having done anything.
async fn hand_in(
    log: Arc<dyn Log>,
    pipeline: Pipeline,
    group: Group,
    trace: Option<Trace>,
) -> Result<Sequence, Error> {
    let Group { topic, ids, lines, .. } = group;
    let frame = Frame { trace, ..Frame::external(&lines) };
    drop(lines);
    // Every group has an event.
    let Some(&id) = ids.first() else { return Ok(Sequence::default()) };
    let append = async move { log.append_in_order(&pipeline, &topic, &frame, id).await };
    Ok(tokio::task::coop::unconstrained(append).await?)
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
        let groups = events.iter().map(|event| Ok(Group::one(event, event.publishable()?)));
        let groups: Vec<Group> = groups.collect::<Result<_, event::Error>>()?;
        let (pipeline, trace) = (Pipeline::default(), crate::telemetry::current_trace());
        let appends = groups.into_iter().map(|group| self.hand_in(&pipeline, group, trace.clone()));
        Ok(futures_util::stream::iter(appends).buffered(limits::PIPELINE_IN_FLIGHT).collect().await)
    }

    /// Publishes a group in the order of a pipeline, and returns its place once it is durable. It is handed in when it is polled
    /// first.
    pub fn hand_in(
        &self,
        pipeline: &Pipeline,
        group: Group,
        trace: Option<Trace>,
    ) -> impl Future<Output = Result<Sequence, Error>> + Send + use<> {
        hand_in(self.log.clone(), pipeline.clone(), group, trace)
    }

    /// A publisher that does not wait for each acknowledgement.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        Publisher { bus: self.clone(), pipeline: Pipeline::default(), in_flight: FuturesOrdered::new() }
    }
}

type Append = std::pin::Pin<Box<dyn Future<Output = Result<Sequence, Error>> + Send>>;

/// Publishes with up to [`limits::PIPELINE_IN_FLIGHT`] events in flight; answers come in order.
pub struct Publisher {
    bus: Bus,
    pipeline: Pipeline,
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
        let mut append: Append = match event.publishable() {
            Ok(line) => {
                let trace = crate::telemetry::current_trace();
                Box::pin(self.bus.hand_in(&self.pipeline, Group::one(&event, line), trace))
            }
            Err(error) => Box::pin(std::future::ready(Err(error.into()))),
        };
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
