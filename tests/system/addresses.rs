//! Clients behind proxies: their own addresses count for their shares, whether a header or the PROXY protocol names them.

use std::net::SocketAddr;

use runbus_gateway::Config;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::backends;
use crate::client::{PATIENCE, config, gateway};

/// A gateway that takes two connections of an address, behind a proxy on this machine.
fn behind_a_proxy(proxy_protocol: bool) -> Config {
    Config {
        // Few, so that the share is not lowered where few descriptors are left.
        max_connections: 16,
        max_connections_per_address: 2,
        trusted_addresses: vec!["127.0.0.1".into()],
        proxy_protocol,
        ..config()
    }
}

/// An event stream over a connection that begins with these bytes: the connection, and the status; `None`: it was closed.
async fn stream(gateway: SocketAddr, before: &str, header: &str) -> (TcpStream, Option<u16>) {
    let mut socket = TcpStream::connect(gateway).await.unwrap();
    let request = format!("{before}GET /v1/events/stream HTTP/1.1\r\nHost: {gateway}\r\n{header}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let reading = async {
        while !answer.windows(2).any(|end| end == b"\r\n") {
            let mut piece = [0; 512];
            match socket.read(&mut piece).await {
                Ok(0) | Err(_) => return None,
                Ok(read) => answer.extend_from_slice(&piece[..read]),
            }
        }
        std::str::from_utf8(&answer).unwrap().split(' ').nth(1).and_then(|status| status.parse().ok())
    };
    let status = tokio::time::timeout(PATIENCE, reading).await.expect("an answer, or the end");
    (socket, status)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_of_an_address_counts_for_clients_that_a_header_names() {
    let backend = backends::embedded();
    let served = gateway(&backend, behind_a_proxy(false)).await;
    let of = |client: &str| format!("X-Forwarded-For: 203.0.113.9, {client}\r\n");
    let mut open = Vec::new();
    for (client, expected) in [
        ("192.0.2.1", 200),
        ("192.0.2.1", 200),
        ("192.0.2.1", 429),
        ("192.0.2.2", 200),
        // The client's own claim does not count.
        ("192.0.2.1, 127.0.0.1", 429),
        // The proxy itself has no share.
        ("127.0.0.1", 200),
    ] {
        let (socket, status) = stream(served.address, "", &of(client)).await;
        assert_eq!(status, Some(expected), "{client}");
        open.push(socket);
    }
    served.drain.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_of_an_address_counts_for_clients_that_the_proxy_protocol_names() {
    let backend = backends::embedded();
    let served = gateway(&backend, behind_a_proxy(true)).await;
    let of = |client: &str| format!("PROXY TCP4 {client} 127.0.0.1 4711 80\r\n");
    let mut open = Vec::new();
    for (before, expected) in [
        (of("192.0.2.1"), Some(200)),
        (of("192.0.2.1"), Some(200)),
        (of("192.0.2.1"), Some(429)),
        (of("192.0.2.2"), Some(200)),
        ("PROXY UNKNOWN\r\n".into(), Some(200)),
        (String::new(), None),
        ("PROXY TCP4 nowhere 127.0.0.1 1 2\r\n".into(), None),
    ] {
        let (socket, status) = stream(served.address, &before, "").await;
        assert_eq!(status, expected, "{before:?}");
        open.push(socket);
    }
    // A client that is not a proxy cannot name another address.
    let direct = gateway(&backend, Config { trusted_addresses: Vec::new(), ..behind_a_proxy(true) }).await;
    let (_socket, status) = stream(direct.address, &of("192.0.2.1"), "").await;
    assert_eq!(status, Some(400));
    for served in [served, direct] {
        served.drain.cancel();
        served.task.await.unwrap();
    }
}
