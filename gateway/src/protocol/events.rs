//! One `events` message: events of one subscription, each in the form that was made once for all clients.

use axum::extract::ws::Message as Frame;
use serde_json::Value;

use super::dialect::{self, Dialect};
use super::text::Text;

/// A message that grows.
#[derive(Debug)]
pub struct Events {
    dialect: Dialect,
    bytes: Vec<u8>,
    /// Where the events begin.
    begin: usize,
    count: u16,
}

/// CBOR: a map of three fields.
const MAP: u8 = 0xa3;
/// CBOR: a list whose length follows in two bytes.
const LIST: u8 = 0x99;

impl Events {
    /// For the subscription with this id.
    #[must_use]
    pub fn begin(dialect: Dialect, id: &str) -> Self {
        let mut bytes = Vec::new();
        match dialect {
            Dialect::Json => {
                let id = Value::from(id);
                bytes
                    .extend_from_slice(format!("{{\"type\":\"events\",\"sub\":{id},\"events\":[").as_bytes());
            }
            Dialect::Cbor => {
                bytes.push(MAP);
                for text in ["type", "events", "sub", id, "events"] {
                    dialect::text(text, &mut bytes);
                }
                bytes.extend_from_slice(&[LIST, 0, 0]);
            }
        }
        Self { dialect, begin: bytes.len(), bytes, count: 0 }
    }

    /// Adds an event; 65,535 at most are counted.
    pub fn add(&mut self, event: &Text) {
        match self.dialect {
            Dialect::Json => {
                if self.count > 0 {
                    self.bytes.push(b',');
                }
                self.bytes.extend_from_slice(event.json());
            }
            Dialect::Cbor => self.bytes.extend_from_slice(event.cbor()),
        }
        self.count = self.count.saturating_add(1);
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// The message's size so far.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The message.
    #[must_use]
    pub fn finish(mut self) -> Frame {
        match self.dialect {
            Dialect::Json => self.bytes.extend_from_slice(b"]}"),
            Dialect::Cbor => {
                self.bytes[self.begin - 2..self.begin].copy_from_slice(&self.count.to_be_bytes())
            }
        }
        self.dialect.finished(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::protocol::cbor;

    fn value(frame: &Frame) -> Value {
        match frame {
            Frame::Text(text) => serde_json::from_str(text).unwrap(),
            Frame::Binary(bytes) => cbor::decode(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_parsers_refuse_does_not_break_the_message() {
        for odd in [&br#"{"type":"custom","data":1e999}"#[..], br#"{"type":"custom","data":"\ud800"}"#] {
            let mut events = Events::begin(Dialect::Cbor, "a");
            events.add(&Text::new(None, "custom", &[odd]));
            events.add(&Text::new(None, "custom", &[br#"{"type":"custom"}"#]));
            let message = value(&events.finish());
            assert_eq!(message["events"][0]["type"], "undecodable", "{message}");
            assert_eq!(message["events"][1], json!({ "type": "custom" }));
        }
    }

    proptest! {
        #[test]
        fn both_forms_decode_to_the_same(id in ".{1,20}", data in prop::collection::vec(cbor::tests::value(), 0..5)) {
            let texts: Vec<Text> = data
                .iter()
                .map(|data| Text::new(None, "custom", &[json!({ "data": data }).to_string().as_bytes()]))
                .collect();
            let [json, cbor] = [Dialect::Json, Dialect::Cbor].map(|dialect| {
                let mut events = Events::begin(dialect, &id);
                texts.iter().for_each(|text| events.add(text));
                assert_eq!(events.count(), texts.len());
                value(&events.finish())
            });
            prop_assert_eq!(&json, &cbor);
            prop_assert_eq!(json["events"].as_array().map(Vec::len), Some(texts.len()));
        }
    }
}
