//! Events of a client, over REST or the WebSocket.

use std::fmt;

use runbus::event::Draft;
use runbus::json::{self, object};
use schemars::JsonSchema;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::limits;

/// Events to publish, in order.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PublishRequest")]
pub struct Publish {
    /// Each may lack `id` and `timestamp`.
    #[serde(deserialize_with = "drafts")]
    #[schemars(length(min = 1, max = limits::PUBLISH_EVENTS))]
    pub events: Vec<Draft>,
}

impl Publish {
    /// Takes payloads as they stand in the text that this was read from: a number that has no place in a float stays what it
    /// was.
    pub(super) fn keep(&mut self, text: &str) {
        /// The events alone.
        #[derive(Deserialize)]
        struct Raw {
            #[serde(deserialize_with = "drafts")]
            events: Vec<Draft>,
        }
        if let Ok(Raw { events }) = json::from_str(text) {
            self.events = events;
        }
    }
}

struct One(Draft);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object::only(deserializer).map(Self)
    }
}

struct Drafts;

impl<'de> Visitor<'de> for Drafts {
    type Value = Vec<Draft>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Draft>, A::Error> {
        let mut events = Vec::new();
        while let Some(One(event)) = list.next_element()? {
            events.push(event);
            if events.len() > limits::PUBLISH_EVENTS {
                break;
            }
        }
        if (1..=limits::PUBLISH_EVENTS).contains(&events.len()) {
            Ok(events)
        } else {
            Err(A::Error::custom(format!("1 to {} events are needed", limits::PUBLISH_EVENTS)))
        }
    }
}

fn drafts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Draft>, D::Error> {
    deserializer.deserialize_seq(Drafts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn there_are_some_events_and_not_too_many() {
        let read = |count: usize| {
            let event = json!({ "type": "custom", "stream_id": "s", "data": {} });
            serde_json::from_value::<Publish>(json!({ "events": vec![event; count] }))
        };
        assert_eq!(read(limits::PUBLISH_EVENTS).unwrap().events.len(), limits::PUBLISH_EVENTS);
        for count in [0, limits::PUBLISH_EVENTS + 1] {
            let error = read(count).unwrap_err().to_string();
            assert!(error.starts_with("1 to 1000 events are needed"), "{error}");
        }
        // A list, field by field, is no event.
        serde_json::from_str::<Publish>(
            r#"{"events":[[null,"custom","s",null,null,null,null,null,{},null]]}"#,
        )
        .unwrap_err();
    }
}
