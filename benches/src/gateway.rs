//! The gateway as a child process, and a client of its WebSocket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use runbus::bus::Bus;
use runbus::control::Control;
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::{Config, Gateway, auth};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;

use crate::nats::Server;
use crate::process::Child;
use crate::report::say;
use crate::{append, embedded};

/// The key of a gateway that asks for one.
pub(crate) const KEY: &str = "rbk_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/// Read buffer of a client, in bytes: thousands of them live in one process.
const READ_BUFFER: usize = 4096;

/// Limits of a gateway.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Limits {
    #[arg(long, default_value_t = Config::default().held_bytes)]
    pub(crate) held_bytes: usize,
    #[arg(long, default_value_t = Config::default().hub_buffer_bytes)]
    pub(crate) hub_buffer_bytes: usize,
    #[arg(long, default_value_t = Config::default().socket_buffer_bytes)]
    pub(crate) socket_buffer_bytes: u32,
}

/// A gateway with its default configuration, on a nats-server.
pub(crate) async fn start(server: &Server) -> anyhow::Result<Child> {
    start_with(server, None).await
}

/// The same with authentication: [`KEY`] may do everything.
pub(crate) async fn start_secured(server: &Server) -> anyhow::Result<Child> {
    let dir = server.folder().join("store-of-gateway");
    let dir = dir.to_str().context("the folder's name is no text")?;
    Child::start(&["gateway", "--nats", &server.url, "--dir", dir, "--secured"]).await
}

/// The same with other limits.
pub(crate) async fn start_with(server: &Server, limits: Option<Limits>) -> anyhow::Result<Child> {
    let dir = server.folder().join("store-of-gateway");
    let dir = dir.to_str().context("the folder's name is no text")?;
    let mut args: Vec<String> =
        ["gateway", "--nats", &server.url, "--dir", dir].map(str::to_owned).into_iter().collect();
    if let Some(limits) = limits {
        args.push(format!("--held-bytes={}", limits.held_bytes));
        args.push(format!("--hub-buffer-bytes={}", limits.hub_buffer_bytes));
        args.push(format!("--socket-buffer-bytes={}", limits.socket_buffer_bytes));
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Child::start(&args).await
}

/// Serves until the process ends; says its WebSocket address. `dir` is for a store, which nothing here reads.
pub(crate) async fn serve(nats: &str, dir: &Path, limits: Limits, secured: bool) -> anyhow::Result<()> {
    let nats = append::connect(nats, append::SHARDS).await?;
    let log = std::sync::Arc::new(runbus::log::Metered::new(nats.log()));
    let bus = Bus::new(log, embedded::open(dir)?.store);
    let control = Control::new(bus, nats.queue(), Clock::System);
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        held_bytes: limits.held_bytes,
        hub_buffer_bytes: limits.hub_buffer_bytes,
        socket_buffer_bytes: limits.socket_buffer_bytes,
        ..Config::default()
    };
    let auth = if secured { auth()? } else { auth::Config::default() };
    let gateway = Gateway::secured(config, auth, control).await?;
    say(&format!("ws://{}/v1/ws", gateway.address()));
    gateway.run(CancellationToken::new(), CancellationToken::new()).await;
    Ok(())
}

fn auth() -> anyhow::Result<auth::Config> {
    let scopes = vec!["*".parse().context("a scope")?];
    let key = auth::config::ApiKey { sha256: auth::api_key::hash(KEY), scopes, expires_at: None };
    let limits = auth::config::Limits {
        max_connections: 100_000,
        messages_per_s: 1_000_000,
        burst_messages: 1_000_000,
        ..auth::config::Limits::default()
    };
    let api_keys = std::iter::once(("bench".to_owned(), key)).collect();
    Ok(auth::Config { mode: auth::config::Mode::Required, api_keys, limits, ..auth::Config::default() })
}

/// A client of one WebSocket.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

type Fields<'a> = HashMap<&'a str, &'a RawValue>;

impl Client {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        Self::connect_as(address, None).await
    }

    /// With an API key, if there is one.
    pub(crate) async fn connect_as(address: &str, key: Option<&str>) -> anyhow::Result<Self> {
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let mut request = address.into_client_request()?;
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.parse()?);
        }
        let (socket, _response) = connect_async_with_config(request, Some(config), true).await?;
        Ok(Self { socket })
    }

    /// Subscribes to what an execution publishes from now on, of one stream or of any; returns when the gateway says
    /// that it did.
    pub(crate) async fn subscribe(
        &mut self,
        stream: Option<&StreamId>,
        execution: &ExecutionId,
    ) -> anyhow::Result<()> {
        let mut filter = json!({ "execution_id": execution });
        if let Some(stream) = stream {
            filter["stream_id"] = json!(stream);
        }
        let message = json!({ "type": "subscribe", "id": "a", "filter": filter, "coalesce": false });
        self.socket.send(Message::text(message.to_string())).await?;
        loop {
            let text = self.text().await?;
            match kind(&text)?.as_str() {
                "hello" => {}
                "subscribed" => return Ok(()),
                _ => bail!("instead of a subscription came {text}"),
            }
        }
    }

    /// The events of the next message; none when it is about something else.
    pub(crate) async fn events(&mut self) -> anyhow::Result<Vec<Bytes>> {
        let text = self.text().await?;
        match kind(&text)?.as_str() {
            "caught_up" => Ok(Vec::new()),
            "events" => {
                let fields: Fields<'_> = serde_json::from_str(&text)?;
                let events = fields.get("events").context("a message of events has none")?;
                let events: Vec<&RawValue> = serde_json::from_str(events.get())?;
                Ok(events.iter().map(|event| Bytes::copy_from_slice(event.get().as_bytes())).collect())
            }
            _ => bail!("instead of events came {text}"),
        }
    }

    /// Waits for a message of a type.
    pub(crate) async fn until(&mut self, wanted: &str) -> anyhow::Result<()> {
        loop {
            let text = self.text().await?;
            match kind(&text)?.as_str() {
                found if found == wanted => return Ok(()),
                "error" => bail!("instead of {wanted} came {text}"),
                _ => {}
            }
        }
    }

    /// Says something.
    pub(crate) async fn send(&mut self, message: serde_json::Value) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    async fn text(&mut self) -> anyhow::Result<String> {
        loop {
            if let Message::Text(text) = self.socket.next().await.context("the gateway closed")?? {
                return Ok(text.to_string());
            }
        }
    }
}

fn kind(text: &str) -> anyhow::Result<String> {
    let fields: Fields<'_> = serde_json::from_str(text)?;
    Ok(serde_json::from_str(fields.get("type").context("a message has no type")?.get())?)
}
