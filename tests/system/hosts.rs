//! By which hosts a gateway may be called: every path, method and kind of connection, written as a client may write it.

use std::net::SocketAddr;

use runbus_gateway::{Config, Scrape};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::auth::{auth, end};
use crate::backends;
use crate::client::{PATIENCE, config, gateway, secured};

/// The answer to a handwritten request: its status, and all bytes.
pub async fn raw(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        // Streams do not end; a refusal and the head of an answer are there at once.
        while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
            let read = stream.read(&mut buffer).await.unwrap_or(0);
            answer.extend_from_slice(&buffer[..read]);
            if read == 0 {
                break;
            }
        }
        // A refusal says why in its body.
        if answer.starts_with(b"HTTP/1.1 4") {
            let _ = stream.shutdown().await;
            let _ = stream.read_to_end(&mut answer).await;
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("an answer comes");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer)
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_answers_only_to_its_hosts() {
    let backend = backends::embedded();
    // The option that turns authentication off turns nothing else off.
    let open = Config { allow_insecure: true, ..config() };
    let served = gateway(&backend, open).await;
    let paths: Vec<(String, String)> = runbus_gateway::endpoints::all()
        .iter()
        .map(|endpoint| (endpoint.method.to_string(), endpoint.path.replace(['{', '}'], "")))
        .chain([("GET".into(), "/nowhere".into()), ("OPTIONS".into(), "/v1/events".into())])
        .collect();
    for (method, path) in &paths {
        let ask = |host: &str| {
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}Content-Length: 0\r\n\r\n")
        };
        let (status, answer) = raw(served.address, &ask("rebound.example:8700")).await;
        assert_eq!(status, 421, "{method} {path}: {answer}");
        assert!(
            answer.contains("gateway.hosts") && answer.contains("misdirected"),
            "{method} {path}: {answer}"
        );
        let (status, _) = raw(served.address, &ask("localhost")).await;
        assert!(status != 421 && status != 0, "{method} {path}: {status}");
    }
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_has_one_reading() {
    let backend = backends::embedded();
    let (auth, _) = auth();
    let named = Config { hosts: vec!["gate.example".into(), "ported.example:8443".into()], ..config() };
    let served = secured(&backend, named, auth).await;
    for (target, version, hosts, wanted) in [
        ("/healthz", "1.1", "Host: gate.example\r\n", 200),
        ("/healthz", "1.1", "host:   GATE.Example.:99  \r\n", 200),
        ("/healthz", "1.1", "Host: ported.example:8443\r\n", 200),
        ("/healthz", "1.1", "Host: ported.example\r\n", 421),
        ("/healthz", "1.1", "Host: [::1]:8700\r\n", 200),
        ("/healthz", "1.1", "Host: 127.0.0.1\r\nX-Forwarded-Host: evil.example\r\n", 200),
        (
            "/healthz",
            "1.1",
            "Host: evil.example\r\nX-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n",
            421,
        ),
        ("/healthz", "1.1", "Host: xn--gte-0na.example\r\n", 421),
        ("/healthz", "1.1", "Host: gate.example@evil.example\r\n", 400),
        ("/healthz", "1.1", "Host: evil.example#.gate.example\r\n", 400),
        ("/healthz", "1.1", "Host: gâte.example\r\n", 400),
        ("/healthz", "1.1", "Host: gate.example, evil.example\r\n", 400),
        ("/healthz", "1.1", "Host: gate.example\r\nHost: gate.example\r\n", 400),
        ("/healthz", "1.1", "Host: gate.example\r\nHost: evil.example\r\n", 400),
        ("/healthz", "1.1", "Host:\r\n", 400),
        ("/healthz", "1.1", "", 400),
        ("/healthz", "1.0", "", 200),
        ("/healthz", "1.0", "Host: evil.example\r\n", 421),
        ("http://gate.example/healthz", "1.1", "Host: gate.example\r\n", 200),
        ("http://evil.example/healthz", "1.1", "Host: gate.example\r\n", 400),
        ("http://gate.example/healthz", "1.1", "Host: evil.example\r\n", 400),
        ("http://evil.example/healthz", "1.1", "Host: evil.example\r\n", 421),
        ("http://gate.example@evil.example/healthz", "1.1", "Host: gate.example\r\n", 400),
        ("http://gate.example/healthz", "1.0", "", 200),
    ] {
        let request = format!("GET {target} HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
        let (status, answer) = raw(served.address, &request).await;
        assert_eq!(status, wanted, "{request}{answer}");
    }
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listener_for_metrics_answers_only_to_its_hosts() {
    let scrape = Scrape::bind("127.0.0.1:0".parse().unwrap(), &["worker".into()]).await.unwrap();
    let (address, stop) = (scrape.address(), CancellationToken::new());
    let serving = tokio::spawn(scrape.run(stop.clone()));
    for (host, wanted) in
        [("worker:9464", 200), ("localhost", 200), ("127.0.0.1:9464", 200), ("evil.example", 421)]
    {
        for path in ["/metrics", "/other"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let (status, answer) = raw(address, &request).await;
            let wanted = if path == "/other" && wanted == 200 { 404 } else { wanted };
            assert_eq!(status, wanted, "{host} {path}: {answer}");
        }
    }
    let (_, answer) = raw(address, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n").await;
    assert!(answer.contains("telemetry.metrics_hosts"), "{answer}");
    stop.cancel();
    serving.await.unwrap();
    let wrong = Scrape::bind("127.0.0.1:0".parse().unwrap(), &["a/b".into()]).await.unwrap_err();
    assert!(wrong.to_string().starts_with("telemetry.metrics_hosts"));
}
