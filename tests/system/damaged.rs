//! Damaged lines among sound ones, at every position: each reader in each form gets every sound line as an event, once and in order, and
//! every damaged one as `undecodable`.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::StreamExt;
use runbus::bus::history::{Order, Query};
use runbus::bus::{Delivery, Filter};
use runbus::id::{EventId, ExecutionId, StreamId};
use runbus::limits::EVENT_BYTES;
use runbus::log::{Expect, Frame, Since};
use runbus::subject::Topic;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::backends::{self, Backend};
use crate::client::{Client, PATIENCE, config, gateway};
use crate::sse::{Stream, http};
use crate::wire::Binary;

/// Lines of a frame.
const LINES: usize = 4;

/// An item that a reader must get: an event with this number, or an undecodable line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Sound(usize),
    Damaged,
}

fn sound(n: usize) -> String {
    format!(
        r#"{{"id":"{}","type":"llm_text_delta","stream_id":"s","node_id":"n","execution_id":"e","data":{{"content":"{n};"}},"timestamp":"2026-01-01T00:00:00Z"}}"#,
        EventId::generate()
    )
}

fn with(n: usize, field: &[u8]) -> Vec<u8> {
    let line = sound(n);
    [b"{", field, b",", &line.as_bytes()[1..]].concat()
}

/// Every way in which a line is no event for some parser or other.
fn damaged(n: usize) -> Vec<Vec<u8>> {
    let deep = format!("\"x\":{}{}", "[".repeat(5000), "]".repeat(5000));
    let line = sound(n).into_bytes();
    let nested = r#""x":[{"$serde_json::private::RawValue":"[1]"}]"#;
    vec![
        with(n, b"\"x\":\"\xff\""),
        with(n, b"\"\xc3\":1"),
        sound(n).replace("\"content\":\"", "\"content\":\"\u{1}").into_bytes(),
        [&b"\xef\xbb\xbf"[..], &line].concat(),
        [&b"\0"[..], &line].concat(),
        with(n, br#""x":"\ud800""#),
        with(n, br#""x":"\udc00\ud800""#),
        with(n, br#""x":1e999"#),
        with(n, format!("\"x\":{}", "9".repeat(400)).as_bytes()),
        with(n, deep.as_bytes()),
        with(n, nested.as_bytes()),
        with(n, nested.replace('$', "\\u0024").as_bytes()),
        with(n, br#""stream_id":"s""#),
        line[..line.len() / 2].to_vec(),
        [&line[..], b" x"].concat(),
        b" \t ".to_vec(),
        b"\r".to_vec(),
        b"[]".to_vec(),
        b"no event \xfe".to_vec(),
    ]
}

/// Lines that are unusual, and sound.
fn unusual(n: usize) -> Vec<Vec<u8>> {
    let line = sound(n);
    let room = EVENT_BYTES - line.len() - r#""x":"","#.len();
    vec![
        line.clone().into_bytes(),
        format!("{line}\r").into_bytes(),
        line.replace(",\"", ",\r\"").into_bytes(),
        with(n, br#""x":1,"x":2"#),
        with(n, br#""x":"\ud83d\ude00\u0000","y":123456789012345678901234567890"#),
        with(n, br#""seq":7,"cursor":"mine","sub":"other""#),
        with(n, format!("\"x\":\"{}\"", "x".repeat(room)).as_bytes()),
    ]
}

async fn append(backend: &Backend, lines: &[Vec<u8>]) {
    let topic = Topic::Events {
        stream: StreamId::new("s").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("e").unwrap()),
    };
    let lines: Vec<Bytes> = lines.iter().cloned().map(Bytes::from).collect();
    backend.log.append(&topic, &Frame::open(&lines), Expect::Open(EventId::generate())).await.unwrap();
}

/// Appends frames with each damage at each position, and without any; returns their items.
async fn fill(backend: &Backend) -> Vec<Item> {
    let mut items = Vec::new();
    let mut n = 0;
    for damage in 0..damaged(0).len() {
        for at in 0..LINES {
            let mut lines = Vec::new();
            for place in 0..LINES {
                if place == at {
                    lines.push(damaged(n)[damage].clone());
                    items.push(Item::Damaged);
                } else {
                    lines.push(sound(n).into_bytes());
                    items.push(Item::Sound(n));
                }
                n += 1;
            }
            append(backend, &lines).await;
        }
    }
    for line in 0..unusual(0).len() {
        append(backend, &[b"no event".to_vec(), unusual(n)[line].clone()]).await;
        items.extend([Item::Damaged, Item::Sound(n)]);
        n += 1;
    }
    // Nothing, nothing but line feeds, and more than any event has.
    for payload in
        [Vec::new(), b"\n\n".to_vec(), with(n, format!("\"x\":\"{}\"", "x".repeat(EVENT_BYTES)).as_bytes())]
    {
        append(backend, &[payload]).await;
        items.push(Item::Damaged);
    }
    append(backend, &[sound(n).into_bytes()]).await;
    items.push(Item::Sound(n));
    items
}

/// The numbers in an event: several when it was merged.
fn take(event: &Value, into: &mut Vec<Item>) {
    assert!(event["cursor"].is_string() && event["seq"].is_u64(), "{event}");
    if event["type"] == "undecodable" {
        assert!(event["line"].is_string() && event["reason"].is_string(), "{event}");
        into.push(Item::Damaged);
        return;
    }
    let content = event["data"]["content"].as_str().unwrap_or_else(|| panic!("{event}"));
    into.extend(content.split_terminator(';').map(|n| Item::Sound(n.parse().unwrap())));
}

/// Reads the items of a WebSocket message; `true` when the reader has caught up.
fn collect(message: &Value, into: &mut Vec<Item>) -> bool {
    match message["type"].as_str().unwrap() {
        "events" => {
            assert_eq!(message["sub"], "s", "{message}");
            message["events"].as_array().unwrap().iter().for_each(|event| take(event, into));
        }
        "undecodable" => {
            assert_eq!(message["sub"], "s", "{message}");
            take(message, into);
        }
        "subscribed" | "hello" | "snapshot" => {}
        "caught_up" => return true,
        other => panic!("{other}: {message}"),
    }
    false
}

async fn library(backend: &Backend, filter: Filter, count: usize) -> Vec<Item> {
    let (mut reader, mut found) = (backend.bus().read(filter, Since::All).await.unwrap(), Vec::new());
    while found.len() < count {
        one(&reader.next().await.unwrap(), &mut found);
    }
    found
}

fn one(delivery: &Delivery, into: &mut Vec<Item>) {
    match delivery {
        Delivery::Event(found) => {
            let mut event: Value = serde_json::from_str(&found.line).unwrap();
            event["seq"] = found.seq.into();
            event["cursor"] = found.cursor.to_string().into();
            take(&event, into);
        }
        Delivery::Undecodable(found) => take(&serde_json::from_str(&found.json()).unwrap(), into),
        Delivery::Gap(gap) => panic!("{gap:?}"),
        Delivery::CaughtUp => {}
    }
}

async fn pages(backend: &Backend, order: Order, limit: usize) -> Vec<Item> {
    let filter = Filter::execution(ExecutionId::new("e").unwrap());
    let mut query = Query { filter, order, limit, ..Query::default() };
    let mut found = Vec::new();
    loop {
        let page = backend.bus().history(&query).await.unwrap();
        page.events.iter().for_each(|delivery| one(delivery, &mut found));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    if order == Order::Newest {
        found.reverse();
    }
    found
}

fn subscribe(filter: &Value, since: &str, coalesce: bool, batch: usize) -> Value {
    json!({ "type": "subscribe", "id": "s", "filter": filter, "since": since, "coalesce": coalesce, "batch": batch })
}

async fn websocket(
    address: SocketAddr,
    filter: &Value,
    coalesce: bool,
    batch: usize,
    count: usize,
) -> Vec<Item> {
    let mut client = Client::connect(address).await;
    client.say(&subscribe(filter, "all", coalesce, batch)).await;
    let mut found = Vec::new();
    while found.len() < count {
        collect(&client.message().await.expect("the client is kept"), &mut found);
    }
    found
}

async fn cbor(address: SocketAddr, filter: &Value, coalesce: bool, batch: usize, count: usize) -> Vec<Item> {
    let mut client = Binary::connect(address, "runbus.v1.cbor").await;
    client.say(&subscribe(filter, "all", coalesce, batch)).await;
    let mut found = Vec::new();
    while found.len() < count {
        collect(&client.receive().await.expect("the client is kept"), &mut found);
    }
    found
}

async fn stream(address: SocketAddr, path: &str, count: usize) -> Vec<Item> {
    let mut stream = Stream::open(address, path, None).await;
    let mut found = Vec::new();
    while found.len() < count {
        let frame = stream.message().await.expect("the client is kept");
        match frame.event.as_str() {
            "subscribed" | "caught_up" => {}
            "llm_text_delta" | "undecodable" => {
                assert_eq!(frame.json()["cursor"].as_str(), frame.id.as_deref());
                take(&frame.json(), &mut found);
            }
            other => panic!("{other}: {frame:?}"),
        }
    }
    found
}

async fn rest(address: SocketAddr, query: &str, count: usize) -> Vec<Item> {
    let (http, mut found, mut cursor) = (http(), Vec::new(), String::new());
    while found.len() < count {
        let url = format!("http://{address}/v1/executions/e/events?{query}{cursor}");
        let answer = http.get(url).timeout(PATIENCE).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        let page: Value = answer.json().await.unwrap();
        page["events"].as_array().unwrap().iter().for_each(|event| take(event, &mut found));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    if query.contains("newest") {
        found.reverse();
    }
    found
}

/// A task as its own server served it: every event is a step.
async fn drop_in(address: SocketAddr, count: usize) -> Vec<Item> {
    let (mut socket, _) = connect_async(format!("ws://{address}/ws/tasks/e")).await.unwrap();
    let mut found = Vec::new();
    while found.len() < count {
        let frame = tokio::time::timeout(PATIENCE, socket.next()).await.expect("nothing comes");
        let Message::Text(text) = frame.unwrap().unwrap() else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        match message["data"]["event_type"].as_str() {
            Some("llm_text_delta") => {
                let content = message["data"]["data"]["content"].as_str().unwrap();
                found.push(Item::Sound(content.trim_end_matches(';').parse().unwrap()));
            }
            Some("undecodable") => found.push(Item::Damaged),
            _ => {}
        }
    }
    found
}

/// A client of another server's protocol whose messages have the field `event`.
struct Foreign(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Foreign {
    async fn connect(address: SocketAddr, path: &str, first: &str) -> Self {
        let (socket, _) = connect_async(format!("ws://{address}{path}")).await.unwrap();
        let mut client = Self(socket);
        client.until(first, 1).await;
        client
    }

    /// Waits for so many messages of a kind.
    async fn until(&mut self, kind: &str, count: usize) {
        let mut found = 0;
        while found < count {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await;
            let frame = frame.unwrap_or_else(|_elapsed| panic!("{found} of {count} {kind} came"));
            let Message::Text(text) = frame.unwrap().unwrap() else { continue };
            let message: Value = serde_json::from_str(&text).unwrap();
            found += usize::from(message["event"] == kind);
        }
    }
}

fn same(who: &str, backend: &Backend, found: &[Item], wanted: &[Item]) {
    let wrong = found.iter().zip(wanted).position(|(found, wanted)| found != wanted);
    let around = wrong.map(|at| (at, &found[at.saturating_sub(2)..(at + 3).min(found.len())]));
    assert!(found == wanted, "{who} on {}: {} of {}: {around:?}", backend.name, found.len(), wanted.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_line_hides_no_other_line_from_any_reader() {
    for backend in backends::all().await {
        let wanted = fill(&backend).await;
        let count = wanted.len();
        let filters = [
            (json!({ "execution_id": "e" }), "execution_id=e"),
            (json!({ "stream_id": "s", "execution_id": "e" }), "stream_id=s&execution_id=e"),
            (json!({}), ""),
        ];
        for filter in [Filter::all(), Filter::execution(ExecutionId::new("e").unwrap())] {
            same("the library", &backend, &library(&backend, filter, count).await, &wanted);
        }
        for (order, limit) in
            [(Order::Oldest, 7), (Order::Newest, 5), (Order::Oldest, 1), (Order::Newest, 10_000)]
        {
            same("history", &backend, &pages(&backend, order, limit).await, &wanted);
        }
        let mut small = config();
        (small.hub_buffer_bytes, small.client_buffer_bytes) = (65_536, 16_384);
        for config in [config(), small] {
            let served = gateway(&backend, config).await;
            let address = served.address;
            for (filter, query) in &filters {
                for (coalesce, batch) in [(false, 256), (true, 256), (false, 1)] {
                    let who = format!("{query} {coalesce} {batch}");
                    let found = websocket(address, filter, coalesce, batch, count).await;
                    same(&format!("a WebSocket of {who}"), &backend, &found, &wanted);
                    let found = cbor(address, filter, coalesce, batch, count).await;
                    same(&format!("CBOR of {who}"), &backend, &found, &wanted);
                    let path = format!("/v1/events/stream?since=all&coalesce={coalesce}&{query}");
                    same(&path, &backend, &stream(address, &path, count).await, &wanted);
                }
            }
            for query in [
                "order=oldest&limit=9",
                "order=newest&limit=9",
                "order=newest&limit=1000",
                "wait_ms=60000&limit=50",
            ] {
                same(query, &backend, &rest(address, query, count).await, &wanted);
            }
            served.drain.cancel();
            served.task.await.unwrap();
        }
        let served = gateway(&backend, config()).await;
        same("a task", &backend, &drop_in(served.address, count).await, &wanted);
    }
}

/// Connected readers, and readers that joined with a snapshot, get the lines that follow in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn live_readers_and_joiners_get_every_line_too() {
    for backend in backends::all().await {
        append(&backend, &[sound(0).into_bytes()]).await;
        let served = gateway(&backend, config()).await;
        let filter = json!({ "stream_id": "s", "execution_id": "e" });
        let mut live = Client::connect(served.address).await;
        let mut joined = Client::connect(served.address).await;
        let mut binary = Binary::connect(served.address, "runbus.v1.cbor").await;
        live.say(&subscribe(&filter, "new", false, 256)).await;
        joined.say(&subscribe(&filter, "snapshot", false, 256)).await;
        binary.say(&subscribe(&filter, "new", false, 256)).await;
        let mut found = [Vec::new(), Vec::new(), Vec::new()];
        while !collect(&live.message().await.unwrap(), &mut found[0]) {}
        while !collect(&joined.message().await.unwrap(), &mut found[1]) {}
        while !collect(&binary.receive().await.unwrap(), &mut found[2]) {}
        assert!(found.iter().all(Vec::is_empty), "{found:?}");
        let mut council = Foreign::connect(served.address, "/ws/council/e", "connected").await;
        let mut agent = Foreign::connect(served.address, "/ws/agents/s", "agent.snapshot").await;
        let mut agents = Foreign::connect(served.address, "/ws/agents", "agent.snapshot").await;
        let wanted = fill(&backend).await;
        while found[0].len() < wanted.len() {
            collect(&live.message().await.expect("the client is kept"), &mut found[0]);
        }
        while found[1].len() < wanted.len() {
            collect(&joined.message().await.expect("the client is kept"), &mut found[1]);
        }
        while found[2].len() < wanted.len() {
            collect(&binary.receive().await.expect("the client is kept"), &mut found[2]);
        }
        for (who, found) in ["live", "joined", "live in CBOR"].into_iter().zip(&found) {
            same(who, &backend, found, &wanted);
        }
        // Dialects that leave deltas out.
        let damaged = wanted.iter().filter(|item| **item == Item::Damaged).count();
        for foreign in [&mut council, &mut agent, &mut agents] {
            foreign.until("undecodable", damaged).await;
        }
    }
}
