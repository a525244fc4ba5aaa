//! One `events` message: events of one subscription, each in the form that was made once for all clients.

use axum::extract::ws::Message as Frame;

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

/// Bytes around an event and the subscription's id, about.
const AROUND: usize = 48;
/// CBOR: a map of three fields.
const MAP: u8 = 0xa3;
/// CBOR: a list whose length follows in two bytes.
const LIST: u8 = 0x99;

impl Events {
    /// For the subscription with this id; `first` is about as long as what will be added.
    #[must_use]
    pub fn begin(dialect: Dialect, id: &str, first: &Text) -> Self {
        // One event is what most messages have.
        let mut bytes = Vec::with_capacity(AROUND + id.len() + first.json().len());
        match dialect {
            Dialect::Json => {
                bytes.extend_from_slice(b"{\"type\":\"events\",\"sub\":");
                // A text is always written to memory.
                let _ = serde_json::to_writer(&mut bytes, id);
                bytes.extend_from_slice(b",\"events\":[");
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
    use serde_json::{Value, json};

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
            let odd = Text::new(None, "custom", &[odd]);
            let mut events = Events::begin(Dialect::Cbor, "a", &odd);
            events.add(&odd);
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
                let mut events = Events::begin(dialect, &id, &Text::new(None, "custom", &[]));
                texts.iter().for_each(|text| events.add(text));
                assert_eq!(events.count(), texts.len());
                value(&events.finish())
            });
            prop_assert_eq!(&json, &cbor);
            prop_assert_eq!(json["events"].as_array().map(Vec::len), Some(texts.len()));
        }
    }
}
