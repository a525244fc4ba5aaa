//! One `events` message: events of one subscription, each in the form that was made once for all clients.

use axum::extract::ws::Message as Frame;
use serde_json::Value;

use super::encoding::{self, Encoding};
use super::text::Text;

/// A message that grows.
#[derive(Debug)]
pub struct Events {
    form: Form,
    count: u16,
}

/// It is made in its form from the beginning: JSON of texts, CBOR of bytes.
#[derive(Debug)]
enum Form {
    Json(String),
    /// With the place where the events begin.
    Cbor(Vec<u8>, usize),
}

/// Bytes around an event and the subscription's id, about.
const AROUND: usize = 48;
/// CBOR: a map of three fields.
const MAP: u8 = 0xa3;
/// CBOR: a list whose length follows in two bytes.
const LIST: u8 = 0x99;

impl Events {
    /// For the subscription with this id; `first` is about as long as the events to add.
    #[must_use]
    pub fn begin(encoding: Encoding, id: &str, first: &Text) -> Self {
        // One event is what most messages have.
        let size = AROUND + id.len() + first.json().len();
        let form = match encoding {
            Encoding::Json => {
                let mut json = String::with_capacity(size);
                json.push_str("{\"type\":\"events\",\"sub\":");
                json.push_str(&Value::from(id).to_string());
                json.push_str(",\"events\":[");
                Form::Json(json)
            }
            Encoding::Cbor => {
                let mut bytes = Vec::with_capacity(size);
                bytes.push(MAP);
                for text in ["type", "events", "sub", id, "events"] {
                    encoding::text(text, &mut bytes);
                }
                bytes.extend_from_slice(&[LIST, 0, 0]);
                let begin = bytes.len();
                Form::Cbor(bytes, begin)
            }
        };
        Self { form, count: 0 }
    }

    /// Adds an event; 65,535 at most are counted.
    pub fn add(&mut self, event: &Text) {
        match &mut self.form {
            Form::Json(json) => {
                if self.count > 0 {
                    json.push(',');
                }
                json.push_str(event.json());
            }
            Form::Cbor(bytes, _) => bytes.extend_from_slice(event.cbor()),
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
        match &self.form {
            Form::Json(json) => json.len(),
            Form::Cbor(bytes, _) => bytes.len(),
        }
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Frame {
        match self.form {
            Form::Json(mut json) => {
                json.push_str("]}");
                Frame::Text(json.into())
            }
            Form::Cbor(mut bytes, begin) => {
                bytes[begin - 2..begin].copy_from_slice(&self.count.to_be_bytes());
                Frame::Binary(bytes.into())
            }
        }
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

    proptest! {
        #[test]
        fn both_forms_decode_to_the_same(id in ".{1,20}", data in prop::collection::vec(cbor::tests::value(), 0..5)) {
            let texts: Vec<Text> = data
                .iter()
                .map(|data| Text::new(None, "custom", &[&json!({ "data": data }).to_string()]))
                .collect();
            let [json, cbor] = [Encoding::Json, Encoding::Cbor].map(|encoding| {
                let mut events = Events::begin(encoding, &id, &Text::new(None, "custom", &[]));
                texts.iter().for_each(|text| events.add(text));
                assert_eq!(events.count(), texts.len());
                value(&events.finish())
            });
            prop_assert_eq!(&json, &cbor);
            prop_assert_eq!(json["events"].as_array().map(Vec::len), Some(texts.len()));
        }
    }
}
