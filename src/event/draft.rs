//! An event as an external producer hands it in: Runbus fills in the missing fields.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::envelope::Event;
use super::kind::Kind;
use crate::id::{CorrelationId, EventId, ExecutionId, NodeId, SessionId, StreamId};
use crate::time::Timestamp;

/// An event that may lack its id and its time. Fields that no event has are refused.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "EventDraft")]
pub struct Draft {
    /// Its id; absent: a fresh one. The same id again stores nothing new: give it, then the call can be repeated.
    #[serde(default)]
    pub id: Option<EventId>,
    /// The event type.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The line of work.
    pub stream_id: StreamId,
    /// The step inside the stream's graph.
    #[serde(default)]
    pub node_id: Option<NodeId>,
    /// The run.
    #[serde(default)]
    pub execution_id: Option<ExecutionId>,
    /// The id that ties the execution to others.
    #[serde(default)]
    pub correlation_id: Option<CorrelationId>,
    /// The conversation.
    #[serde(default)]
    pub session_id: Option<SessionId>,
    /// The producer's try at the execution, from 1.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The payload. A type of the catalogue has the fields of the catalogue.
    pub data: Data,
    /// When it happened; absent: now.
    #[serde(default)]
    pub timestamp: Option<Timestamp>,
}

/// A JSON object, kept as its publisher wrote it.
#[derive(Debug, Clone)]
pub struct Data(Arc<RawValue>);

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        if text.get().starts_with('{') {
            Ok(Self(text.into()))
        } else {
            Err(serde::de::Error::custom("must be an object"))
        }
    }
}

impl JsonSchema for Data {
    fn schema_name() -> Cow<'static, str> {
        "EventData".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object" })
    }
}

impl Draft {
    /// The event, with a fresh id and the time `now` where it has none.
    #[must_use]
    pub fn into_event(self, now: Timestamp) -> Event {
        Event {
            id: self.id.unwrap_or_else(EventId::generate),
            kind: self.kind,
            stream_id: self.stream_id,
            node_id: self.node_id,
            execution_id: self.execution_id,
            correlation_id: self.correlation_id,
            session_id: self.session_id,
            attempt: self.attempt,
            data: self.data.0,
            timestamp: self.timestamp.unwrap_or(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn missing_fields_are_filled_in_and_present_ones_are_kept() {
        let now = Timestamp::from_micros(7);
        let draft: Draft =
            serde_json::from_str(r#"{"type":"custom","stream_id":"s","data":{ "n": 1e2 }}"#).unwrap();
        let (one, other) = (draft.clone().into_event(now), draft.into_event(now));
        assert_eq!((one.timestamp, one.data.get()), (now, r#"{ "n": 1e2 }"#));
        assert_ne!(one.id, other.id);
        for wrong in [
            r#"{"type":"custom","stream_id":"s"}"#,
            r#"{"type":"custom","stream_id":"s","data":[]}"#,
            r#"{"type":"custom","stream_id":"s","data":null}"#,
            r#"{"type":"custom","stream_id":"","data":{}}"#,
            r#"{"type":"custom","data":{}}"#,
            r#"{"stream_id":"s","data":{}}"#,
            r#"{"type":"custom","stream_id":"s","data":{},"seq":1}"#,
        ] {
            serde_json::from_str::<Draft>(wrong).unwrap_err();
        }
    }

    proptest! {
        /// A reader can hand in a delivered event again, as text or as a value.
        #[test]
        fn a_draft_of_an_event_makes_that_event(
            text in "[^\\p{Cc}.][^\\p{Cc}]{0,19}",
            node in proptest::option::of("[^\\p{Cc}.][^\\p{Cc}]{0,19}"),
            attempt in proptest::option::of(any::<u32>()),
            micros in 0..4_000_000_000_000_000_i64,
            n in any::<i64>(),
        ) {
            let event = Event {
                id: EventId::generate(),
                kind: Kind::Custom,
                stream_id: StreamId::new(&text).unwrap(),
                node_id: node.map(|id| NodeId::new(id).unwrap()),
                execution_id: Some(ExecutionId::new(&text).unwrap()),
                correlation_id: None,
                session_id: Some(SessionId::new(&text).unwrap()),
                attempt,
                data: Arc::from(serde_json::value::to_raw_value(&json!({ "n": n, "text": text })).unwrap()),
                timestamp: Timestamp::from_micros(micros),
            };
            let line = event.encode().unwrap();
            let draft: Draft = serde_json::from_slice(&line).unwrap();
            let value: Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(&serde_json::from_value::<Draft>(value).unwrap(), &draft);
            prop_assert_eq!(draft.into_event(Timestamp::default()), event);
        }
    }
}
