//! `http_fetch` against a server on this machine.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Config;
use super::address::Lookup;
use super::client::with_lookup;
use crate::tool::{Outcome, Registry};

/// A server, and how many requests it got.
struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(stream, address.port()));
            }
        });
        Self { address, requests }
    }

    /// Fetches `url`, with `PORT` in it and in the rules replaced by the server's.
    async fn fetch(&self, url: &str, config: Config, names: fn(&str, usize) -> &'static str) -> Outcome {
        let here = |text: &str| text.replace("PORT", &self.address.port().to_string());
        let allow = config.allow.iter().map(|rule| here(rule)).collect();
        let looked_up = AtomicUsize::new(0);
        let lookup = Lookup::Fixed(Arc::new(move |name| {
            let nth = looked_up.fetch_add(1, Ordering::SeqCst);
            names(name, nth).split(' ').map(|address| address.parse::<IpAddr>().unwrap()).collect()
        }));
        let tool = with_lookup(&Config { allow, ..config }, lookup).unwrap();
        let registry = Registry::new().with(tool).unwrap();
        registry
            .everything()
            .attempt("http_fetch", "call", "key", &json!({"url": here(url)}).to_string())
            .await
    }
}

/// Answers one request.
async fn answer(mut stream: TcpStream, port: u16) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap();
    let redirect = |to: &str| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let page = |kind: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let response = match path {
        "/page" => page("text/html; charset=utf-8", "<title>T</title><p>Hello <b>you</b>"),
        "/data" => page("application/problem+json", "{\"a\":1}"),
        "/image" => page("image/png", "png"),
        "/huge" => page("text/plain", &"x".repeat(100_000)),
        "/inside" => redirect("/page"),
        "/outside" => redirect(&format!("http://other.test:{port}/page")),
        "/metadata" => redirect("http://169.254.169.254/latest"),
        "/loop" => redirect("/loop"),
        "/slow" => {
            let start = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 10\r\n\r\nx";
            stream.write_all(start.as_bytes()).await.unwrap();
            std::future::pending().await
        }
        "/endless" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
            return;
        }
        _ => "HTTP/1.1 404 Not Found\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nnone".to_owned(),
    };
    let _ = stream.write_all(response.as_bytes()).await;
}

fn config() -> Config {
    Config {
        allow: vec!["http://site.test:PORT/".into()],
        allow_private: true,
        max_bytes: 2000,
        ..Config::default()
    }
}

fn here(_: &str, _: usize) -> &'static str {
    "127.0.0.1"
}

#[tokio::test]
async fn pages_are_read_as_text() {
    let server = Server::start().await;
    for (path, expected) in [
        ("page", "\n\nT\n\nHello you"),
        ("inside", "/page\ncontent-type: text/html"),
        ("data", "{\"a\":1}"),
        ("huge", "xx\n[... cut after 2000 bytes ...]"),
        ("endless", "xx\n[... cut after 2000 bytes ...]"),
    ] {
        let outcome = server.fetch(&format!("http://site.test:PORT/{path}"), config(), here).await;
        assert!(!outcome.is_error() && outcome.content.contains(expected), "{path}: {outcome:?}");
        assert!(outcome.content.len() < 2300);
    }
}

#[tokio::test]
async fn an_unreadable_page_is_an_error() {
    let server = Server::start().await;
    for (url, expected) in [
        ("http://site.test:PORT/image", "only text and JSON"),
        ("http://site.test:PORT/none", "HTTP 404"),
        ("http://site.test:PORT/loop", "more than 5 redirects"),
        ("http://site.test:PORT/outside", "http://other.test"),
        ("http://site.test:PORT/metadata", "169.254.169.254/latest is not allowed"),
        ("http://other.test:PORT/page", "is not allowed"),
        ("http://site.test:PORT@other.test/", "is not allowed"),
        ("file:///etc/passwd", "is not allowed"),
        ("nonsense", "no address"),
    ] {
        let outcome = server.fetch(url, config(), here).await;
        assert!(outcome.is_error() && outcome.content.contains(expected), "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn addresses_that_are_not_public_are_not_reached() {
    let server = Server::start().await;
    let closed = || Config {
        allow: vec![
            "http://site.test:PORT/".into(),
            "http://127.0.0.1:PORT/".into(),
            "http://[::1]:PORT/".into(),
        ],
        allow_private: false,
        ..config()
    };
    let mixed = |_: &str, _: usize| "1.1.1.1 127.0.0.1";
    for (url, names) in [
        ("http://site.test:PORT/page", here as fn(&str, usize) -> &'static str),
        ("http://site.test:PORT/page", mixed),
        ("http://127.0.0.1:PORT/page", here),
        ("http://2130706433:PORT/page", here),
        ("http://0x7f.1:PORT/page", here),
        ("http://[::1]:PORT/page", here),
    ] {
        let outcome = server.fetch(url, closed(), names).await;
        assert!(
            outcome.is_error() && outcome.content.contains("is not a public address"),
            "{url}: {outcome:?}"
        );
    }
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn each_connection_goes_to_the_address_that_was_checked() {
    let server = Server::start().await;
    // The first answer is the only one that leads to the server: a second look-up would fail the request.
    let once = |_: &str, nth: usize| if nth == 0 { "127.0.0.1" } else { "127.255.255.254" };
    let outcome = server.fetch("http://site.test:PORT/page", config(), once).await;
    assert!(!outcome.is_error(), "{outcome:?}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_slow_body_ends_in_time() {
    let server = Server::start().await;
    let hasty = Config { timeout_ms: 300, ..config() };
    let outcome = server.fetch("http://site.test:PORT/slow", hasty, here).await;
    assert!(outcome.is_error(), "{outcome:?}");
}
