//! How messages are written: which subprotocol a client chose.

use axum::extract::ws::Message as Frame;
use bytes::Bytes;
use serde_json::Value;

use super::cbor;
use super::client::{Invalid, Message};

/// The same messages in two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Text messages, JSON.
    #[default]
    Json,
    /// Binary messages, CBOR.
    Cbor,
}

impl Encoding {
    /// All; of those that a client offers it gets the first.
    pub const ALL: [Self; 2] = [Self::Cbor, Self::Json];

    /// The subprotocol's name.
    #[must_use]
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "runbus.v1",
            Self::Cbor => "runbus.v1.cbor",
        }
    }

    /// The one of a subprotocol; JSON when none was chosen.
    #[must_use]
    pub fn of(subprotocol: Option<&[u8]>) -> Self {
        let named = |encoding: &Self| subprotocol == Some(encoding.subprotocol().as_bytes());
        Self::ALL.into_iter().find(named).unwrap_or_default()
    }

    /// A message of the gateway on its way out.
    #[must_use]
    pub fn frame(self, json: String) -> Frame {
        match self {
            Self::Json => Frame::Text(json.into()),
            Self::Cbor => Frame::Binary(transcode(&json)),
        }
    }

    /// A message of a client; `None`: it has the form of another encoding.
    #[must_use]
    pub fn read(self, frame: &Frame) -> Option<Result<Message, Invalid>> {
        match (self, frame) {
            (Self::Json, Frame::Text(text)) => Some(Message::decode(text)),
            (Self::Cbor, Frame::Binary(bytes)) => {
                let read = cbor::decode(bytes).map_err(Invalid::Cbor).and_then(Message::read);
                Some(read.map_err(|invalid| match invalid {
                    Invalid::Json(reason) => Invalid::Cbor(reason),
                    other => other,
                }))
            }
            _ => None,
        }
    }
}

/// JSON in CBOR. Every event can be read: `runbus::event::SoundLine` ensures that before a text of it exists. The gateway's own
/// messages are JSON that it wrote itself; if no parser takes one, it becomes a text, with the reason.
pub(super) fn transcode(json: &str) -> Bytes {
    let value = runbus::json::from_str(json).unwrap_or_else(|error| {
        tracing::error!(%error, "a message cannot be read again");
        serde_json::json!({ "type": "undecodable", "line": json, "reason": error.to_string() })
    });
    Bytes::from(cbor::encode(&value))
}

/// The text of a value as it is for keys and short texts.
pub(super) fn text(text: &str, into: &mut Vec<u8>) {
    cbor::write(&Value::from(text), into);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runbus::log::{Cursor, Epoch, Gap, GapReason, Place, Sequence};
    use runbus::subject::Shard;
    use runbus::time::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::protocol::server;

    fn value(frame: &Frame) -> Value {
        match frame {
            Frame::Text(text) => serde_json::from_str(text).unwrap(),
            Frame::Binary(bytes) => cbor::decode(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn place(sequence: u64) -> Place {
        Place::after(Epoch(7), Sequence(sequence))
    }

    prop_compose! {
        /// Every message of the gateway but `events`, which has a test of its own.
        fn said()(text in ".{0,20}", code in "[a-z_]{1,12}", data in cbor::tests::value(), n in any::<u32>()) -> Vec<String> {
            let cursor = Cursor::start().with(Shard(3), place(u64::from(n)));
            let gap = Gap {
                shard: Shard(1),
                requested: place(u64::from(n)),
                epoch: Epoch(7),
                first_available: Sequence(u64::from(n) + 2),
                reason: GapReason::Expired,
            };
            vec![
                server::hello(&Config::default(), Encoding::Cbor, &text),
                server::auth_ok(None),
                server::auth_ok(Some(Timestamp::default())),
                server::subscribed(&text, None),
                server::subscribed(&text, Some(&cursor)),
                server::unsubscribed(&text),
                server::pong(None),
                server::pong(Some(&text)),
                server::error(&code, &text, Some("a.b"), Some("id")),
                server::error(&code, &text, None, None),
                server::ok(&text, json!({ "data": data })),
                server::about(&text, server::gap(&gap).json()),
                server::about(&text, server::caught_up().json()),
            ]
        }
    }

    proptest! {
        #[test]
        fn gateway_messages_are_the_same_in_both(said in said()) {
            for json in said {
                let [text, binary] = [Encoding::Json, Encoding::Cbor].map(|encoding| encoding.frame(json.clone()));
                prop_assert_eq!(value(&text), value(&binary));
            }
        }

        #[test]
        fn client_messages_are_the_same_in_both(id in ".{0,70}", name in "[a-z]{1,8}", data in cbor::tests::value(), batch in 0..300_u32) {
            let cursor = Cursor::start().with(Shard(3), place(9));
            for message in [
                json!({ "type": "subscribe", "id": id, "batch": batch }),
                json!({ "type": "subscribe", "id": id, "filter": { "stream_id": name, "types": [name] }, "since": { "cursor": cursor } }),
                json!({ "type": "subscribe", "id": id, "filter": data }),
                json!({ "type": "unsubscribe", "id": id }),
                json!({ "type": "auth", "token": name }),
                json!({ "type": "ping" }),
                json!({ "type": "ping", "nonce": id }),
                json!({ "type": "start", "id": id, "definition": name, "input": data }),
                json!({ "type": "send", "id": id, "session_id": name, "content": data }),
                json!({ "type": "resume", "id": id, "session_id": name }),
                json!({ "type": "abort_pending", "id": id, "session_id": name, "reason": id }),
                json!({ "type": "close", "id": id, "session_id": name, "cascade": true }),
                json!({ "type": "cancel", "id": id, "execution_id": name }),
                json!({ "type": "pause", "id": id, "execution_id": name }),
                json!({ "type": "unpause", "id": id, "execution_id": name }),
                json!({ "type": "decide", "id": id, "approval_id": name, "approved": true }),
                json!({ "type": "answer", "id": id, "request_id": name, "input": data }),
                json!({ "type": "publish", "id": id, "events": [{ "type": name, "stream_id": name, "data": { "n": data } }] }),
                json!({ "type": "publish", "id": id, "events": [{ "type": name, "stream_id": id, "data": data }, data] }),
                json!({ "type": name, "id": id }),
                data,
            ] {
                // As JSON says it: numbers may lose what no parser keeps.
                let message: Value = serde_json::from_str(&message.to_string()).unwrap();
                let json = Encoding::Json.read(&Frame::Text(message.to_string().into()));
                let cbor = Encoding::Cbor.read(&Frame::Binary(cbor::encode(&message).into()));
                let [json, cbor] = [json, cbor].map(|read| read.unwrap().map_err(|error| error.to_string()));
                prop_assert_eq!(json, cbor);
            }
        }
    }

    #[test]
    fn an_encoding_has_one_kind_of_messages() {
        assert_eq!(Encoding::of(None), Encoding::Json);
        assert_eq!(Encoding::of(Some(b"runbus.v1.cbor")), Encoding::Cbor);
        assert_eq!(Encoding::Json.read(&Frame::Binary(Bytes::from_static(b"\xa0"))), None);
        assert_eq!(Encoding::Cbor.read(&Frame::Text("{}".into())), None);
        let wrong = Encoding::Cbor.read(&Frame::Binary(Bytes::from_static(b"\xff"))).unwrap().unwrap_err();
        assert_eq!(wrong.code(), "invalid_cbor");
    }
}
