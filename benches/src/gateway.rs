//! The gateway as a child process, and a client of its WebSocket.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use runbus::bus::Bus;
use runbus::config::Secret;
use runbus::control::Control;
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::auth::config::ApiKey;
use runbus_gateway::auth::{self, api_key};
use runbus_gateway::{Config, Gateway};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;

use crate::nats::Server;
use crate::process::Child;
use crate::report::say;
use crate::{append, embedded};

/// Read buffer of a client, in bytes: thousands of them live in one process.
const READ_BUFFER: usize = 4096;

/// A gateway with its default configuration, on a nats-server.
pub(crate) async fn start(server: &Server) -> anyhow::Result<Child> {
    start_with(server, &[]).await
}

/// The same, asking everybody for a key.
pub(crate) async fn start_guarded(server: &Server, key: &Secret) -> anyhow::Result<Child> {
    start_with(server, &["--key-sha256", &api_key::hash(key.reveal())]).await
}

async fn start_with(server: &Server, more: &[&str]) -> anyhow::Result<Child> {
    let dir = server.folder().join("store-of-gateway");
    let dir = dir.to_str().context("the folder's name is no text")?;
    let args = ["gateway", "--nats", &server.url, "--dir", dir];
    Child::start(&[&args, more].concat()).await
}

/// Serves until the process ends; says its WebSocket address. `dir` is for a store, which nothing here reads.
pub(crate) async fn serve(nats: &str, dir: &Path, key_sha256: Option<String>) -> anyhow::Result<()> {
    let nats = append::connect(nats, append::SHARDS).await?;
    let bus = Bus::new(nats.log(), embedded::open(dir)?.store);
    let control = Control::new(bus, nats.queue(), Clock::System);
    let config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
    let auth = match key_sha256 {
        Some(sha256) => auth::Config {
            mode: auth::config::Mode::Required,
            api_keys: [("bench".into(), ApiKey { sha256, scopes: vec!["read".parse()?], expires_at: None })]
                .into(),
            limits: auth::config::Limits { max_connections: 100_000, ..auth::config::Limits::default() },
            ..auth::Config::default()
        },
        None => auth::Config::default(),
    };
    let gateway = Gateway::secured(config, auth, control).await?;
    say(&format!("ws://{}/v1/ws", gateway.address()));
    gateway.run(CancellationToken::new(), CancellationToken::new()).await;
    Ok(())
}

/// A client of one WebSocket.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

type Fields<'a> = HashMap<&'a str, &'a RawValue>;

impl Client {
    pub(crate) async fn connect(address: &str) -> anyhow::Result<Self> {
        Self::connect_with(address.into_client_request()?).await
    }

    /// The same with a key.
    pub(crate) async fn connect_as(address: &str, key: &Secret) -> anyhow::Result<Self> {
        let mut request = address.into_client_request()?;
        request.headers_mut().insert("x-api-key", key.reveal().parse()?);
        Self::connect_with(request).await
    }

    async fn connect_with(request: Request) -> anyhow::Result<Self> {
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
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
        let message = json!({ "type": "subscribe", "id": "a", "filter": filter });
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

    /// The socket alone; what it has read already is lost.
    pub(crate) fn into_socket(self) -> anyhow::Result<TcpStream> {
        match self.socket.into_inner() {
            MaybeTlsStream::Plain(socket) => Ok(socket),
            _ => bail!("is no plain connection"),
        }
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
