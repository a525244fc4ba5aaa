//! Events of a client, over REST or the WebSocket.

use std::borrow::Cow;
use std::fmt;

use runbus::event::{Draft, SoundLine};
use runbus::id::EventId;
use runbus::json::{self, object};
use runbus::telemetry;
use schemars::JsonSchema;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::command::{Action, Command};
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

/// Events that are durable.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Published")]
pub struct Published {
    /// In the order in which they were given.
    pub events: Vec<Stored>,
}

/// An event that is durable.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoredEvent")]
pub struct Stored {
    /// Its id, made by the gateway if it had none.
    pub(crate) id: EventId,
    /// Its `seq`, as readers see it. An event that was there already has the one that it had.
    pub(crate) seq: u64,
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

/// A command to publish as it stands in a text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<'t> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'t, str>,
    id: String,
    #[serde(borrow, default)]
    traceparent: Said<'t>,
    #[serde(borrow, default)]
    tracestate: Said<'t>,
    #[serde(deserialize_with = "drafts")]
    events: Vec<Draft>,
}

/// A text, where there is one.
#[derive(Default)]
struct Said<'t>(Option<Cow<'t, str>>);

impl<'de: 't, 't> Deserialize<'de> for Said<'t> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::deserialize(deserializer).map(|text| Self(Some(text)))
    }
}

/// Reads a command to publish in one pass; `None`: it is something else, or [`super::client::Message::read`] may find a fault in it.
pub(super) fn command(text: &str) -> Option<Command> {
    // The name stands in every such command. It may stand in others too.
    memchr::memmem::find(text.as_bytes(), br#""publish""#)?;
    // Payloads are not read here: some that are text to this parser are none to the other one.
    if !SoundLine::is_plain(text) {
        return None;
    }
    let Whole { kind, id, traceparent, tracestate, events } = json::from_str(text).ok()?;
    if kind != "publish" || id.is_empty() || id.len() > limits::SUBSCRIPTION_ID_BYTES {
        return None;
    }
    let trace = telemetry::read(traceparent.0.as_deref(), tracestate.0.as_deref());
    Some(Command { id, action: Action::Publish(Publish { events }), trace })
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::protocol::client::Message;

    proptest! {
        /// The quick way refuses nothing by itself, and reads what the slow one reads.
        #[test]
        fn both_ways_to_read_a_command_agree(
            kind in "publish|start|p",
            id in "[a-z]{0,2}|[a-z]{65}",
            trace in prop::option::of(r#""00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"|"x"|7|null"#),
            state in prop::option::of(r#""a=b"|[]|null"#),
            data in r#"\{"a":(1|1e999|-1E9|"\\ud800"|"\\ud83d\\ude00"|[[]]|1{400})\}|\[\]|\{"\$serde_json::private::RawValue":"1"\}"#,
            more in r#"|,"id":"b"|,"colour":1|,"events":\[\]"#,
            event in r#"|,"id":7|,"node_id":"n"|,"node_id":null|,"stream_id":"t""#,
        ) {
            let mut text = format!(r#"{{"type":"{kind}","id":"{id}","events":[{{"type":"custom","stream_id":"s"{event},"data":{data}}}]{more}"#);
            for (name, value) in [("traceparent", trace), ("tracestate", state)] {
                if let Some(value) = value {
                    text += &format!(r#","{name}":{value}"#);
                }
            }
            text.push('}');
            if let Some(command) = command(&text) {
                prop_assert_eq!(Ok(Message::Command(Box::new(command))), Message::decode_in_steps(&text), "{}", text);
            }
        }
    }

    #[test]
    fn a_plain_command_is_read_the_quick_way() {
        let text = r#"{"events":[{"data":{ "n": 1.50 },"stream_id":"s","type":"custom"}],"id":"7","type":"publish"}"#;
        assert!(command(text).is_some());
        assert_eq!(Message::decode(text), Message::decode_in_steps(text));
        assert!(command(&text.replace("1.50", "1.5e1")).is_none(), "only the slow way judges an exponent");
    }

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
