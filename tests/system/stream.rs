//! Event streams and requests that wait: resuming anywhere, heartbeats, gaps, slow readers, the end, bad requests.

use runbus::event::family::execution::Cancelled;
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, StreamId};
use runbus::time::Clock;
use runbus_gateway::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::backends::{self, Backend};
use crate::client::{Client, config, gateway, until};
use crate::sse::{Stream, http};

const ALL: [&str; 3] = [
    "/v1/events/stream?stream_id=s",
    "/v1/events/stream?stream_id=s&execution_id=e",
    "/v1/executions/e/events/stream?types=llm_text_delta",
];

fn source() -> Source {
    Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap(), Clock::System)
}

fn delta(n: usize, pad: usize) -> Event {
    let snapshot = (pad > 0).then(|| "x".repeat(pad));
    source().llm_text_delta(TextDelta { content: n.to_string(), snapshot })
}

async fn publish(backend: &Backend, numbers: std::ops::Range<usize>, pad: usize) {
    let events: Vec<Event> = numbers.map(|n| delta(n, pad)).collect();
    for chunk in events.chunks(100) {
        for answer in backend.bus().publish_batch(chunk.to_vec()).await.unwrap() {
            answer.unwrap();
        }
    }
}

fn number(event: &Value) -> usize {
    event["data"]["content"].as_str().unwrap().parse().unwrap()
}

fn small() -> Config {
    Config { hub_buffer_bytes: 65_536, client_buffer_bytes: 16_384, ..config() }
}

/// Clients join while events are published and go on at the other gateway every so often, with small rings and buffers so
/// that they fall out of them: each sees everything once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn streams_that_hop_in_mid_stream_miss_nothing() {
    const EVENTS: usize = 2000;
    for backend in backends::all().await {
        let (one, two) = (gateway(&backend, small()).await, gateway(&backend, small()).await);
        let publisher = {
            let bus = backend.bus();
            tokio::spawn(async move {
                for n in 0..EVENTS {
                    bus.publish(delta(n, 0)).await.unwrap();
                }
            })
        };
        let mut clients = Vec::new();
        for n in 0..6 {
            let gateways = if n % 2 == 0 { [one.address, two.address] } else { [two.address, one.address] };
            let path = ALL[n % 3];
            let path = format!("{path}{}since=all", if path.contains('?') { "&" } else { "?" });
            clients.push(tokio::spawn(async move {
                let (mut seen, mut last) = (0, None::<String>);
                for address in gateways.iter().cycle() {
                    let mut stream = Stream::open(*address, &path, last.as_deref()).await;
                    let mut left = (n + 1) * 97;
                    while left > 0 && seen < EVENTS {
                        let frame = stream.message().await.unwrap();
                        if frame.id.is_some() {
                            last.clone_from(&frame.id);
                        }
                        if frame.event == "llm_text_delta" {
                            let event = frame.json();
                            assert_eq!((number(&event), event["cursor"].as_str()), (seen, last.as_deref()));
                            (seen, left) = (seen + 1, left - 1);
                        } else {
                            assert!(["subscribed", "caught_up"].contains(&frame.event.as_str()), "{frame:?}");
                        }
                    }
                    if seen == EVENTS {
                        return;
                    }
                }
            }));
        }
        publisher.await.unwrap();
        for client in clients {
            client.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_delivers_the_same_as_a_websocket() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        publish(&backend, 0..3, 0).await;
        let mut stream = Stream::open(served.address, "/v1/executions/e/events/stream?since=all", None).await;
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store, no-transform"),
            ("x-accel-buffering", "no"),
        ] {
            assert_eq!(stream.headers[name], value);
        }
        let subscribed = stream.frame().await.unwrap();
        assert_eq!(subscribed.retry.as_deref(), Some("2000"), "no block of its own");
        assert_eq!(subscribed.event, "subscribed");
        assert_eq!(subscribed.json()["cursor"].as_str(), subscribed.id.as_deref());
        let mut client = Client::connect(served.address).await;
        client.subscribe(json!({ "execution_id": "e" }), json!("all")).await;
        let mut events = Vec::new();
        while events.len() < 3 {
            let message = client.message().await.unwrap();
            events.extend(message["events"].as_array().unwrap().clone());
        }
        for event in events {
            let frame = stream.message().await.unwrap();
            assert_eq!((frame.event.as_str(), frame.json()), ("llm_text_delta", event));
        }
        let frame = stream.message().await.unwrap();
        assert_eq!((frame.event.as_str(), frame.json()), ("caught_up", json!({ "type": "caught_up" })));
        // The place where a stream begins resumes, though no event came.
        let mut fresh = Stream::open(served.address, ALL[0], None).await;
        let begun = fresh.message().await.unwrap().id.unwrap();
        drop(fresh);
        publish(&backend, 3..4, 0).await;
        let mut fresh = Stream::open(served.address, ALL[0], Some(&begun)).await;
        loop {
            let frame = fresh.message().await.unwrap();
            if frame.event == "llm_text_delta" {
                assert_eq!(number(&frame.json()), 3);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undecodable_line_is_a_frame_too() {
    use runbus::id::EventId;
    use runbus::log::{Expect, Frame};
    let (backend, other) = (backends::embedded(), backends::embedded());
    let topic = runbus::subject::Topic::Events {
        stream: StreamId::new("s").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("e").unwrap()),
    };
    // Line ends are white space between the tokens of JSON, and would end a field of the stream.
    let odd = String::from_utf8(delta(0, 0).encode().unwrap().to_vec()).unwrap().replace(",\"", ",\r\"");
    for line in [bytes::Bytes::from_static(b"no json \xff"), odd.into()] {
        let frame = Frame::open(&[line]);
        backend.log.append(&topic, &frame, Expect::Open(EventId::generate())).await.unwrap();
    }
    publish(&other, 0..1, 0).await;
    let (here, there) = (gateway(&backend, config()).await, gateway(&other, config()).await);
    let mut stream = Stream::open(there.address, "/v1/executions/e/events/stream?since=all", None).await;
    stream.message().await.unwrap();
    let foreign = stream.message().await.unwrap().id.unwrap();
    for path in ALL {
        let mut stream = Stream::open(here.address, path, Some(&foreign)).await;
        let mut seen = Vec::new();
        while seen.last().is_none_or(|kind| kind != "llm_text_delta") {
            let frame = stream.message().await.unwrap();
            let json = frame.json();
            assert_eq!(json["type"], frame.event.as_str());
            if frame.event == "gap" {
                assert_eq!((json["reason"].as_str(), &frame.id), (Some("recreated"), &None));
            }
            if frame.event == "undecodable" {
                assert_eq!(json["cursor"].as_str(), frame.id.as_deref());
            }
            seen.push(frame.event);
        }
        assert_eq!(seen, ["subscribed", "gap", "undecodable", "llm_text_delta"], "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_streams_have_heartbeats_and_drain_ends_them() {
    for backend in backends::all().await {
        let quick = Config { ping_interval_ms: 100, ..config() };
        let served = gateway(&backend, quick).await;
        let mut stream = Stream::open(served.address, ALL[1], None).await;
        let mut beats = 0;
        while beats < 3 {
            beats += stream.frame().await.unwrap().comments.len();
        }
        served.drain.cancel();
        let mut last = None;
        while let Some(frame) = stream.frame().await {
            last = Some(frame);
        }
        let last = last.unwrap();
        assert_eq!((last.comments.len(), last.retry.as_deref()), (1, Some("500")), "{last:?}");
        served.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_execution_and_is_not_opened_again() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let path = "/v1/executions/e/events/stream?until=terminal&since=all&types=llm_text_delta,execution_cancelled";
        let mut stream = Stream::open(served.address, path, None).await;
        publish(&backend, 0..2, 0).await;
        let bus = backend.bus();
        bus.publish(source().execution_cancelled(Cancelled { reason: None })).await.unwrap();
        publish(&backend, 2..3, 0).await;
        let mut frames = Vec::new();
        while let Some(frame) = stream.message().await {
            if frame.event != "caught_up" {
                frames.push(frame);
            }
        }
        let kinds: Vec<_> = frames.iter().map(|frame| frame.event.as_str()).collect();
        assert_eq!(kinds, ["subscribed", "llm_text_delta", "llm_text_delta", "execution_cancelled"]);
        // The next step of an `EventSource`: it goes on while the end is before it, then the gateway tells it to stop.
        for (frame, status) in [(frames.len() - 2, 200), (frames.len() - 1, 204)] {
            let last = frames[frame].id.as_deref();
            assert_eq!(Stream::try_open(served.address, path, last).await.unwrap().status, status);
        }
        let fresh = path.replace("since=all", "since=new");
        assert_eq!(Stream::try_open(served.address, &fresh, None).await.unwrap().status, 204);
    }
}

/// A client that takes nothing holds up nobody, is not prepared for without end, and is cut in the end.
#[tokio::test(flavor = "multi_thread")]
async fn an_unread_stream_is_bounded_and_cut() {
    let backend = backends::embedded();
    // Long enough for the others to be served before the stuck one is cut, also on a busy machine.
    let served = gateway(&backend, Config { write_timeout_ms: 5000, max_connections: 2, ..small() }).await;
    publish(&backend, 0..300, 100_000).await;
    let mut stuck = tokio::net::TcpStream::connect(served.address).await.unwrap();
    let request =
        format!("GET {}&since=all&coalesce=false HTTP/1.1\r\nHost: {}\r\n\r\n", ALL[1], served.address);
    stuck.write_all(request.as_bytes()).await.unwrap();
    // Its answer has begun: it has its place.
    stuck.read_exact(&mut [0; 15]).await.unwrap();
    let mut fast = Stream::open(served.address, &format!("{}&since=all", ALL[1]), None).await;
    let third = http().get(format!("http://{}{}", served.address, ALL[1])).send().await.unwrap();
    assert_eq!(third.status(), 503, "connections are counted");
    let mut seen = 0;
    while seen < 300 {
        let frame = fast.message().await.unwrap();
        if frame.event == "llm_text_delta" {
            assert_eq!(number(&frame.json()), seen);
            seen += 1;
        }
    }
    // Its place is taken until it is cut.
    until("the place is given back", async || {
        Stream::try_open(served.address, ALL[1], None).await.unwrap().status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_stream_loses_nothing() {
    for backend in backends::all().await {
        let served = gateway(&backend, Config { write_timeout_ms: 120_000, ..small() }).await;
        let mut slow = Vec::new();
        for path in ALL {
            slow.push(Stream::open(served.address, path, None).await);
        }
        // More than sockets, buffers and ring can hold together.
        publish(&backend, 0..2000, 8_000).await;
        for mut stream in slow {
            let mut seen = 0;
            while seen < 2000 {
                let frame = stream.message().await.expect("the slow client is kept");
                if frame.event == "llm_text_delta" {
                    assert_eq!(number(&frame.json()), seen);
                    seen += 1;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_wait_for_the_next_events() {
    const EVENTS: usize = 300;
    for backend in backends::all().await {
        let (one, two) = (gateway(&backend, config()).await, gateway(&backend, config()).await);
        let get = async |address, query: &str| {
            let answer = http().get(format!("http://{address}{query}")).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            answer.json::<Value>().await.unwrap()
        };
        // Nothing comes: an empty page that goes on.
        let page = get(one.address, "/v1/events?execution_id=e&wait_ms=0&since=new").await;
        assert_eq!((page["events"].as_array().unwrap().len(), page["next"].is_string()), (0, true));
        let begun = page["next"].as_str().unwrap().to_owned();
        let page = get(one.address, &format!("/v1/events?execution_id=e&wait_ms=100&cursor={begun}")).await;
        assert_eq!((page["events"].as_array().unwrap().len(), page["next"].is_string()), (0, true));
        let publisher = {
            let bus = backend.bus();
            tokio::spawn(async move {
                for n in 0..EVENTS {
                    bus.publish(delta(n, 0)).await.unwrap();
                }
            })
        };
        let mut clients = Vec::new();
        for path in
            ["/v1/events?stream_id=s&types=llm_text_delta&limit=7", "/v1/executions/e/events?limit=20"]
        {
            let (addresses, begun) = ([one.address, two.address], begun.clone());
            clients.push(tokio::spawn(async move {
                let (mut seen, mut cursor) = (0, begun);
                for address in addresses.iter().cycle() {
                    if seen == EVENTS {
                        return;
                    }
                    let url = format!("http://{address}{path}&wait_ms=60000&cursor={cursor}");
                    let page: Value = http().get(url).send().await.unwrap().json().await.unwrap();
                    let events = page["events"].as_array().unwrap();
                    assert!((1..=20).contains(&events.len()), "{page}");
                    for event in events {
                        assert_eq!(number(event), seen);
                        seen += 1;
                    }
                    cursor = page["next"].as_str().unwrap().to_owned();
                }
            }));
        }
        for client in clients {
            client.await.unwrap();
        }
        publisher.await.unwrap();
        // A gateway that drains answers those that wait.
        let served = gateway(&backend, config()).await;
        let url = format!("http://{}/v1/events?execution_id=x&wait_ms=60000", served.address);
        let waiting = tokio::spawn(http().get(url).send());
        while get(served.address, "/v1/stats").await["gateway"]["connections"] != 1 {
            assert!(!waiting.is_finished(), "{:?}", waiting.await);
        }
        served.drain.cancel();
        assert_eq!(waiting.await.unwrap().unwrap().status().as_u16(), 200);
        served.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_errors_that_name_the_fault() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let url = format!("http://{}/v1/", served.address);
    for (path, wrong) in [
        ("events/stream?since=x", "since"),
        ("events/stream?colour=red", "colour"),
        ("events/stream?execution_id=", "execution_id"),
        ("events/stream?types=Not", "types"),
        ("events/stream?until=terminal", "until"),
        ("events/stream?execution_id=a&execution_id=b", "execution_id"),
        ("executions/%FF/events", "execution_id"),
        ("executions/a/events?execution_id=b", "execution_id"),
        ("executions/a/events/stream?execution_id=b", "execution_id"),
        ("events?wait_ms=60001", "wait_ms"),
        ("events?wait_ms=x", "wait_ms"),
        ("events?wait_ms=1&order=newest", "order"),
        ("events?since=new", "since"),
        ("executions/a/events?wait_ms=1&since=snapshot", "since"),
        ("events?wait_ms=1&limit=0", "limit"),
        ("events?wait_ms=1&limit=0&since=new", "limit"),
    ] {
        let answer = http().get(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["error"]["code"], &body["error"]["path"]),
            (&json!("invalid_argument"), &json!(wrong))
        );
    }
    for (name, value, status) in [
        ("last-event-id", "x", 400),
        ("last-event-id", "new", 400),
        ("accept", "application/json", 406),
        ("accept", "text/html, */*;q=0.1", 200),
        ("last-event-id", "", 200),
    ] {
        let answer = http().get(format!("{url}events/stream")).header(name, value).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}: {value}");
    }
    for path in ["events/stream", "events", "executions/e/events/stream"] {
        let answer = http().head(format!("{url}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}");
    }
    assert_eq!(http().delete(format!("{url}events/stream")).send().await.unwrap().status().as_u16(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_allowed_origins_may_read_answers() {
    let backend = backends::embedded();
    let origin = "https://app.example";
    let allowed = Config { allowed_origins: vec![origin.into()], ..config() };
    let (open, closed) = (gateway(&backend, allowed).await, gateway(&backend, config()).await);
    let ask = async |address, method: &str, origin: &str, path: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = http().request(method, format!("http://{address}{path}")).header("origin", origin);
        let answer = request.header("access-control-request-method", "POST").send().await.unwrap();
        let told =
            answer.headers().get("access-control-allow-origin").map(|v| v.to_str().unwrap().to_owned());
        (answer.status().as_u16(), told)
    };
    let told = Some(origin.to_owned());
    for path in ["/v1/stats", "/v1/events/stream", "/v1/executions/nobody/events"] {
        assert_eq!(ask(open.address, "GET", origin, path).await, (200, told.clone()), "{path}");
    }
    assert_eq!(ask(open.address, "OPTIONS", origin, "/v1/executions").await, (200, told));
    assert_eq!(ask(open.address, "GET", "https://evil.example", "/v1/stats").await, (403, None));
    assert_eq!(ask(open.address, "GET", "http://localhost:5173", "/v1/stats").await, (200, None));
    assert_eq!(ask(closed.address, "GET", origin, "/v1/stats").await, (403, None));
    assert_eq!(ask(closed.address, "GET", "http://localhost:5173", "/v1/stats").await, (200, None));
}
