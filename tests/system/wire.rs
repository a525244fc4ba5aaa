//! CBOR beside JSON, and batches: a client gets the same values in any form.

use futures_util::{SinkExt, StreamExt};
use runbus::event::family::custom::Custom;
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::backends;
use crate::client::{Client, PATIENCE, config, gateway};

/// A client that speaks CBOR.
pub struct Binary(WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>);

impl Binary {
    pub async fn connect(address: std::net::SocketAddr, offered: &str) -> Self {
        let mut request = format!("ws://{address}/v1/ws").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
        let (socket, answer) = connect_async(request).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], "runbus.v1.cbor");
        Self(socket)
    }

    pub async fn say(&mut self, value: &Value) {
        let bytes = cbor4ii::serde::to_vec(Vec::new(), value).unwrap();
        self.0.send(Message::binary(bytes)).await.unwrap();
    }

    /// The next message, or the close code.
    pub async fn receive(&mut self) -> Result<Value, u16> {
        loop {
            match tokio::time::timeout(PATIENCE, self.0.next())
                .await
                .expect("nothing comes")
                .unwrap()
                .unwrap()
            {
                Message::Binary(bytes) => return Ok(cbor4ii::serde::from_slice(&bytes).unwrap()),
                Message::Close(frame) => return Err(frame.unwrap().code.into()),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

fn events(count: usize) -> Vec<Event> {
    let source =
        Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap(), Clock::System);
    let data = |n: usize| json!({ "n": n, "none": null, "text": "ü\n\"", "list": [1.5, -7, true, {}], "large": u64::MAX, "small": 5e-324 });
    (0..count).map(|n| source.custom(Custom(data(n).as_object().unwrap().clone()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_the_same_in_json_and_cbor_in_batches_of_any_size() {
    const EVENTS: usize = 300;
    for backend in backends::all().await {
        for answer in backend.bus().publish_batch(events(EVENTS)).await.unwrap() {
            answer.unwrap();
        }
        let served = gateway(&backend, config()).await;
        let mut text = Client::connect(served.address).await;
        text.subscribe(json!({ "execution_id": "e" }), json!("all")).await;
        let mut wanted = Vec::new();
        while wanted.len() < EVENTS {
            let message = text.message().await.unwrap();
            wanted.extend(message["events"].as_array().into_iter().flatten().cloned());
        }
        for batch in [1, 16, 256] {
            let mut client = Binary::connect(served.address, "runbus.v1, runbus.v1.cbor").await;
            let hello = client.receive().await.unwrap();
            assert_eq!(
                (&hello["type"], &hello["protocol"], &hello["limits"]["max_batch"]),
                (&json!("hello"), &json!("runbus.v1.cbor"), &json!(256))
            );
            let filter = json!({ "execution_id": "e" });
            let subscribe =
                json!({ "type": "subscribe", "id": "ü", "filter": filter, "since": "all", "batch": batch });
            client.say(&subscribe).await;
            let mut found = Vec::new();
            let mut largest = 0;
            while found.len() < EVENTS {
                let message = client.receive().await.unwrap();
                let events = message["events"].as_array().into_iter().flatten();
                let before = found.len();
                found.extend(events.cloned());
                largest = largest.max(found.len() - before);
                assert_eq!(message["sub"], "ü", "{message}");
            }
            assert_eq!(largest > 1, batch > 1, "{largest}");
            assert!(largest <= batch, "{largest}");
            assert_eq!(found, wanted);
        }
        served.drain.cancel();
        served.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_cbor_gets_a_typed_error_and_text_is_refused() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let mut client = Binary::connect(served.address, "runbus.v1.cbor").await;
    assert_eq!(client.receive().await.unwrap()["type"], "hello");
    for (bytes, code) in
        [(&b"\xff"[..], "invalid_cbor"), (b"\x01", "invalid_cbor"), (b"\xa0", "invalid_argument")]
    {
        client.0.send(Message::binary(bytes.to_vec())).await.unwrap();
        let answer = client.receive().await.unwrap();
        assert_eq!(
            (answer["type"].as_str(), answer["code"].as_str()),
            (Some("error"), Some(code)),
            "{answer}"
        );
    }
    client.say(&json!({ "type": "ping", "nonce": "7" })).await;
    assert_eq!(client.receive().await.unwrap(), json!({ "type": "pong", "nonce": "7" }));
    client.0.send(Message::text("{}")).await.unwrap();
    assert_eq!(client.receive().await, Err(4500));
}
