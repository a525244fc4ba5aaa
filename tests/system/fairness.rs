//! Shares: one greedy principal, or one greedy token, takes as much of the shared resources as it can; another still gets its
//! part.

use std::net::SocketAddr;

use runbus::config::Secret;
use runbus_gateway::auth::config::Limits;
use runbus_gateway::{Config, monitor};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::auth::{auth, bearer, key};
use crate::backends::{self, Backend};
use crate::client::{Client, config, secured, until};
use crate::sse::http;

/// A gateway with little of everything, where `root` and `other` have keys.
async fn small(backend: &Backend, with: Config, limits: Limits) -> (SocketAddr, Secret, Secret) {
    let (mut auth, root) = auth();
    let (other, entry) = key(&["*"]);
    auth.api_keys.insert("other".into(), entry);
    auth.limits = limits;
    let served = secured(backend, with, auth).await;
    (served.address, root, other)
}

async fn minted(address: SocketAddr, key: &Secret) -> String {
    let url = format!("http://{address}/v1/auth/tokens");
    let body = json!({ "scopes": ["read"] });
    let answer = http().post(url).bearer_auth(&*key.reveal()).json(&body).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

async fn connect(address: SocketAddr, token: &str) -> Result<Client, u16> {
    let header = format!("Bearer {token}");
    Client::handshake(address, "", &[("authorization", &header)]).await.map(|(client, _)| client)
}

/// Says message after message until one is refused: how many were not.
async fn until_refused(client: &mut Client, message: impl Fn(usize) -> Value) -> usize {
    for n in 0.. {
        client.say(&message(n)).await;
        loop {
            let answer = client.message().await.expect("the client is kept");
            match answer["type"].as_str() {
                Some("subscribed") => break,
                Some("error") => {
                    assert_eq!(answer["code"], "limit_exceeded", "{answer}");
                    return n;
                }
                _ => {}
            }
        }
    }
    unreachable!()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_does_not_use_up_the_connections_of_its_key() {
    let backend = backends::embedded();
    let limits = Limits { max_connections: 8, ..Limits::default() };
    let (address, root, _) = small(&backend, config(), limits).await;
    let (token, second) = (minted(address, &root).await, minted(address, &root).await);
    let mut held = Vec::new();
    let refused = loop {
        match connect(address, &token).await {
            Ok(client) => held.push(client),
            Err(status) => break status,
        }
    };
    assert_eq!((held.len(), refused), (2, 429), "a quarter of the key's");
    held.push(connect(address, &second).await.expect("another token has its own"));
    for _ in 0..5 {
        held.push(connect(address, &root.reveal()).await.expect("the key has the rest"));
    }
    assert_eq!(connect(address, &root.reveal()).await.err(), Some(429));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greedy_principal_leaves_scopes_and_monitors_to_others() {
    let backend = backends::embedded();
    let monitor = monitor::Config { max_streams: 16, ..monitor::Config::default() };
    let with = Config { max_hubs: 16, monitor, ..config() };
    let (address, root, other) = small(&backend, with, Limits::default()).await;
    let token = minted(address, &root).await;
    let scope = |n| json!({ "type": "subscribe", "id": format!("s{n}"), "filter": { "stream_id": "s", "execution_id": format!("e{n}") } });
    let stream = |n| json!({ "type": "monitor", "id": format!("m{n}"), "stream_id": format!("stream-{n}") });
    let mut by_token = connect(address, &token).await.unwrap();
    assert_eq!(until_refused(&mut by_token, scope).await, 2, "a quarter of what its key may have");
    assert_eq!(until_refused(&mut by_token, stream).await, 2);
    // A scope that is watched already costs nothing: others pay for it too.
    let other_scope = |n| scope(100 + n);
    let other_stream = |n| stream(100 + n);
    let mut greedy = connect(address, &root.reveal()).await.unwrap();
    assert_eq!(until_refused(&mut greedy, other_scope).await, 6, "half, with its token's");
    assert_eq!(until_refused(&mut greedy, other_stream).await, 6);
    let mut second = connect(address, &root.reveal()).await.unwrap();
    assert_eq!(
        until_refused(&mut second, |n| scope(200 + n)).await,
        0,
        "another connection is the same principal"
    );
    let mut modest = connect(address, &other.reveal()).await.unwrap();
    assert_eq!(until_refused(&mut modest, |n| scope(300 + n)).await, 4, "half of what is left");
    assert_eq!(until_refused(&mut modest, |n| stream(300 + n)).await, 4);
}

/// Pages that nobody reads hold memory: their principal gets no more, others do.
#[tokio::test(flavor = "multi_thread")]
async fn unread_pages_are_bounded_for_each_principal() {
    let backend = backends::embedded();
    crate::limits::fill(&backend, 64, 200 * 1024).await;
    let with = Config {
        held_bytes: 32 * 1024 * 1024,
        socket_buffer_bytes: 4096,
        write_timeout_ms: 120_000,
        ..config()
    };
    let (address, root, other) = small(&backend, with, Limits::default()).await;
    let path = "/v1/events?limit=1000&order=oldest";
    let mut stuck = Vec::new();
    let mut refused = 0;
    for _ in 0..80 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
            &*root.reveal()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        socket.read_exact(&mut head).await.unwrap();
        match &head {
            b"HTTP/1.1 200" => stuck.push(socket),
            b"HTTP/1.1 429" => refused += 1,
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
        if refused == 2 {
            break;
        }
    }
    assert_eq!(refused, 2, "{} pages are held for one principal", stuck.len());
    let (status, page) = bearer(address, path, &other.reveal()).await;
    assert_eq!(status, 200, "{page}");
    drop(stuck);
    // Pages that are not read any more give their share back.
    until("the share is given back", async || bearer(address, path, &root.reveal()).await.0 == 200).await;
}
