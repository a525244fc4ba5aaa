//! A rolling restart of two gateways under two thousand clients: asked to leave over a window, they come back elsewhere, and
//! none loses or doubles an event.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use runbus::event::family::execution::Cancelled;
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_tungstenite::connect_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::backends;
use crate::client::{PATIENCE, Served, config, gateway, is_terminal};
use crate::sse::http;

const CLIENTS: usize = 2000;
/// Every so many clients one reads an event stream, the others WebSockets.
const STREAMS: usize = 8;
const EXECUTIONS: usize = 40;
const WINDOW: Duration = Duration::from_millis(1500);

/// The shared state of all clients.
#[derive(Default)]
struct Seen {
    /// Clients that have had an event.
    begun: AtomicUsize,
    /// Times at which clients were asked to leave.
    told: std::sync::Mutex<Vec<Instant>>,
    /// Connections that ended otherwise.
    broken: AtomicUsize,
}

/// How a connection ended.
enum End {
    Terminal,
    Told,
    Broken,
}

struct Reader {
    execution: String,
    since: Option<String>,
    numbers: Vec<usize>,
    seen: Arc<Seen>,
}

impl Reader {
    /// Takes an event; whether it was the last.
    fn take(&mut self, event: &Value) -> bool {
        self.since = Some(event["cursor"].as_str().unwrap().to_owned());
        if is_terminal(event) {
            return true;
        }
        if self.numbers.is_empty() {
            self.seen.begun.fetch_add(1, Ordering::Relaxed);
        }
        self.numbers.push(event["data"]["content"].as_str().unwrap().parse().unwrap());
        false
    }

    async fn run(mut self, gateways: [SocketAddr; 2], number: usize, http: reqwest::Client) -> Vec<usize> {
        for address in gateways.iter().cycle().skip(number / EXECUTIONS) {
            let end = if number.is_multiple_of(STREAMS) {
                self.stream(*address, &http).await
            } else {
                self.socket(*address).await
            };
            match end {
                Some(End::Terminal) => break,
                Some(End::Told) => self.seen.told.lock().unwrap().push(Instant::now()),
                Some(End::Broken) => _ = self.seen.broken.fetch_add(1, Ordering::Relaxed),
                // It is not there, drains, or its log is busy: the other one.
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        self.numbers
    }

    async fn socket(&mut self, address: SocketAddr) -> Option<End> {
        let small = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(1024);
        let connecting = connect_async_with_config(format!("ws://{address}/v1/ws"), Some(small), true);
        let (mut socket, _) = connecting.await.ok()?;
        let since = self.since.as_ref().map_or(json!("all"), |cursor| json!({ "cursor": cursor }));
        let filter = json!({ "stream_id": "s", "execution_id": self.execution });
        let subscribe =
            json!({ "type": "subscribe", "id": "a", "filter": filter, "since": since, "coalesce": false });
        socket.send(Message::text(subscribe.to_string())).await.ok()?;
        loop {
            match tokio::time::timeout(PATIENCE, socket.next()).await.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    match message["type"].as_str().unwrap() {
                        "events" => {
                            if message["events"].as_array().unwrap().iter().any(|event| self.take(event)) {
                                return Some(End::Terminal);
                            }
                        }
                        "hello" | "subscribed" | "caught_up" => {}
                        "error" if message["code"] == "unavailable" => return None,
                        _ => panic!("{message}"),
                    }
                }
                Some(Ok(Message::Close(Some(frame)))) if u16::from(frame.code) == 4000 => {
                    return Some(End::Told);
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(_) | None => return Some(End::Broken),
            }
        }
    }

    async fn stream(&mut self, address: SocketAddr, http: &reqwest::Client) -> Option<End> {
        let path = format!("/v1/executions/{}/events/stream?stream_id=s&since=all", self.execution);
        let mut request = http.get(format!("http://{address}{path}"));
        if let Some(cursor) = &self.since {
            request = request.header("last-event-id", cursor);
        }
        let answer = request.send().await.ok()?;
        if answer.status() != 200 {
            return None;
        }
        let (mut body, mut text) = (answer.bytes_stream(), String::new());
        let mut told = false;
        while let Some(piece) = tokio::time::timeout(PATIENCE, body.next()).await.expect("nothing comes") {
            let Ok(piece) = piece else { return Some(End::Broken) };
            text.push_str(std::str::from_utf8(&piece).unwrap());
            while let Some(end) = text.find("\n\n") {
                let frame: String = text.drain(..end + 2).collect();
                told |= frame.starts_with(": the gateway drains\nretry: ");
                let data = frame.lines().find_map(|line| line.strip_prefix("data: "));
                let event: Value = data.map(|data| serde_json::from_str(data).unwrap()).unwrap_or_default();
                if event["seq"].is_u64() && self.take(&event) {
                    return Some(End::Terminal);
                }
            }
        }
        Some(if told { End::Told } else { End::Broken })
    }
}

fn source(execution: usize) -> Source {
    let id = ExecutionId::new(format!("e{execution}")).unwrap();
    Source::execution(StreamId::new("s").unwrap(), id, Clock::System)
}

async fn publish(bus: &runbus::bus::Bus, event: impl Fn(Source) -> Event) {
    let events = (0..EXECUTIONS).map(|execution| event(source(execution))).collect();
    for answer in bus.publish_batch(events).await.unwrap() {
        answer.unwrap();
    }
}

/// The status of `/readyz`.
async fn ready(http: &reqwest::Client, address: SocketAddr) -> Option<u16> {
    let answer = http.get(format!("http://{address}/readyz")).send().await.ok()?;
    Some(answer.status().as_u16())
}

/// A free address that nobody gets for a connection of theirs while its gateway is away: its port is below those that the
/// system gives.
fn kept_address(number: u16) -> SocketAddr {
    let first = 12_000 + 2 * (u16::try_from(std::process::id() % 4000).unwrap()) + number;
    let mut ports = (first..32_000).step_by(2);
    loop {
        let address = SocketAddr::from(([127, 0, 0, 1], ports.next().expect("a port is free")));
        if std::net::TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

/// Drains a gateway and brings it back on its address.
async fn restart(
    served: Served,
    config: &Config,
    backend: &backends::Backend,
    http: &reqwest::Client,
) -> Served {
    let address = served.address;
    assert_eq!(ready(http, address).await, Some(200));
    served.drain.cancel();
    assert_eq!(ready(http, address).await, Some(503), "a draining gateway is not ready, and says so");
    tokio::time::timeout(PATIENCE, served.task).await.expect("it ends").unwrap();
    let again = gateway(backend, Config { listen: address, ..config.clone() }).await;
    assert_eq!((again.address, ready(http, address).await), (address, Some(200)));
    again
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_clients_lose_nothing_while_both_gateways_restart() {
    let backend = backends::nats_and_redis().await;
    let config = Config { drain_window_ms: 1500, ..config() };
    assert_eq!(config.drain_window(), WINDOW);
    let fixed = |address| Config { listen: address, ..config.clone() };
    let one = gateway(&backend, fixed(kept_address(0))).await;
    let two = gateway(&backend, fixed(kept_address(1))).await;
    let gateways = [one.address, two.address];
    let (http, seen) = (http(), Arc::new(Seen::default()));
    let readers: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let execution = format!("e{}", number % EXECUTIONS);
            let reader = Reader { execution, since: None, numbers: Vec::new(), seen: seen.clone() };
            tokio::spawn(reader.run(gateways, number, http.clone()))
        })
        .collect();
    let (stop, stopped) = watch::channel(false);
    let publisher = {
        let bus = backend.bus();
        tokio::spawn(async move {
            let mut published = 0;
            while !*stopped.borrow() {
                publish(&bus, |source| {
                    source.llm_text_delta(TextDelta { content: published.to_string(), snapshot: None })
                })
                .await;
                published += 1;
                tokio::time::sleep(Duration::from_millis(60)).await;
            }
            publish(&bus, |source| source.execution_cancelled(Cancelled { reason: None })).await;
            published
        })
    };
    let deadline = Instant::now() + 2 * PATIENCE;
    while seen.begun.load(Ordering::Relaxed) < CLIENTS {
        assert!(Instant::now() < deadline, "{} clients have begun", seen.begun.load(Ordering::Relaxed));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let one = restart(one, &config, &backend, &http).await;
    let first = std::mem::take(&mut *seen.told.lock().unwrap());
    let two = restart(two, &config, &backend, &http).await;
    let second = std::mem::take(&mut *seen.told.lock().unwrap());
    stop.send(true).unwrap();
    let published = publisher.await.unwrap();
    for (number, reader) in readers.into_iter().enumerate() {
        let numbers = tokio::time::timeout(2 * PATIENCE, reader).await.expect("a client ends").unwrap();
        let wrong = numbers.iter().zip(0..).find(|(found, wanted)| **found != *wanted);
        assert_eq!((wrong, numbers.len()), (None, published), "client {number}");
    }
    // Told, each of them, and not all at once.
    assert_eq!(seen.broken.load(Ordering::Relaxed), 0, "connections broke");
    assert_eq!((first.len(), second.len()), (CLIENTS / 2, CLIENTS));
    for told in [first, second] {
        let spread = *told.iter().max().unwrap() - *told.iter().min().unwrap();
        assert!(spread > WINDOW / 2, "{spread:?}");
    }
    for served in [one, two] {
        served.drain.cancel();
        served.task.await.unwrap();
    }
}
