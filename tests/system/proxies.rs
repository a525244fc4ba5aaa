//! The proxy that docs/guides/proxies.md configures: with each of its lines, and without.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use futures_util::StreamExt;
use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::backends;
use crate::client::{PATIENCE, Served, config, gateway, until};
use crate::sse::http;
use crate::telemetry::process::free;

const HOST: &str = "events.example";

/// The configuration of the documentation.
fn documented() -> String {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guides/proxies.md")).unwrap();
    let (_, block) = page.split_once("```nginx no-run\n").expect("a configuration");
    block.split_once("```").expect("its end").0.to_owned()
}

/// The configuration without the line that has this in it.
fn without(line: &str) -> String {
    let all = documented();
    assert_eq!(all.lines().filter(|found| found.contains(line)).count(), 1, "{line}");
    all.lines().filter(|found| !found.contains(line)).map(|line| format!("{line}\n")).collect()
}

struct Nginx {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Nginx {
    async fn start(servers: &str, gateway: SocketAddr) -> Self {
        let program = std::env::var("RUNBUS_NGINX").expect("run me through ops/tools.sh run");
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..10 {
            // Somebody may be faster: then it does not start, and another port is tried.
            let address = free();
            let here = folder.path().display();
            let servers = servers.replace("127.0.0.1:8080", &address.to_string());
            let servers = servers.replace("127.0.0.1:8700", &gateway.to_string());
            let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|name| format!("{name}_temp_path {here}/{name};\n"))
                .concat();
            let text = format!(
                "daemon off;\nmaster_process off;\npid {here}/pid;\nerror_log {here}/errors;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{servers}}}\n"
            );
            let path = folder.path().join("nginx.conf");
            std::fs::write(&path, text).unwrap();
            let mut child = Command::new(&program)
                .arg("-p")
                .arg(folder.path())
                .arg("-e")
                .arg(folder.path().join("errors"))
                .arg("-c")
                .arg(&path)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut is_up = false;
            until("nginx listens, or ends", async || {
                is_up = tokio::net::TcpStream::connect(address).await.is_ok();
                is_up || child.try_wait().unwrap().is_some()
            })
            .await;
            if is_up {
                return Self { child, address, _folder: folder };
            }
        }
        let errors = std::fs::read_to_string(folder.path().join("errors")).unwrap_or_default();
        panic!("nginx does not start: {errors}");
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        http().get(format!("http://{}{path}", self.address)).header("host", HOST)
    }

    /// Over a page of the public host.
    async fn status(&self) -> (u16, Value) {
        let answer = self.get("/v1/stats").header("origin", format!("https://{HOST}")).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// The first message of a WebSocket, or the status of its handshake.
    async fn socket(&self) -> Result<Value, u16> {
        let mut request = format!("ws://{}/v1/ws", self.address).into_client_request().unwrap();
        request.headers_mut().insert("host", HOST.parse().unwrap());
        request.headers_mut().insert("origin", format!("https://{HOST}").parse().unwrap());
        match connect_async(request).await {
            Ok((mut socket, _)) => match socket.next().await {
                Some(Ok(Message::Text(text))) => Ok(serde_json::from_str(&text).unwrap()),
                other => panic!("{other:?}"),
            },
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// An event stream, and what has come of it.
    async fn stream(&self) -> Body {
        let request = self.get("/v1/events/stream?stream_id=s").header("accept", "text/event-stream");
        let answer = request.header("accept-encoding", "gzip").send().await.unwrap();
        let head = (answer.status().as_u16(), answer.headers().clone());
        Body { head, pieces: answer.bytes_stream().boxed(), text: String::new() }
    }
}

struct Body {
    head: (u16, reqwest::header::HeaderMap),
    pieces: futures_util::stream::BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    text: String,
}

impl Body {
    /// Reads until `wanted` is there; `false`: it ended before.
    async fn until(&mut self, wanted: impl Fn(&str) -> bool) -> bool {
        while !wanted(&self.text) {
            match tokio::time::timeout(PATIENCE, self.pieces.next()).await.expect("nothing comes") {
                Some(Ok(piece)) => self.text.push_str(&String::from_utf8_lossy(&piece)),
                Some(Err(_)) | None => return false,
            }
        }
        true
    }
}

async fn served(ping_interval_ms: u64) -> Served {
    let backend = Box::leak(Box::new(backends::embedded()));
    gateway(backend, Config { hosts: vec![HOST.into()], ping_interval_ms, ..config() }).await
}

async fn publish(address: SocketAddr) {
    let event = json!({ "events": [{ "type": "custom", "stream_id": "s", "data": { "n": 1 } }] });
    let sent = http().post(format!("http://{address}/v1/events")).json(&event).send().await.unwrap();
    assert_eq!(sent.status(), 200);
}

async fn end(served: Served) {
    served.drain.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_passes_the_documented_proxy() {
    let served = served(20_000).await;
    let nginx = Nginx::start(&documented(), served.address).await;
    assert_eq!(nginx.status().await.0, 200);
    assert_eq!(nginx.socket().await.unwrap()["type"], "hello");
    let mut stream = nginx.stream().await;
    assert_eq!(stream.head.0, 200);
    assert_eq!(stream.head.1["cache-control"], "no-store, no-transform");
    assert!(stream.until(|text| text.contains("event: subscribed")).await, "the beginning comes at once");
    publish(served.address).await;
    assert!(stream.until(|text| text.contains("event: custom")).await, "events come as they happen");
    drop((stream, nginx));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_the_documented_proxy_is_needed_for_what_the_page_says() {
    let served = served(20_000).await;
    // The host: refused, with the key that allows it.
    let nginx = Nginx::start(&without("proxy_set_header Host"), served.address).await;
    let (status, told) = nginx.status().await;
    assert_eq!(status, 421);
    assert!(told["error"]["message"].as_str().unwrap().contains("gateway.hosts"), "{told}");
    // A host that is the gateway's and not the page's: the origin.
    let loopback = documented().replace("Host $http_host", "Host 127.0.0.1");
    let nginx = Nginx::start(&loopback, served.address).await;
    let (status, told) = nginx.status().await;
    assert_eq!(status, 403);
    assert!(told["error"]["message"].as_str().unwrap().contains("gateway.allowed_origins"), "{told}");
    // WebSockets.
    for line in ["proxy_http_version", "proxy_set_header Upgrade", "proxy_set_header Connection"] {
        let nginx = Nginx::start(&without(line), served.address).await;
        assert_eq!(nginx.socket().await.err(), Some(400), "{line}");
        assert_eq!(nginx.status().await.0, 200, "{line}");
    }
    // Compression.
    let packed =
        documented().replace("gzip off;", "gzip on; gzip_types text/event-stream; gzip_proxied any;");
    let nginx = Nginx::start(&packed, served.address).await;
    assert_eq!(nginx.stream().await.head.1["content-encoding"], "gzip");
    // Buffering: the gateway's own header turns it off, unless the proxy does not mind it.
    let nginx = Nginx::start(&without("proxy_buffering"), served.address).await;
    let mut stream = nginx.stream().await;
    assert!(stream.until(|text| text.contains("event: subscribed")).await);
    drop((stream, nginx));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_keep_a_stream_through_the_proxys_time_out() {
    let short = documented().replace("proxy_read_timeout 60s", "proxy_read_timeout 4s");
    assert_ne!(short, documented());
    let beats = served(400).await;
    let nginx = Nginx::start(&short, beats.address).await;
    let mut stream = nginx.stream().await;
    let many = |text: &str| text.matches("\n:\n").count() + usize::from(text.starts_with(":\n")) >= 21;
    assert!(stream.until(many).await, "more than eight seconds of nothing but heartbeats: {}", stream.text);
    drop((stream, nginx));
    let silent = served(20_000).await;
    let nginx = Nginx::start(&short, silent.address).await;
    assert!(!nginx.stream().await.until(|_| false).await, "the proxy ends it");
    drop(nginx);
    for served in [beats, silent] {
        end(served).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_ends_no_event_source_when_no_gateway_answers() {
    let nginx = Nginx::start(&documented(), free()).await;
    let mut stream = nginx.stream().await;
    assert_eq!((stream.head.0, &stream.head.1["content-type"]), (200, &"text/event-stream".parse().unwrap()));
    assert!(!stream.until(|_| false).await);
    assert_eq!(stream.text, "retry: 2000\n\n");
    let (status, told) = nginx.status().await;
    assert_eq!((status, &told["error"]["code"]), (503, &json!("unavailable")));
}
