//! Clients that are slow at everything, over real sockets. Time is paused: it passes when nobody has anything to do.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::api::body::Body;
use crate::config::{Bounds, Trusted};
use crate::net::sockets::Sockets;

const WIDE: Bounds = Bounds { admitted: 8, admitted_per_address: 8, waiting: 8, waiting_per_address: 8 };
const PATIENCE: Duration = Duration::from_secs(30);
const LARGE: usize = 64 * 1024 * 1024;

async fn take(body: Result<Body<serde_json::Value>, crate::api::error::Failure>) -> Response {
    body.map_or_else(IntoResponse::into_response, |_| "taken".into_response())
}

async fn served(bounds: Bounds) -> SocketAddr {
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/large", get(|| async { Bytes::from(vec![7; LARGE]) }))
        .route("/body", post(take));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, hard) = (CancellationToken::new(), CancellationToken::new());
    let serving = Serving { router, tls: None, proxy_protocol: false, patience: PATIENCE, stop, hard };
    tokio::spawn(serving.run(Acceptor::new(listener, Sockets::new(bounds, Trusted::default()))));
    address
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.unwrap()
}

/// All that comes until the connection ends, and when it does.
async fn rest(stream: &mut TcpStream, began: Instant) -> (String, Duration) {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read) = stream.read(&mut buffer).await
        && read > 0
    {
        all.extend_from_slice(&buffer[..read]);
    }
    (String::from_utf8(all).unwrap(), began.elapsed())
}

/// An answer with its length.
async fn answer(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    while !all.ends_with(b"here") {
        all.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(all).unwrap()
}

fn is_about(found: Duration, wanted: Duration) -> bool {
    found >= wanted && found < wanted + Duration::from_secs(2)
}

#[tokio::test(start_paused = true)]
async fn a_head_has_its_time_however_its_bytes_come() {
    let address = served(WIDE).await;
    let (began, mut silent) = (Instant::now(), connect(address).await);
    let (text, took) = rest(&mut silent, began).await;
    assert!(text.is_empty() && is_about(took, limits::HEAD_PATIENCE), "{took:?} {text}");

    let (began, mut slow) = (Instant::now(), connect(address).await);
    for byte in "GET / HTTP/1.1\r\nHost: localhost\r\n".bytes().chain(std::iter::repeat(b'x')) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if slow.write_all(&[byte]).await.is_err() {
            break;
        }
        assert!(began.elapsed() < 2 * limits::HEAD_PATIENCE, "byte by byte for ever");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_be_idle_between_requests_and_no_longer() {
    let address = served(WIDE).await;
    let mut stream = connect(address).await;
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(limits::REQUEST_PATIENCE - Duration::from_secs(5)).await;
    }
    // The next head has its time from its first byte.
    let began = Instant::now();
    stream.write_all(b"GET").await.unwrap();
    let (_, took) = rest(&mut stream, began).await;
    assert!(took <= limits::HEAD_PATIENCE + Duration::from_secs(2), "{took:?}");
    let mut stream = connect(address).await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    answer(&mut stream).await;
    let (_, took) = rest(&mut stream, Instant::now()).await;
    assert!(is_about(took, limits::REQUEST_PATIENCE), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_must_come_and_go_on_coming() {
    let address = served(WIDE).await;
    for (piece, pause, wanted) in [
        (0, 1000, limits::BODY_PROGRESS),
        (1, 1000, limits::BODY_PROGRESS),
        (limits::BODY_PROGRESS_BYTES, 5000, limits::BODY_PATIENCE),
    ] {
        let began = Instant::now();
        let (mut reads, mut writes) = connect(address).await.into_split();
        let head = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n";
        writes.write_all(head.as_bytes()).await.unwrap();
        let writing = tokio::spawn(async move {
            while writes.write_all(&vec![b' '; piece]).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
        });
        let mut text = String::new();
        let _ = reads.read_to_string(&mut text).await;
        let took = began.elapsed();
        writing.abort();
        assert!(text.starts_with("HTTP/1.1 408"), "{text}");
        assert!(text.contains("too_slow") && text.contains("connection: close"), "{text}");
        assert!(is_about(took, wanted), "{piece}: {took:?}");
    }
    // One that comes in time is taken, in any pieces.
    let mut stream = connect(address).await;
    let head = "POST /body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 8002\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..4 {
        stream.write_all(&[b' '; 2000]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(6)).await;
    }
    stream.write_all(b"}").await.unwrap();
    let (text, _) = rest(&mut stream, Instant::now()).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_untaken_answer_is_given_up() {
    let address = served(WIDE).await;
    for takes in [0, 16] {
        let (began, mut stream) = (Instant::now(), connect(address).await);
        stream.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        let mut buffer = vec![0; takes];
        while began.elapsed() < 3 * PATIENCE {
            stream.read_exact(&mut buffer).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // The rest was not sent: less than all came, then the end.
        let (mut all, mut buffer) = (0, vec![0; 1024 * 1024]);
        while let Ok(read) = stream.read(&mut buffer).await
            && read > 0
        {
            all += read;
        }
        assert!(all < LARGE, "{takes}: {all}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_oldest_silent_socket_goes_for_a_newer_one() {
    let address = served(Bounds { waiting: 3, waiting_per_address: 2, ..WIDE }).await;
    let (began, mut first) = (Instant::now(), connect(address).await);
    let mut second = connect(address).await;
    let mut third = connect(address).await;
    let (_, took) = rest(&mut first, began).await;
    assert!(took < limits::HEAD_PATIENCE, "at once: {took:?}");
    for stream in [&mut second, &mut third] {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
        assert!(answer(stream).await.starts_with("HTTP/1.1 200"));
    }
}
