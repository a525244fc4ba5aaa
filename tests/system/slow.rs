//! Readers that do not read, among others: bounded, counted, nobody waits for them, and they lose nothing.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::backends;
use crate::client::{PATIENCE, config, follow, gateway};
use crate::faults::{faulty, publish};
use crate::sse::http;

const EVENTS: usize = 600;
const SLOW: usize = 40;
const FAST: usize = 10;

/// A reader whose socket holds little.
async fn slow(address: SocketAddr, filter: &Value) -> WebSocketStream<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let (mut socket, _) = client_async(format!("ws://{address}/v1/ws"), stream).await.unwrap();
    let subscribe =
        json!({ "type": "subscribe", "id": "a", "filter": filter, "since": "all", "coalesce": false });
    socket.send(Message::text(subscribe.to_string())).await.unwrap();
    socket
}

/// The numbers of all events, once it reads.
async fn numbers(mut socket: WebSocketStream<TcpStream>) -> Vec<usize> {
    let mut found = Vec::new();
    while found.len() < EVENTS {
        let frame = tokio::time::timeout(PATIENCE, socket.next()).await.expect("nothing comes");
        match frame.expect("the slow client is kept").unwrap() {
            Message::Text(text) => {
                let message: Value = serde_json::from_str(&text).unwrap();
                found.extend(message["events"].as_array().into_iter().flatten().map(number));
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
    found
}

fn number(event: &Value) -> usize {
    event["data"]["content"].as_str().unwrap().parse().unwrap()
}

async fn here(http: &reqwest::Client, address: SocketAddr) -> Value {
    let answer = http.get(format!("http://{address}/v1/stats")).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["gateway"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_readers_are_bounded_and_counted_and_hold_up_no_other() {
    for backend in backends::all().await {
        let small = Config {
            hub_buffer_bytes: 65_536,
            client_buffer_bytes: 262_144,
            held_bytes: 1024 * 1024,
            socket_buffer_bytes: 4096,
            write_timeout_ms: 120_000,
            ..config()
        };
        let bound = small.held_bytes + (SLOW + FAST) * 2 * runbus_gateway::limits::LEAST_BYTES;
        let served = gateway(&backend, small).await;
        let (http, filter) = (http(), json!({ "execution_id": "e" }));
        let mut stuck = Vec::new();
        for _ in 0..SLOW {
            stuck.push(slow(served.address, &filter).await);
        }
        let fast: Vec<_> = (0..FAST)
            .map(|_| {
                let (address, filter) = ([served.address], filter.clone());
                tokio::spawn(async move {
                    let last = |event: &Value| number(event) == EVENTS - 1;
                    follow(&address, &filter, json!("all"), last).await.iter().map(number).collect::<Vec<_>>()
                })
            })
            .collect();
        let source =
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap(), Clock::System);
        let text = |n: usize| TextDelta { content: n.to_string(), snapshot: Some("x".repeat(4000)) };
        let events: Vec<Event> = (0..EVENTS).map(|n| source.llm_text_delta(text(n))).collect();
        for chunk in events.chunks(20) {
            for answer in backend.bus().publish_batch(chunk.to_vec()).await.unwrap() {
                answer.unwrap();
            }
            let held = here(&http, served.address).await["held_bytes"].as_u64().unwrap();
            assert!(usize::try_from(held).unwrap() <= bound, "{held} bytes are held");
        }
        let wanted: Vec<usize> = (0..EVENTS).collect();
        for reader in fast {
            assert_eq!(tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap(), wanted);
        }
        // All of them are stuck: the ring has moved on, and the bytes they hold are counted.
        let now = here(&http, served.address).await;
        assert!(now["held_bytes"].as_u64() > Some(0), "{} {now}", backend.name);
        assert_eq!(now["cut"], 0);
        let reading: Vec<_> = stuck.into_iter().map(|socket| tokio::spawn(numbers(socket))).collect();
        for reader in reading {
            assert_eq!(tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap(), wanted);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = here(&http, served.address).await;
            let gauges = [&now["held_bytes"], &now["behind"], &now["connections"]];
            if gauges.iter().all(|gauge| **gauge == 0) {
                assert!(now["spills"].as_u64() >= Some(SLOW as u64), "{now}");
                break;
            }
            assert!(Instant::now() < deadline, "gauges settle at zero: {now}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        served.drain.cancel();
        served.task.await.unwrap();
    }
}

/// Many readers that become writable at once read the log a few at a time: otherwise the fast ones would wait for all
/// of them.
#[tokio::test(flavor = "multi_thread")]
async fn few_slow_readers_read_the_log_at_a_time() {
    let (backend, log) = faulty();
    let small =
        Config { hub_buffer_bytes: 65_536, socket_buffer_bytes: 4096, write_timeout_ms: 120_000, ..config() };
    let most = small.history_reads / runbus_gateway::limits::SLOW_READS_SHARE;
    let served = gateway(&backend, small).await;
    let filter = json!({ "stream_id": "s", "execution_id": "e" });
    let mut stuck = Vec::new();
    for _ in 0..SLOW / 4 {
        stuck.push(slow(served.address, &filter).await);
    }
    for first in (0..EVENTS).step_by(20) {
        publish(&backend, first..first + 20, 4000).await;
    }
    // From then on they are slow.
    tokio::time::sleep(2 * runbus_gateway::limits::SLOW_WRITE).await;
    log.takes_its_time.store(true, Ordering::SeqCst);
    let reading: Vec<_> = stuck.into_iter().map(|socket| tokio::spawn(numbers(socket))).collect();
    for reader in reading {
        let found = tokio::time::timeout(PATIENCE, reader).await.unwrap().unwrap();
        assert_eq!(found, (0..EVENTS).collect::<Vec<_>>());
    }
    let found = log.most_small.load(Ordering::SeqCst);
    assert!((1..=most).contains(&found), "{found} at a time, at most {most} may be");
}
