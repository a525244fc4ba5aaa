//! The task that has an event writes it to waiting clients, and they send meanwhile: nothing is lost, doubled, or out of order, and
//! every message is whole.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use runbus::event::Source;
use runbus::event::family::model::TextDelta;
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use crate::backends;
use crate::client::{PATIENCE, config, gateway};

const EXECUTIONS: usize = 3;
const EVENTS: usize = 400;
const CLIENTS: usize = 6;

/// Reads until it has all events of all executions; `talks`: asks and answers all the time, `reads_late`: takes little at once.
async fn client(address: std::net::SocketAddr, talks: bool, reads_late: bool) -> Vec<Vec<usize>> {
    let socket = TcpSocket::new_v4().unwrap();
    if reads_late {
        socket.set_recv_buffer_size(4096).unwrap();
    }
    let stream = socket.connect(address).await.unwrap();
    let (socket, _) = client_async(format!("ws://{address}/v1/ws"), stream).await.unwrap();
    let (mut says, mut hears) = socket.split();
    for n in 0..EXECUTIONS {
        let filter = json!({ "stream_id": "s", "execution_id": format!("e{n}") });
        let subscribe = json!({ "type": "subscribe", "id": n.to_string(), "filter": filter, "since": "all", "coalesce": false });
        says.send(Message::text(subscribe.to_string())).await.unwrap();
    }
    let (mut found, mut pongs, mut asked) = (vec![Vec::new(); EXECUTIONS], 0, 0);
    while found.iter().any(|found| found.len() < EVENTS) || pongs < asked {
        let frame =
            tokio::time::timeout(PATIENCE, hears.next()).await.expect("nothing comes").unwrap().unwrap();
        let Message::Text(text) = frame else { continue };
        let message: Value = serde_json::from_str(&text).expect("messages are whole");
        match message["type"].as_str().unwrap() {
            "events" => {
                let sub: usize = message["sub"].as_str().unwrap().parse().unwrap();
                let numbers = message["events"].as_array().unwrap().iter();
                found[sub].extend(numbers.map(|event| {
                    let content = event["data"]["content"].as_str().unwrap();
                    content.trim_end_matches('x').parse::<usize>().unwrap()
                }));
                if talks && found[sub].len() % 3 == 0 {
                    says.send(Message::text(r#"{"type":"ping"}"#)).await.unwrap();
                    says.send(Message::Ping(vec![7; 100].into())).await.unwrap();
                    asked += 1;
                }
                if reads_late && found[sub].len() % 50 == 0 {
                    // So that the socket fills: the next step does not wait for it.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            "pong" => pongs += 1,
            "error" => panic!("{message}"),
            _ => {}
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_wait_and_speak_get_every_event_once_and_whole() {
    for backend in backends::all().await {
        let small = Config { socket_buffer_bytes: 4096, ..config() };
        let served = gateway(&backend, small).await;
        let readers: Vec<_> =
            (0..CLIENTS).map(|n| tokio::spawn(client(served.address, n % 2 == 0, n % 3 == 0))).collect();
        let mut writers = Vec::new();
        for n in 0..EXECUTIONS {
            let id = ExecutionId::new(format!("e{n}")).unwrap();
            let source = Source::execution(StreamId::new("s").unwrap(), id, Clock::System);
            let bus = backend.bus();
            writers.push(tokio::spawn(async move {
                for n in 0..EVENTS {
                    // One at a time: each finds its clients waiting.
                    let content = format!("{n}{}", "x".repeat(if n % 10 == 0 { 3000 } else { 10 }));
                    bus.publish(source.llm_text_delta(TextDelta { content, snapshot: None })).await.unwrap();
                }
            }));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let wanted: Vec<usize> = (0..EVENTS).collect();
        for reader in readers {
            for found in tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap() {
                assert_eq!(found, wanted, "{}", backend.name);
            }
        }
        served.drain.cancel();
        served.task.await.unwrap();
    }
}
