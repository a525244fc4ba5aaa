//! Where events come from: the context that a publisher says once, and one typed helper for each event type.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::catalogue::catalogue;
use super::envelope::Event;
use super::family::{client, custom, execution, goal, model, node, session, state, stream, tool, webhook};
use super::payload::Payload;
use crate::id::{CorrelationId, EventId, ExecutionId, NodeId, SessionId, StreamId};
use crate::time::Clock;

/// Fills the envelope of every event that it makes.
#[derive(Debug, Clone)]
pub struct Source {
    /// The line of work.
    pub stream_id: StreamId,
    /// The step.
    pub node_id: Option<NodeId>,
    /// The run.
    pub execution_id: Option<ExecutionId>,
    /// The id that ties the execution to others.
    pub correlation_id: Option<CorrelationId>,
    /// The conversation.
    pub session_id: Option<SessionId>,
    /// The worker's try.
    pub attempt: Option<u32>,
    /// The time of its events.
    pub clock: Clock,
}

impl Source {
    /// Events of a stream as such.
    #[must_use]
    pub const fn stream(stream_id: StreamId, clock: Clock) -> Self {
        Self {
            stream_id,
            node_id: None,
            execution_id: None,
            correlation_id: None,
            session_id: None,
            attempt: None,
            clock,
        }
    }

    /// Events of one execution.
    #[must_use]
    pub fn execution(stream_id: StreamId, execution_id: ExecutionId, clock: Clock) -> Self {
        Self { execution_id: Some(execution_id), ..Self::stream(stream_id, clock) }
    }

    /// The same, for one node.
    #[must_use]
    pub fn node(&self, node_id: NodeId) -> Self {
        Self { node_id: Some(node_id), ..self.clone() }
    }

    /// An event with a fresh id.
    #[must_use]
    pub fn event(&self, payload: impl Into<Payload>) -> Event {
        self.event_with_id(EventId::generate(), payload)
    }

    /// An event with a given id, for instance one derived from a journal entry.
    #[must_use]
    pub fn event_with_id(&self, id: EventId, payload: impl Into<Payload>) -> Event {
        let payload = payload.into();
        // Payloads are made of text keys and checked numbers, so that writing them cannot fail; should one ever,
        // an empty object keeps the event.
        let data =
            payload.write().unwrap_or_else(|_never| RawValue::from_string("{}".into()).unwrap_or_default());
        Event {
            id,
            kind: payload.kind(),
            stream_id: self.stream_id.clone(),
            node_id: self.node_id.clone(),
            execution_id: self.execution_id.clone(),
            correlation_id: self.correlation_id.clone(),
            session_id: self.session_id.clone(),
            attempt: self.attempt,
            data: Arc::from(data),
            timestamp: self.clock.now(),
        }
    }
}

macro_rules! helpers {
    ($($wire:ident => $variant:ident($payload:ty), $class:ident;)*) => {
        impl Source {
            $(#[doc = concat!("Makes a `", stringify!($wire), "` event.")]
            #[must_use]
            pub fn $wire(&self, payload: $payload) -> Event {
                self.event(payload)
            })*
        }
    };
}
catalogue!(helpers);
