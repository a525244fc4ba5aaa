//! Each dialect is bounded, counted and ended in the same way, as the loop of its connection does it: one table of dialects, one case
//! for each item.

use futures_util::{SinkExt, StreamExt};
use runbus::event::family::{execution, node};
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, NodeId, StreamId};
use runbus::time::Clock;
use runbus_gateway::Config;
use runbus_gateway::auth::config::{Config as Auth, Limits};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::auth::{auth, hs, post};
use crate::backends::{self, Backend};
use crate::client::{PATIENCE, Served, config, secured, until};
use crate::sse::http;

/// A dialect, and its close codes; `None`: it ends without.
struct Dialect {
    path: &'static str,
    /// Its first message, for a client that must ask for events.
    asks: Option<fn() -> Value>,
    /// Whether its client watches an execution.
    watches: bool,
    draining: u16,
    unauthenticated: u16,
    idle: Option<u16>,
    broken: Option<u16>,
}

const DIALECTS: [Dialect; 4] = [
    Dialect {
        path: "/v1/ws",
        asks: Some(
            || json!({ "type": "subscribe", "id": "a", "filter": { "execution_id": "run" }, "since": "all" }),
        ),
        watches: true,
        draining: 4000,
        unauthenticated: 4401,
        idle: Some(4002),
        broken: Some(4500),
    },
    foreign("/ws/tasks/run?agent=s", true),
    foreign("/ws/council/run", true),
    foreign("/ws/agents/s", false),
];

const fn foreign(path: &'static str, watches: bool) -> Dialect {
    Dialect { path, asks: None, watches, draining: 1012, unauthenticated: 4001, idle: None, broken: None }
}

/// One gateway of one dialect's case.
struct World {
    served: Served,
    token: String,
    root: String,
    http: reqwest::Client,
}

type Socket = WebSocketStream<TcpStream>;

impl World {
    async fn new(backend: &Backend, config: Config, with: impl FnOnce(Auth) -> Auth, claims: Value) -> Self {
        let (mut auth, root) = auth();
        auth.api_keys.get_mut("root").unwrap().scopes.push("metrics".parse().unwrap());
        let served = secured(backend, config, with(auth)).await;
        let mut all = json!({ "scope": "*" });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        Self { served, token: hs(all), root: root.reveal().to_string(), http: http() }
    }

    /// A client that reads little at a time, behind its first messages.
    async fn connect(&self, dialect: &Dialect) -> Socket {
        let address = self.served.address;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let stream = socket.connect(address).await.unwrap();
        let mut request = format!("ws://{address}{}", dialect.path).into_client_request().unwrap();
        let bearer = format!("Bearer {}", self.token).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        let (mut socket, _) = client_async(request, stream).await.unwrap();
        let first = tokio::time::timeout(PATIENCE, socket.next()).await.expect("it is greeted");
        assert!(matches!(first, Some(Ok(Message::Text(_)))), "{}: {first:?}", dialect.path);
        if let Some(asks) = dialect.asks {
            socket.send(Message::text(asks().to_string())).await.unwrap();
            let answer = tokio::time::timeout(PATIENCE, socket.next()).await.expect("it is answered");
            assert!(matches!(answer, Some(Ok(Message::Text(_)))), "{answer:?}");
        }
        socket
    }

    async fn here(&self) -> Value {
        let url = format!("http://{}/v1/stats", self.served.address);
        let answer = self.http.get(url).bearer_auth(&self.root).send().await.unwrap();
        answer.json::<Value>().await.unwrap()["gateway"].clone()
    }

    /// Connections that the process closed for a cause, by its native close code.
    async fn closes(&self, code: &str) -> f64 {
        self.metric(&format!("runbus_gateway_closes_total{{code=\"{code}\"}} ")).await
    }

    /// A number of the whole process; 0 before it was counted.
    async fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.served.address);
        let answer = self.http.get(url).bearer_auth(&self.root).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let text = answer.text().await.unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)).map_or(0.0, |number| number.parse().unwrap())
    }

    async fn end(self) {
        self.served.drain.cancel();
        self.served.task.await.unwrap();
    }
}

/// The close code that a client reads, behind whatever comes before it.
async fn closed(socket: &mut Socket) -> Option<u16> {
    let reading = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("it is closed")
}

/// An external execution `run` of the stream `s`.
async fn backend() -> Backend {
    let backend = backends::embedded();
    let started = execution::Started { input: json!("hi"), definition: None };
    backend.bus().publish(source().execution_started(started)).await.unwrap();
    backend
}

fn source() -> Source {
    Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("run").unwrap(), Clock::System)
}

/// Events that each dialect sends on, about 8 KB each.
async fn publish(backend: &Backend, pairs: usize) {
    let source = source().node(NodeId::new("critic").unwrap());
    for _ in 0..pairs {
        let output = json!({ "score": "x".repeat(8000) });
        let events: Vec<Event> = vec![
            source
                .node_internal_output(node::InternalOutput { content: String::new(), output: Some(output) }),
            source.node_loop_completed(node::LoopCompleted { iterations: 1 }),
        ];
        for answer in backend.bus().publish_batch(events).await.unwrap() {
            answer.unwrap();
        }
    }
}

/// Metrics count for a whole process: these cases have one for themselves. Says whether this is it.
fn is_alone(name: &str) -> bool {
    const ALONE: &str = "RUNBUS_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let tests = std::env::current_exe().unwrap();
    let name = format!("dialects::{name}");
    let run = std::process::Command::new(tests).args(["--exact", &name]).env(ALONE, "1").output().unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    assert!(text.contains("1 passed"), "{text}");
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_each_dialect_and_is_counted() {
    if !is_alone("a_drain_ends_each_dialect_and_is_counted") {
        return;
    }
    let backend = backend().await;
    for dialect in &DIALECTS {
        let world = World::new(&backend, config(), |auth| auth, json!({})).await;
        let other = World::new(&backend, config(), |auth| auth, json!({})).await;
        let mut socket = world.connect(dialect).await;
        let before = other.closes("4000").await;
        world.served.drain.cancel();
        assert_eq!(closed(&mut socket).await, Some(dialect.draining), "{}", dialect.path);
        assert_eq!(other.closes("4000").await, before + 1.0, "{}", dialect.path);
        world.end().await;
        other.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_credential_ends_each_dialect_and_is_counted() {
    if !is_alone("an_expired_credential_ends_each_dialect_and_is_counted") {
        return;
    }
    let backend = backend().await;
    for dialect in &DIALECTS {
        let expires = Clock::System.now().micros() / 1_000_000 + 3;
        let world = World::new(&backend, config(), |auth| auth, json!({ "exp": expires })).await;
        let before = world.closes("4401").await;
        let mut socket = world.connect(dialect).await;
        assert_eq!(closed(&mut socket).await, Some(dialect.unauthenticated), "{}", dialect.path);
        assert_eq!(world.closes("4401").await, before + 1.0, "{}", dialect.path);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_ends_each_dialect_and_is_counted() {
    if !is_alone("a_revocation_ends_each_dialect_and_is_counted") {
        return;
    }
    let backend = backend().await;
    for (n, dialect) in DIALECTS.iter().enumerate() {
        let id = format!("lost-{n}");
        let world = World::new(&backend, config(), |auth| auth, json!({ "jti": id })).await;
        let mut socket = world.connect(dialect).await;
        let before = world.closes("4401").await;
        let revoked =
            post(world.served.address, "/v1/auth/revocations", &world.root, json!({ "token_id": id })).await;
        assert_eq!(revoked.0, 201, "{}", revoked.1);
        assert_eq!(closed(&mut socket).await, Some(dialect.unauthenticated), "{}", dialect.path);
        assert_eq!(world.closes("4401").await, before + 1.0, "{}", dialect.path);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_slow_client_of_each_dialect_holds_is_bounded_and_counted_until_it_is_cut() {
    if !is_alone("what_a_slow_client_of_each_dialect_holds_is_bounded_and_counted_until_it_is_cut") {
        return;
    }
    for dialect in &DIALECTS {
        let backend = backend().await;
        let small =
            Config { socket_buffer_bytes: 4096, held_bytes: 1024 * 1024, write_timeout_ms: 1500, ..config() };
        // The bound of all, and the least share of this one.
        let bound = small.held_bytes + 2 * runbus_gateway::limits::LEAST_BYTES;
        let world = World::new(&backend, small, |auth| auth, json!({})).await;
        let before = world.closes("4001").await;
        let socket = world.connect(dialect).await;
        publish(&backend, 60).await;
        until("its bytes are held", async || {
            let now = world.here().await;
            let held = now["held_bytes"].as_u64().unwrap();
            assert!(usize::try_from(held).unwrap() <= bound, "{}: {held} bytes are held", dialect.path);
            held > 4096
        })
        .await;
        until("it is cut", async || world.here().await["cut"] == 1).await;
        until("nothing is held", async || world.here().await["held_bytes"] == 0).await;
        assert_eq!(world.closes("4001").await, before + 1.0, "{}", dialect.path);
        drop(socket);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_each_dialect_without_a_sign_of_life_ends_and_is_counted() {
    if !is_alone("a_client_of_each_dialect_without_a_sign_of_life_ends_and_is_counted") {
        return;
    }
    let backend = backend().await;
    for dialect in &DIALECTS {
        let strict = Config { ping_interval_ms: 100, idle_timeout_ms: 700, ..config() };
        let world = World::new(&backend, strict, |auth| auth, json!({})).await;
        let before = world.closes("4002").await;
        let mut socket = world.connect(dialect).await;
        // It answers no ping, because it reads nothing.
        until("it is closed", async || world.closes("4002").await > before).await;
        assert_eq!(world.closes("4002").await, before + 1.0, "{}", dialect.path);
        assert_eq!(closed(&mut socket).await, dialect.idle, "{}", dialect.path);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_each_dialect_that_sends_too_much_ends_and_is_counted() {
    if !is_alone("a_client_of_each_dialect_that_sends_too_much_ends_and_is_counted") {
        return;
    }
    let backend = backend().await;
    for dialect in &DIALECTS {
        let limited = |auth| Auth {
            limits: Limits { messages_per_s: 1, burst_messages: 8, ..Limits::default() },
            ..auth
        };
        let world = World::new(&backend, config(), limited, json!({})).await;
        let before = world.closes("4429").await;
        let mut socket = world.connect(dialect).await;
        for _ in 0..2000 {
            if socket.send(Message::text(r#"{"type":"ping"}"#)).await.is_err() {
                break;
            }
        }
        assert_eq!(closed(&mut socket).await, Some(4429), "{}", dialect.path);
        assert_eq!(world.closes("4429").await, before + 1.0, "{}", dialect.path);
        world.end().await;

        let world = World::new(&backend, config(), |auth| auth, json!({})).await;
        let before = world.closes("4500").await;
        let mut socket = world.connect(dialect).await;
        let _ = socket.send(Message::text("x".repeat(config().max_message_bytes + 1))).await;
        assert_eq!(closed(&mut socket).await, dialect.broken, "{}", dialect.path);
        assert_eq!(world.closes("4500").await, before + 1.0, "{}", dialect.path);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_each_dialect_is_a_connection_and_a_watcher() {
    if !is_alone("a_client_of_each_dialect_is_a_connection_and_a_watcher") {
        return;
    }
    let backend = backend().await;
    for dialect in &DIALECTS {
        let world = World::new(&backend, config(), |auth| auth, json!({})).await;
        let connected = async || world.metric("runbus_gateway_connections{transport=\"ws\"} ").await;
        let before = connected().await;
        let socket = world.connect(dialect).await;
        assert_eq!(connected().await, before + 1.0, "{}", dialect.path);
        let run = ExecutionId::new("run").unwrap();
        if dialect.watches {
            until("it is seen", async || backend.control().presence(&run).await.unwrap().count == 1).await;
        }
        drop(socket);
        until("it is gone", async || {
            let left = backend.control().presence(&run).await.unwrap().count;
            left == 0 && connected().await == before
        })
        .await;
        world.end().await;
    }
}
