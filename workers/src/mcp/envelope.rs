//! Which call a message answers that is too large to keep: its top-level `id`, found while its bytes go by.

/// The longest id that is kept, in bytes.
const ID_BYTES: usize = 256;

/// A message that is being dropped.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    bytes: u64,
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The bytes of the current key or value at the top.
    token: Vec<u8>,
    is_id: bool,
    id: Option<Vec<u8>>,
}

impl Envelope {
    /// Bytes so far.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The id of the message, once all of it went by.
    pub(super) fn id(&self) -> Option<serde_json::Value> {
        let id: serde_json::Value = runbus::json::from_slice(self.id.as_ref()?).ok()?;
        (id.is_string() || id.is_number()).then_some(id)
    }

    /// The next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        bytes.iter().for_each(|byte| self.byte(*byte));
    }

    fn byte(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.end_of_value();
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => {
                self.is_id = self.token == b"\"id\"";
                self.token.clear();
            }
            b',' => self.end_of_value(),
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth == 1 && self.token.len() < ID_BYTES {
            self.token.push(byte);
        }
    }

    fn end_of_value(&mut self) {
        if self.depth != 1 {
            return;
        }
        if self.is_id {
            self.id = Some(std::mem::take(&mut self.token));
        }
        self.is_id = false;
        self.token.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn id(text: &str, pieces: usize) -> Option<Value> {
        let mut envelope = Envelope::default();
        text.as_bytes().chunks(pieces).for_each(|piece| envelope.feed(piece));
        assert_eq!(envelope.bytes(), text.len() as u64);
        envelope.id()
    }

    #[test]
    fn finds_the_id_at_the_top_only() {
        assert_eq!(id(r#"{"jsonrpc":"2.0","id":7,"result":{"id":8}}"#, 3), Some(json!(7)));
        assert_eq!(id(r#"{"result":{"id":8,"t":"\"id\":9,"}, "id" : "a\"b" }"#, 1), Some(json!("a\"b")));
        assert_eq!(id(r#"{"result":["id",{"id":1}],"method":"id"}"#, 5), None);
        assert_eq!(id(r#"{"id":null}"#, 5), None);
        assert_eq!(id("nonsense", 2), None);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!("id")),
            any::<i32>().prop_map(Value::from),
            "[\"\\\\{}:,id]{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("id|x|\\PC{1,3}", inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn finds_it_wherever_it_stands(value in values(), number in any::<i64>(), last in any::<bool>(), cut in 1usize..9) {
            let text = if last {
                format!(r#"{{"result":{value},"id":{number}}}"#)
            } else {
                format!(r#"{{"id":{number}, "result":{value}}}"#)
            };
            prop_assert_eq!(id(&text, cut), Some(json!(number)));
        }

        #[test]
        fn takes_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut envelope = Envelope::default();
            envelope.feed(&bytes);
            let _ = envelope.id();
        }
    }
}
