//! A third-party WebSocket client, for the view of a gateway's readers.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use runbus_gateway::{Config, Gateway};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use crate::backends::Backend;

/// How long something that must come may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until it is so; fails with `what` when that takes too long.
pub async fn until(what: &str, is_so: impl AsyncFnMut() -> bool) {
    until_within(PATIENCE, what, is_so).await;
}

/// The same, with a limit of its own.
pub async fn until_within(longest: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + longest;
    while !is_so().await {
        assert!(tokio::time::Instant::now() < deadline, "within {longest:?} it did not come: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub struct Served {
    pub address: SocketAddr,
    pub drain: CancellationToken,
    pub task: tokio::task::JoinHandle<()>,
}

pub fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        shutdown_delay_ms: 0,
        drain_window_ms: 50,
        ..Config::default()
    }
}

/// A gateway that keeps no lists: only its clients make it read the log.
pub fn without_lists() -> Config {
    let directory = runbus_gateway::lists::Config { keep: false, ..Default::default() };
    Config { directory, ..config() }
}

pub async fn gateway(backend: &Backend, config: Config) -> Served {
    let gateway = Gateway::bind(config, backend.control()).await.unwrap();
    let drain = CancellationToken::new();
    let address = gateway.address();
    let task = tokio::spawn(gateway.run(drain.clone(), CancellationToken::new()));
    Served { address, drain, task }
}

pub async fn secured(backend: &Backend, config: Config, auth: runbus_gateway::auth::Config) -> Served {
    let gateway = Gateway::secured(config, auth, backend.control()).await.unwrap();
    let drain = CancellationToken::new();
    let address = gateway.address();
    let task = tokio::spawn(gateway.run(drain.clone(), CancellationToken::new()));
    Served { address, drain, task }
}

pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    last_close: Option<u16>,
}

impl Client {
    /// `None`: it is not there, or does not answer soon enough to wait for it.
    pub async fn try_connect(address: SocketAddr) -> Option<Self> {
        Self::connect_within(Duration::from_secs(10), address).await
    }

    async fn connect_within(longest: Duration, address: SocketAddr) -> Option<Self> {
        let connecting = connect_async(format!("ws://{address}/v1/ws"));
        let (socket, _) = tokio::time::timeout(longest, connecting).await.ok()?.ok()?;
        let mut client = Self { socket, last_close: None };
        let hello = client.message().await?;
        assert_eq!(hello["type"], "hello");
        Some(client)
    }

    /// With headers and a query of its own; the status of a refused handshake, or the close code of one that is accepted and closed.
    pub async fn handshake(
        address: SocketAddr,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<(Self, Value), u16> {
        use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest};
        let mut request = format!("ws://{address}/v1/ws{query}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let connecting = connect_async(request);
        match tokio::time::timeout(PATIENCE, connecting).await.expect("an answer comes") {
            Ok((socket, _)) => {
                let mut client = Self { socket, last_close: None };
                let Some(hello) = client.message().await else {
                    return Err(client.last_close.expect("it says why"));
                };
                assert_eq!(hello["type"], "hello");
                Ok((client, hello))
            }
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn connect(address: SocketAddr) -> Self {
        Self::connect_within(PATIENCE, address).await.expect("the gateway takes connections")
    }

    pub async fn say(&mut self, value: &Value) {
        let _ = self.socket.send(Message::text(value.to_string())).await;
    }

    pub async fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text.to_owned())).await.unwrap();
    }

    /// The next message; `None` when the connection ended.
    pub async fn message(&mut self) -> Option<Value> {
        match self.frame().await {
            Some(Message::Text(text)) => {
                let message = serde_json::from_str(&text).unwrap();
                crate::schemas::check_server_message(&message);
                Some(message)
            }
            Some(Message::Close(frame)) => {
                self.last_close = frame.map(|frame| frame.code.into());
                None
            }
            _ => None,
        }
    }

    /// The close code that [`Client::message`] met.
    pub const fn last_close(&self) -> Option<u16> {
        self.last_close
    }

    /// The next message or the end; pings do not count.
    async fn frame(&mut self) -> Option<Message> {
        let socket = &mut self.socket;
        let frame = async move {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(frame)) => return Some(frame),
                    Some(Err(_)) | None => return None,
                }
            }
        };
        tokio::time::timeout(PATIENCE, frame).await.expect("nothing comes")
    }

    /// The close code that the connection ended with.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Message::Close(frame) = self.frame().await? {
                return frame.map(|frame| frame.code.into());
            }
        }
    }

    pub async fn subscribe(&mut self, filter: Value, since: Value) -> Value {
        // Cases count events, however slowly they read; those of merged deltas ask for them.
        let subscribe =
            json!({ "type": "subscribe", "id": "s", "filter": filter, "since": since, "coalesce": false });
        self.say(&subscribe).await;
        let answer = self.message().await.unwrap();
        assert_eq!(answer["type"], "subscribed", "{answer}");
        answer
    }
}

/// Events of a filter from `since` until one is terminal or `enough` says so, over several gateways: when a connection
/// ends, the client goes on at the next gateway with its last cursor.
pub async fn follow(
    gateways: &[SocketAddr],
    filter: &Value,
    since: Value,
    mut enough: impl FnMut(&Value) -> bool,
) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    let mut since = since;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    for address in gateways.iter().cycle() {
        assert!(tokio::time::Instant::now() < deadline, "no gateway answers");
        let Some(mut client) = Client::try_connect(*address).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let subscribe =
            json!({ "type": "subscribe", "id": "s", "filter": filter, "since": since, "coalesce": false });
        client.say(&subscribe).await;
        while let Some(message) = client.message().await {
            match message["type"].as_str().unwrap() {
                "events" => {
                    for event in message["events"].as_array().unwrap() {
                        since = json!({ "cursor": event["cursor"] });
                        events.push(event.clone());
                        if enough(event) {
                            return events;
                        }
                    }
                }
                "subscribed" | "caught_up" => {}
                "error" if message["code"] == "unavailable" => break,
                other => panic!("{other}: {message}"),
            }
        }
    }
    events
}

pub fn is_terminal(event: &Value) -> bool {
    matches!(event["type"].as_str(), Some("execution_completed" | "execution_failed" | "execution_cancelled"))
}
