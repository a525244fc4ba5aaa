//! The gateway over a log that refuses, lags, forgets or is made again: nothing is lost without a word.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Source};
use runbus::id::{EventId, ExecutionId, StreamId};
use runbus::log::{
    AppendError, Bounds, Expect, Feeder, Frame, Log, Page, Read, ReadError, Sequence, Signal, Stored, Tail,
    feed,
};
use runbus::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use runbus::time::Clock;
use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::backends::{self, Backend};
use crate::client::{Client, gateway, without_lists as config};
use crate::dropin::last_message;

/// A log with injected faults.
#[derive(Debug)]
pub struct Faulty {
    layout: Layout,
    inner: RwLock<Arc<dyn Log>>,
    /// The frames before this place have been removed.
    pub floor: AtomicU64,
    refuses: AtomicBool,
    lags: AtomicBool,
    reads: AtomicU64,
    /// Payload bytes that were read.
    pub bytes: AtomicU64,
    tails: AtomicU64,
    feeders: Mutex<Vec<Feeder>>,
    /// Reads of a slow client's size take a while.
    pub takes_its_time: AtomicBool,
    small: AtomicUsize,
    /// How many of them there were at the same time.
    pub most_small: AtomicUsize,
}

/// Counts itself while it is there.
struct Here<'a>(&'a AtomicUsize);

impl Drop for Here<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Faulty {
    fn inner(&self) -> Arc<dyn Log> {
        self.inner.read().unwrap().clone()
    }

    async fn take_time(&self, read: &Read) {
        if self.takes_its_time.load(Ordering::SeqCst) && read.max_bytes <= runbus_gateway::limits::LEAST_BYTES
        {
            let here = Here(&self.small);
            let at_once = self.small.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_small.fetch_max(at_once, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(2)).await;
            drop(here);
        }
    }

    fn suspect(&self) {
        self.feeders.lock().unwrap().iter().for_each(Feeder::suspect);
    }
}

#[async_trait]
impl Log for Faulty {
    fn layout(&self) -> std::sync::Arc<Layout> {
        std::sync::Arc::new(self.layout.clone())
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.inner().append(topic, frame, expect).await
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.take_time(read).await;
        if self.refuses.load(Ordering::SeqCst) {
            return Err(ReadError::Refused("as told".into()));
        }
        if self.lags.load(Ordering::SeqCst) {
            return Ok(Page { frames: Vec::new(), done: true });
        }
        let from = read.from.max(Sequence(self.floor.load(Ordering::SeqCst)));
        let page = self.inner().read(&Read { from, ..read.clone() }).await?;
        let bytes: usize = page.frames.iter().map(|stored| stored.frame.payload.len()).sum();
        self.bytes.fetch_add(bytes as u64, Ordering::SeqCst);
        Ok(page)
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.inner().last(key).await
    }
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.tails.fetch_add(1, Ordering::SeqCst);
        let mut good = self.inner().tail(scope).await?;
        let (feeder, tail) = feed(());
        self.feeders.lock().unwrap().push(feeder.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    signal = good.next() => match signal {
                        Some(Signal::Frame(stored)) => feeder.frame(stored),
                        Some(Signal::Suspect) => feeder.suspect(),
                        None => return,
                    },
                    () = feeder.closed() => return,
                }
            }
        });
        Ok(tail)
    }
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        let mut bounds = self.inner().bounds(lane, shard).await?;
        bounds.first = bounds.first.max(Sequence(self.floor.load(Ordering::SeqCst)));
        Ok(bounds)
    }
    async fn ready(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

pub fn faulty() -> (Backend, Arc<Faulty>) {
    let mut backend = backends::embedded();
    let log = Arc::new(Faulty {
        layout: Layout::single(),
        inner: RwLock::new(backend.log.clone()),
        floor: AtomicU64::new(0),
        refuses: AtomicBool::new(false),
        lags: AtomicBool::new(false),
        reads: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        tails: AtomicU64::new(0),
        feeders: Mutex::default(),
        takes_its_time: AtomicBool::new(false),
        small: AtomicUsize::new(0),
        most_small: AtomicUsize::new(0),
    });
    backend.log = log.clone();
    (backend, log)
}

fn delta(n: usize, pad: usize) -> Event {
    let (stream, execution) = (StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap());
    let snapshot = (pad > 0).then(|| "x".repeat(pad));
    Source::execution(stream, execution, Clock::System)
        .llm_text_delta(TextDelta { content: n.to_string(), snapshot })
}

pub async fn publish(backend: &Backend, numbers: std::ops::Range<usize>, pad: usize) {
    let events: Vec<Event> = numbers.map(|n| delta(n, pad)).collect();
    for answer in backend.bus().publish_batch(events).await.unwrap() {
        answer.unwrap();
    }
}

fn topic() -> Topic {
    let (stream_id, execution) = (StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap());
    Topic::Events { stream: stream_id, node: None, execution: Some(execution) }
}

fn narrow() -> Value {
    json!({ "stream_id": "s", "execution_id": "e" })
}

fn broad() -> Value {
    json!({ "stream_id": "s" })
}

fn small() -> Config {
    Config { hub_buffer_bytes: 65_536, client_buffer_bytes: 16_384, ..config() }
}

/// The frames that a client gets until the event `last`.
#[derive(Debug, Default)]
struct Told {
    numbers: Vec<usize>,
    gaps: Vec<Value>,
    caught_up: usize,
}

async fn until(client: &mut Client, last: usize) -> Told {
    let mut told = Told::default();
    while told.numbers.last() != Some(&last) {
        let message = client.message().await.expect("the connection stays");
        match message["type"].as_str().unwrap() {
            "events" => {
                for event in message["events"].as_array().unwrap() {
                    told.numbers.push(event["data"]["content"].as_str().unwrap().parse().unwrap());
                }
            }
            "gap" => told.gaps.push(message),
            "caught_up" => told.caught_up += 1,
            other => panic!("{other}"),
        }
    }
    told
}

async fn joined(address: std::net::SocketAddr, filter: Value, since: Value) -> (Client, Value) {
    let mut client = Client::connect(address).await;
    let cursor = client.subscribe(filter, since).await["cursor"].clone();
    (client, cursor)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_made_again_is_read_from_its_start() {
    for filter in [narrow(), broad()] {
        let (backend, log) = faulty();
        publish(&backend, 0..10, 0).await;
        let served = gateway(&backend, config()).await;
        let (mut client, _) = joined(served.address, filter.clone(), json!("new")).await;
        publish(&backend, 10..12, 0).await;
        until(&mut client, 11).await;
        let other = backends::embedded();
        publish(&other, 0..15, 0).await;
        *log.inner.write().unwrap() = other.log.clone();
        log.suspect();
        let told = until(&mut client, 14).await;
        assert_eq!((told.gaps.len(), told.numbers), (1, (0..15).collect()), "{filter}");
        // Its first place resumes there, without another gap.
        let since = json!({ "cursor": told.gaps[0]["first_available"] });
        let (mut client, _) = joined(served.address, filter.clone(), since).await;
        let told = until(&mut client, 14).await;
        assert_eq!((told.gaps.len(), told.numbers), (0, (0..15).collect()), "{filter}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_refuses_closes_its_readers() {
    for filter in [narrow(), broad()] {
        let (backend, log) = faulty();
        publish(&backend, 0..3, 0).await;
        let served = gateway(&backend, config()).await;
        let (mut client, _) = joined(served.address, filter, json!("all")).await;
        until(&mut client, 2).await;
        log.refuses.store(true, Ordering::SeqCst);
        log.suspect();
        assert_eq!(client.closed().await, Some(4003));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_refuses_closes_the_clients_of_drop_in_endpoints() {
    for path in ["/ws/tasks/e", "/ws/council/e", "/ws/agents/s", "/ws/agents"] {
        let (backend, log) = faulty();
        publish(&backend, 0..3, 0).await;
        let served = gateway(&backend, config()).await;
        let refuse = || {
            log.refuses.store(true, Ordering::SeqCst);
            log.suspect();
        };
        let (last, code) = last_message(served.address, path, refuse).await;
        assert_eq!(code, Some(1011), "{path} {last}");
        assert!(last["type"] == "error" || last["event"] == "error", "{path} {last}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_that_overtakes_a_slow_client_is_a_gap() {
    for filter in [narrow(), broad()] {
        let (backend, log) = faulty();
        let served = gateway(&backend, Config { write_timeout_ms: 120_000, ..small() }).await;
        let (mut client, _) = joined(served.address, filter.clone(), json!("all")).await;
        publish(&backend, 0..2500, 8000).await;
        // Readers that were at their place a moment ago are not taken to be overtaken: it must stand still for a moment.
        crate::client::until("the reader stands still", async || {
            let before = log.bytes.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1200)).await;
            log.bytes.load(Ordering::SeqCst) == before
        })
        .await;
        log.floor.store(2300, Ordering::SeqCst);
        let told = until(&mut client, 2499).await;
        let holes: Vec<_> = told.numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).collect();
        assert_eq!((holes.len(), told.gaps.len()), (1, 1), "{filter} {holes:?} {:?}", told.gaps);
        assert_eq!(told.gaps[0]["reason"], "expired");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_expired_behind_a_cursor_are_a_gap() {
    for filter in [narrow(), broad()] {
        // Nothing was read yet.
        let (backend, log) = faulty();
        let served = gateway(&backend, config()).await;
        let (_, cursor) = joined(served.address, narrow(), json!("all")).await;
        publish(&backend, 0..6, 0).await;
        log.floor.store(4, Ordering::SeqCst);
        let other = gateway(&backend, config()).await;
        let (mut client, _) = joined(other.address, filter.clone(), json!({ "cursor": cursor })).await;
        let told = until(&mut client, 5).await;
        assert_eq!((told.gaps.len(), told.numbers), (1, vec![3, 4, 5]), "{filter}");

        // A frame was read in part.
        let (backend, log) = faulty();
        let lines: Vec<Bytes> = (0..3).map(|n| delta(n, 0).encode().unwrap()).collect();
        let frame = Frame::open(&lines);
        backend.log.append(&topic(), &frame, Expect::Open(EventId::generate())).await.unwrap();
        publish(&backend, 3..6, 0).await;
        let served = gateway(&backend, config()).await;
        let (mut client, _) = joined(served.address, filter.clone(), json!("all")).await;
        let cursor = client.message().await.unwrap()["events"][0]["cursor"].clone();
        log.floor.store(2, Ordering::SeqCst);
        let other = gateway(&backend, config()).await;
        let (mut client, _) = joined(other.address, filter.clone(), json!({ "cursor": cursor })).await;
        let told = until(&mut client, 5).await;
        assert_eq!((told.gaps.len(), told.numbers), (1, vec![3, 4, 5]), "{filter}");
    }
}

/// Two streams may use one execution id: that a frame of one follows says nothing about the other.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_expired_of_another_stream_are_a_gap() {
    let (backend, log) = faulty();
    let id = ExecutionId::new("e").unwrap();
    let topic = |stream: &str| Topic::Events {
        stream: StreamId::new(stream).unwrap(),
        node: None,
        execution: Some(id.clone()),
    };
    let frame = |n, index| Frame::owned(1, index, 0, &[delta(n, 0).encode().unwrap()]);
    let append = async |stream: &str, n, index, last| {
        backend.log.append(&topic(stream), &frame(n, index), Expect::Last(last)).await.unwrap()
    };
    let first = append("s", 0, 0, None).await;
    append("t", 1, 0, None).await;
    let served = gateway(&backend, config()).await;
    let filter = json!({ "execution_id": "e" });
    let (mut client, _) = joined(served.address, filter.clone(), json!("all")).await;
    let cursor = client.message().await.unwrap()["events"][0]["cursor"].clone();
    append("s", 2, 1, Some(first)).await;
    log.floor.store(3, Ordering::SeqCst);
    let other = gateway(&backend, config()).await;
    let (mut client, _) = joined(other.address, filter, json!({ "cursor": cursor })).await;
    let told = until(&mut client, 2).await;
    assert_eq!((told.gaps.len(), told.numbers), (1, vec![2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_lags_is_not_asked_all_the_time() {
    let (backend, log) = faulty();
    let served = gateway(&backend, small()).await;
    publish(&backend, 0..2000, 1000).await;
    let (mut first, _) = joined(served.address, narrow(), json!("all")).await;
    until(&mut first, 1999).await;
    log.lags.store(true, Ordering::SeqCst);
    let (mut client, _) = joined(served.address, narrow(), json!("all")).await;
    let before = log.reads.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let reads = log.reads.load(Ordering::SeqCst) - before;
    assert!(reads < 200, "{reads} reads in a second");
    log.lags.store(false, Ordering::SeqCst);
    assert_eq!(until(&mut client, 1999).await.numbers, (0..2000).collect::<Vec<_>>());
}

/// The reads for a client stop when its connection is full: sockets take some megabytes of the 60 here.
#[tokio::test(flavor = "multi_thread")]
async fn an_unread_stream_makes_no_reads() {
    let (backend, log) = faulty();
    for first in (0..600).step_by(100) {
        publish(&backend, first..first + 100, 100_000).await;
    }
    let served = gateway(&backend, small()).await;
    for path in ["stream?stream_id=s&execution_id=e", "stream?stream_id=s"] {
        let before = log.bytes.load(Ordering::SeqCst);
        let mut stuck = tokio::net::TcpStream::connect(served.address).await.unwrap();
        let request = format!(
            "GET /v1/events/{path}&since=all&coalesce=false HTTP/1.1\r\nHost: {}\r\n\r\n",
            served.address
        );
        stuck.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = before;
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = log.bytes.load(Ordering::SeqCst);
            if now > before && now == std::mem::replace(&mut bytes, now) {
                break;
            }
        }
        // A hub of one execution reads all of it, once.
        let hub = if path.contains("execution_id") { 60_000_000 } else { 0 };
        assert!(bytes - before < hub + 30_000_000, "{path}: {} bytes", bytes - before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caught_up_is_said_once() {
    let backend = backends::embedded();
    let served = gateway(&backend, small()).await;
    let (mut client, _) = joined(served.address, broad(), json!("new")).await;
    publish(&backend, 0..1500, 8000).await;
    let mut told = until(&mut client, 1499).await;
    assert_eq!(told.numbers, (0..1500).collect::<Vec<_>>());
    // Later events are behind a second `caught_up`, if there is one.
    publish(&backend, 1500..1510, 0).await;
    told.caught_up += until(&mut client, 1509).await.caught_up;
    assert_eq!(told.caught_up, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_stays_for_clients_that_come_back() {
    let (backend, log) = faulty();
    publish(&backend, 0..3, 0).await;
    let served = gateway(&backend, config()).await;
    for _ in 0..4 {
        let (mut client, _) = joined(served.address, narrow(), json!("all")).await;
        until(&mut client, 2).await;
        client.say(&json!({ "type": "unsubscribe", "id": "s" })).await;
        while client.message().await.unwrap()["type"] != "unsubscribed" {}
    }
    assert_eq!(log.tails.load(Ordering::SeqCst), 1);
}

/// Messages that follow one another closely do not wait for the client's acknowledgements (40 ms each).
#[tokio::test(flavor = "multi_thread")]
async fn short_answers_come_at_once() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let mut client = Client::connect(served.address).await;
    // The fastest of many: the others may have waited for the machine. With the delay none would be so fast.
    let mut fastest = Duration::MAX;
    for _ in 0..50 {
        let begin = Instant::now();
        client.subscribe(narrow(), json!("new")).await;
        while client.message().await.unwrap()["type"] != "caught_up" {}
        client.say(&json!({ "type": "unsubscribe", "id": "s" })).await;
        while client.message().await.unwrap()["type"] != "unsubscribed" {}
        fastest = fastest.min(begin.elapsed());
    }
    assert!(fastest < Duration::from_millis(30), "{fastest:?}");
}

/// The next answer over a connection: its head and its body.
async fn answer(socket: &mut tokio::net::TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    socket.read_exact(&mut body).await.unwrap();
    (head, body)
}

/// A client whose body is refused unread can go on; one with an endless body learns that the connection ends.
#[tokio::test(flavor = "multi_thread")]
async fn refused_bodies_do_not_cost_the_connection() {
    const LARGE: usize = 600_000;
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let mut socket = tokio::net::TcpStream::connect(served.address).await.unwrap();
    let head = |path: &str, length: usize| {
        format!(
            "POST /v1/{path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
            served.address
        )
    };
    for path in ["executions", "nothing", "stats"].iter().cycle().take(30) {
        socket.write_all(head(path, LARGE).as_bytes()).await.unwrap();
        for _ in 0..6 {
            socket.write_all(&[b'x'; LARGE / 6]).await.unwrap();
            tokio::task::yield_now().await;
        }
        let (head, body) = answer(&mut socket).await;
        assert!(head.starts_with("HTTP/1.1 4") && !head.contains("connection: close"), "{path}: {head}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(body["error"]["code"].is_string(), "{path}: {body}");
    }
    socket.write_all(head("nothing", 100_000_000).as_bytes()).await.unwrap();
    let (mut reading, mut writing) = socket.into_split();
    // Ends when the gateway takes no more.
    let endless = tokio::spawn(async move { while writing.write_all(&[b'x'; 65_536]).await.is_ok() {} });
    let mut told = Vec::new();
    while !told.ends_with(b"\r\n\r\n") {
        told.push(reading.read_u8().await.unwrap());
    }
    let told = String::from_utf8(told).unwrap();
    assert!(told.starts_with("HTTP/1.1 404") && told.contains("connection: close"), "{told}");
    endless.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_history_hold_the_stored_events() {
    let backend = backends::embedded();
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let values = ["1e400", nested.as_str(), "123456789012345678901234567890"];
    for value in values {
        let line = String::from_utf8(delta(0, 0).encode().unwrap().to_vec()).unwrap();
        let line = line
            .replace("llm_text_delta", "my_own")
            .replace(r#"{"content":"0"}"#, &format!(r#"{{"x":{value}}}"#));
        assert!(line.contains(value), "{line}");
        let frame = Frame::open(&[Bytes::from(line)]);
        backend.log.append(&topic(), &frame, Expect::Open(EventId::generate())).await.unwrap();
    }
    let served = gateway(&backend, config()).await;
    runbus::tls::install();
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
    let url = format!("http://{}/v1/", served.address);
    let page = http.get(format!("{url}events?execution_id=e")).send().await.unwrap().text().await.unwrap();
    for value in values {
        assert!(page.contains(value), "{value} is not in {page}");
    }
    // And bad requests of other shapes than the usual.
    let body = r#"{"definition":"x","execution_id":"t"} and more"#;
    let answer = http
        .post(format!("{url}executions"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    let body = format!(r#"{{"definition":"x","input":"{}"}}"#, "x".repeat(600_000));
    let answer = http
        .post(format!("{url}executions"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "too_large");
    let answer = http.get(format!("{url}executions/%FF")).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "invalid_argument");
    let answer = http.get(format!("{url}ws")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 400);
    assert_eq!(answer.json::<Value>().await.unwrap()["error"]["code"], "invalid_argument");
    for (host, origin) in [("evil.example:8700", Some("http://evil.example:8700")), ("evil.example", None)] {
        let mut request = http.get(format!("{url}stats")).header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        assert_eq!(request.send().await.unwrap().status().as_u16(), 421, "{host}");
    }
}
