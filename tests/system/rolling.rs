//! A rolling restart of two gateways under two thousand clients: asked to leave over a window, they come back elsewhere, and
//! none loses or doubles an event.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
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
use crate::client::{PATIENCE, Served, config, gateway, is_terminal, until, until_within};
use crate::sse::http;
use crate::telemetry::process::free;

const CLIENTS: usize = 2000;
/// Every so many clients one reads an event stream, the others WebSockets.
const STREAMS: usize = 8;
const EXECUTIONS: usize = 40;
/// Long enough for two thousand clients to move on a busy machine.
const WINDOW: Duration = Duration::from_secs(6);

/// The shared state of all clients.
struct Seen {
    /// The port of the gateway that a client has had events from since it was asked to leave, by its number; 0: none yet.
    homes: Vec<AtomicU16>,
    /// The clients that were asked to leave: number, time, and the port of the gateway that asked.
    told: std::sync::Mutex<Vec<(usize, Instant, u16)>>,
    /// Connections that ended otherwise.
    broken: AtomicUsize,
}

impl Seen {
    /// The clients that have had events from a gateway.
    fn of(&self, gateway: &Served) -> BTreeSet<usize> {
        let port = gateway.address.port();
        (0..CLIENTS).filter(|number| self.homes[*number].load(Ordering::Relaxed) == port).collect()
    }

    /// Waits until each client has events from one of the gateways.
    async fn settles(&self) {
        until_within(2 * PATIENCE, "an event for each client", async || {
            self.homes.iter().all(|home| home.load(Ordering::Relaxed) != 0)
        })
        .await;
    }
}

/// How a connection ended.
enum End {
    Terminal,
    Told,
    Broken,
}

struct Reader {
    number: usize,
    execution: String,
    since: Option<String>,
    numbers: Vec<usize>,
    seen: Arc<Seen>,
}

impl Reader {
    /// Takes an event of a gateway; whether it was the last.
    fn take(&mut self, event: &Value, from: SocketAddr) -> bool {
        self.since = Some(event["cursor"].as_str().unwrap().to_owned());
        if is_terminal(event) {
            return true;
        }
        self.seen.homes[self.number].store(from.port(), Ordering::Relaxed);
        self.numbers.push(event["data"]["content"].as_str().unwrap().parse().unwrap());
        false
    }

    async fn run(mut self, gateways: [SocketAddr; 2], http: reqwest::Client) -> Vec<usize> {
        for address in gateways.iter().cycle().skip(self.number / EXECUTIONS) {
            let end = if self.number.is_multiple_of(STREAMS) {
                self.stream(*address, &http).await
            } else {
                self.socket(*address).await
            };
            match end {
                Some(End::Terminal) => break,
                Some(End::Told) => {
                    self.seen.homes[self.number].store(0, Ordering::Relaxed);
                    self.seen.told.lock().unwrap().push((self.number, Instant::now(), address.port()));
                }
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
                            if message["events"]
                                .as_array()
                                .unwrap()
                                .iter()
                                .any(|event| self.take(event, address))
                            {
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
                if event["seq"].is_u64() && self.take(&event, address) {
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

/// Drains a gateway and brings it back on its address.
async fn restart(
    served: Served,
    config: &Config,
    backend: &backends::Backend,
    http: &reqwest::Client,
) -> Served {
    let address = served.address;
    until("the gateway is ready", async || ready(http, address).await == Some(200)).await;
    served.drain.cancel();
    assert_eq!(ready(http, address).await, Some(503), "a draining gateway is not ready, and says so");
    tokio::time::timeout(PATIENCE, served.task).await.expect("it ends").unwrap();
    let again = gateway(backend, Config { listen: address, ..config.clone() }).await;
    assert_eq!(again.address, address);
    until("the gateway is ready again", async || ready(http, address).await == Some(200)).await;
    again
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_clients_lose_nothing_while_both_gateways_restart() {
    let backend = backends::nats_and_redis().await;
    let config = Config { drain_window_ms: 6000, ..config() };
    assert_eq!(config.drain_window(), WINDOW);
    let fixed = || Config { listen: free(), ..config.clone() };
    let (one, two) = (gateway(&backend, fixed()).await, gateway(&backend, fixed()).await);
    let gateways = [one.address, two.address];
    let homes = (0..CLIENTS).map(|_| AtomicU16::new(0)).collect();
    let seen = Arc::new(Seen { homes, told: Default::default(), broken: AtomicUsize::new(0) });
    let http = http();
    let readers: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let execution = format!("e{}", number % EXECUTIONS);
            let reader = Reader { number, execution, since: None, numbers: Vec::new(), seen: seen.clone() };
            tokio::spawn(reader.run(gateways, http.clone()))
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
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            publish(&bus, |source| source.execution_cancelled(Cancelled { reason: None })).await;
            published
        })
    };
    seen.settles().await;
    let of_one = seen.of(&one);
    let one = restart(one, &config, &backend, &http).await;
    seen.settles().await;
    let of_two = seen.of(&two);
    let two = restart(two, &config, &backend, &http).await;
    stop.send(true).unwrap();
    let published = publisher.await.unwrap();
    for (number, reader) in readers.into_iter().enumerate() {
        let numbers = tokio::time::timeout(2 * PATIENCE, reader).await.expect("a client ends").unwrap();
        let wrong = numbers.iter().zip(0..).find(|(found, wanted)| **found != *wanted);
        assert_eq!((wrong, numbers.len()), (None, published), "client {number}");
    }
    // Told, each of them, and not all at once.
    assert_eq!(seen.broken.load(Ordering::Relaxed), 0, "connections broke");
    // Half of them began at each; a client that a busy gateway sends away goes to the other one.
    assert!(of_one.len() > CLIENTS / 3 && of_two.len() > CLIENTS / 2, "{} {}", of_one.len(), of_two.len());
    for (served, wanted) in [(&one, of_one), (&two, of_two)] {
        let port = served.address.port();
        let told: Vec<(usize, Instant)> = seen
            .told
            .lock()
            .unwrap()
            .iter()
            .filter(|(.., by)| *by == port)
            .map(|(number, time, _)| (*number, *time))
            .collect();
        assert_eq!(told.iter().map(|(number, _)| *number).collect::<BTreeSet<_>>(), wanted);
        let times = || told.iter().map(|(_, time)| *time);
        let spread = times().max().unwrap() - times().min().unwrap();
        assert!(spread > WINDOW / 2, "{spread:?}");
    }
    for served in [one, two] {
        served.drain.cancel();
        served.task.await.unwrap();
    }
}
