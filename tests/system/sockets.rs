//! Load before authentication: sockets that say nothing, or say it slowly, while somebody else is served.
//!
//! Addresses of 127.0.0.0/8 stand for clients on different machines.

use std::net::SocketAddr;
use std::process::Command;

use futures_util::StreamExt;
use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::auth::{auth, bearer, end};
use crate::backends;
use crate::client::{Client, PATIENCE, config, gateway, secured};
use crate::telemetry::process::{Process, free, http, ready};

/// A client on a machine of its own.
async fn connect(from: u8, address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, from], 0))).unwrap();
    tokio::time::timeout(PATIENCE, socket.connect(address)).await.expect("it is accepted").unwrap()
}

fn small() -> Config {
    Config { max_connections: 8, max_unauthenticated: 32, max_unauthenticated_per_address: 16, ..config() }
}

/// Many sockets from several machines, each having said `said`; the first ones are closed for the last ones.
async fn flood(address: SocketAddr, said: &[u8]) -> Vec<TcpStream> {
    let mut sockets = Vec::new();
    for _ in 0..30 {
        for from in 2..5 {
            let mut socket = connect(from, address).await;
            // It may be closed for others already.
            let _ = socket.write_all(said).await;
            sockets.push(socket);
        }
    }
    sockets
}

/// Waits until a socket is closed by the gateway, without an answer.
async fn is_cut(socket: &mut TcpStream) -> bool {
    let mut buffer = [0; 64];
    let read = tokio::time::timeout(PATIENCE, socket.read(&mut buffer)).await.expect("it is cut");
    read.unwrap_or(0) == 0
}

/// Whether the gateway still waits for it.
fn stands(socket: &TcpStream) -> bool {
    matches!(socket.try_read(&mut [0; 64]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

async fn ask(socket: &mut TcpStream, path: &str, token: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tokio::time::timeout(PATIENCE, socket.read_u8()).await.expect("an answer comes").unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    socket.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The service of other clients meanwhile: over an existing connection, over new ones, with and without a credential at
/// first.
async fn others_are_served(address: SocketAddr, before: &mut TcpStream, token: &str) {
    assert_eq!(ask(before, "/v1/stats", token).await, 200, "over a connection that was there");
    let mut fresh = connect(1, address).await;
    assert_eq!(ask(&mut fresh, "/healthz", "").await, 200);
    assert_eq!(ask(&mut fresh, "/readyz", "").await, 200);
    assert_eq!(ask(&mut fresh, "/v1/stats", token).await, 200);
    let mut websocket = says_later(1, address).await;
    let shown = json!({ "type": "auth", "token": token }).to_string();
    futures_util::SinkExt::send(&mut websocket, Message::text(shown)).await.unwrap();
    assert_eq!(hears(&mut websocket).await["type"], "auth_ok");
}

async fn says_later(from: u8, address: SocketAddr) -> WebSocketStream<TcpStream> {
    let stream = connect(from, address).await;
    let (mut socket, _) =
        client_async("ws://localhost/v1/ws", stream).await.expect("no client is refused for others");
    assert_eq!(hears(&mut socket).await["type"], "hello");
    socket
}

async fn hears(socket: &mut WebSocketStream<TcpStream>) -> Value {
    let frame = tokio::time::timeout(PATIENCE, socket.next()).await.expect("an answer comes");
    serde_json::from_str(frame.unwrap().unwrap().to_text().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_say_nothing_or_little_cost_their_senders_address() {
    let (auth, root) = auth();
    for said in [
        &b""[..],
        b"G",
        b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nX: ",
        // These get an answer, and stay for the next request.
        b"GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
    ] {
        let backend = backends::embedded();
        let served = secured(&backend, small(), auth.clone()).await;
        let mut before = connect(1, served.address).await;
        assert_eq!(ask(&mut before, "/v1/stats", &root.reveal()).await, 200);
        let mut sockets = flood(served.address, said).await;
        others_are_served(served.address, &mut before, &root.reveal()).await;
        if !said.ends_with(b"\n") && !said.starts_with(b"POST") {
            assert!(is_cut(&mut sockets[0]).await, "the oldest goes");
            // They were served while others still waited: no deadline of theirs made room.
            assert!(stands(sockets.last().unwrap()));
        }
        end(served).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_handshakes_hold_no_other_up() {
    let path = |name: &str| Some(format!("{}/tests/system/keys/{name}", env!("CARGO_MANIFEST_DIR")).into());
    let backend = backends::embedded();
    let tls = Config { tls_cert_file: path("tls-cert.pem"), tls_key_file: path("tls-key.pem"), ..small() };
    let (auth, root) = auth();
    let served = secured(&backend, tls, auth).await;
    let mut silent = flood(served.address, b"").await;
    // The beginning of a handshake that says that more comes.
    let mut begun = flood(served.address, &[0x16, 3, 1, 0x3f, 0xff, 1, 0, 0]).await;
    runbus::tls::install();
    let certificate = reqwest::Certificate::from_pem(include_bytes!("keys/tls-cert.pem")).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([certificate])
        .timeout(PATIENCE)
        .build()
        .unwrap();
    for path in ["v1/stats", "readyz"] {
        let url = format!("https://localhost:{}/{path}", served.address.port());
        let answer = client.get(&url).bearer_auth(&*root.reveal()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }
    assert!(is_cut(&mut silent[0]).await && is_cut(&mut begun[0]).await);
    assert!(stands(begun.last().unwrap()));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_that_say_nothing_take_no_places() {
    let backend = backends::embedded();
    let (auth, root) = auth();
    let served = secured(&backend, small(), auth).await;
    let mut before = connect(1, served.address).await;
    assert_eq!(ask(&mut before, "/v1/stats", &root.reveal()).await, 200);
    let mut silent = Vec::new();
    for _ in 0..20 {
        for from in 2..5 {
            silent.push(says_later(from, served.address).await);
        }
    }
    others_are_served(served.address, &mut before, &root.reveal()).await;
    let first = tokio::time::timeout(PATIENCE, silent[0].next()).await.expect("the oldest goes");
    assert!(matches!(first, None | Some(Err(_) | Ok(Message::Close(_)))), "{first:?}");
    // Those who are known have all of their places.
    let header = format!("Bearer {}", &*root.reveal());
    let mut known = Vec::new();
    for _ in 0..7 {
        known.push(Client::handshake(served.address, "", &[("authorization", &header)]).await.unwrap());
    }
    assert_eq!(bearer(served.address, "/readyz", "").await.0, 200);
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_share_and_a_proxy_has_none() {
    let backend = backends::embedded();
    let shared = Config { max_connections: 6, max_connections_per_address: 2, ..config() };
    let proxied = Config { trusted_addresses: vec!["127.0.0.2/31".into()], ..shared.clone() };
    for (config, own) in [(shared, 2), (proxied, 6)] {
        let served = gateway(&backend, config).await;
        let handshake = "GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
        let open = async |from: u8| {
            let mut socket = connect(from, served.address).await;
            socket.write_all(handshake.as_bytes()).await.unwrap();
            // A refusal says why in its body, which may come in another piece than the head.
            let is_whole = |text: &str| {
                text.contains("\r\n\r\n") && (text.starts_with("HTTP/1.1 101") || text.ends_with('}'))
            };
            let mut answer = Vec::new();
            while !is_whole(&String::from_utf8_lossy(&answer)) {
                let read = tokio::time::timeout(PATIENCE, socket.read_buf(&mut answer)).await;
                assert!(read.expect("an answer comes").unwrap() > 0, "{}", String::from_utf8_lossy(&answer));
            }
            (String::from_utf8_lossy(&answer).into_owned(), socket)
        };
        let mut held = Vec::new();
        for _ in 0..own {
            let (answer, socket) = open(2).await;
            assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
            held.push(socket);
        }
        let (answer, _socket) = open(2).await;
        if own == 2 {
            assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
            assert!(answer.contains("gateway.max_connections_per_address"), "{answer}");
            assert!(open(4).await.0.starts_with("HTTP/1.1 101"));
        } else {
            assert!(
                answer.starts_with("HTTP/1.1 503") && answer.contains("gateway.max_connections"),
                "{answer}"
            );
        }
        // Health checks get an answer in any case.
        assert_eq!(ask(&mut connect(2, served.address).await, "/readyz", "").await, 200);
        end(served).await;
    }
}

/// The process's gauge or counter, without labels or with these.
async fn metric(http: &reqwest::Client, address: SocketAddr, name: &str) -> f64 {
    let text = http.get(format!("http://{address}/metrics")).send().await.unwrap().text().await.unwrap();
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("{name} is not in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

fn gateway_of(files: u32, address: SocketAddr, dir: &std::path::Path) -> Process {
    let settings = [("gateway.listen", address.to_string()), ("telemetry.filter", "info".into())];
    Process::start_limited(&format!("-n {files}"), dir, &["gateway"], &settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn few_descriptors_make_few_connections_and_a_flood_of_silent_sockets_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (address, http) = (free(), http());
    let mut process = gateway_of(256, address, dir.path());
    ready(&http, &format!("http://{address}/readyz")).await;
    let mut sockets = Vec::new();
    for _ in 0..150 {
        for from in 2..5 {
            sockets.push(connect(from, address).await);
        }
    }
    assert_eq!(ask(&mut connect(1, address).await, "/readyz", "").await, 200);
    let answer = http.get(format!("http://{address}/v1/stats")).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["gateway"]["open_files"], 256, "{answer}");
    let max = answer["gateway"]["max_connections"].as_f64().unwrap();
    assert!((1.0..256.0).contains(&max), "{answer}");
    assert_eq!(metric(&http, address, "runbus_gateway_max_connections").await, max);
    let mut client = Client::connect(address).await;
    client.say(&json!({ "type": "ping", "nonce": "7" })).await;
    assert_eq!(client.message().await.unwrap()["type"], "pong");
    assert!(is_cut(&mut sockets[0]).await && stands(sockets.last().unwrap()));
    assert_eq!(metric(&http, address, "runbus_gateway_accept_failures_total").await, 0.0, "none was needed");
    let log = process.log();
    assert!(log.contains("gateway.max_connections is lowered") && log.contains("100000"), "{log}");
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_descriptors_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (address, http) = (free(), http());
    let mut process = gateway_of(512, address, dir.path());
    ready(&http, &format!("http://{address}/readyz")).await;
    let before = std::fs::read_dir(format!("/proc/{}/fd", process.id())).unwrap().count();
    // Somebody takes descriptors away that were counted on.
    let limit = format!("--nofile={}:512", before + 8);
    let status = Command::new("prlimit").args(["--pid", &process.id().to_string(), &limit]).status().unwrap();
    assert!(status.success());
    let mut sockets = Vec::new();
    for _ in 0..30 {
        sockets.push(connect(2, address).await);
    }
    // Each of these is accepted although there was no descriptor left for it.
    for _ in 0..3 {
        let mut socket = connect(1, address).await;
        assert_eq!(ask(&mut socket, "/healthz", "").await, 200);
    }
    assert!(is_cut(&mut sockets[0]).await);
    assert!(metric(&http, address, "runbus_gateway_accept_failures_total").await > 0.0);
    process.end().await;
}
