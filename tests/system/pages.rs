//! A gateway as web pages and their browsers see it.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use runbus_gateway::Config;
use runbus_gateway::auth::config::{Config as Auth, Limits, Mode};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::auth::{bearer, key};
use crate::backends;
use crate::client::{PATIENCE, Served, config, gateway, secured, until};
use crate::sse::{Stream, http};
use crate::telemetry::process::free;

/// A WebSocket as a page opens it: the status of its handshake, the subprotocol, and the close code.
async fn open(
    address: SocketAddr,
    path: &str,
    offered: &str,
    origin: Option<&str>,
) -> (u16, String, Option<u16>) {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", offered.parse().unwrap());
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    let (mut socket, answer) = match connect_async(request).await {
        Ok(open) => open,
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => {
            return (answer.status().as_u16(), String::new(), None);
        }
        Err(error) => panic!("{error}"),
    };
    let selected = answer.headers().get("sec-websocket-protocol").unwrap().to_str().unwrap().to_owned();
    let closed = async {
        while let Some(message) = socket.next().await {
            if let Ok(Message::Close(frame)) = message {
                return frame.map(|frame| frame.code.into());
            }
        }
        None
    };
    let code = tokio::time::timeout(PATIENCE, closed).await.expect("it is closed");
    (answer.status().as_u16(), selected, code)
}

async fn end(served: Served) {
    served.drain.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_hears_why_its_websocket_is_refused() {
    let backend = backends::embedded();
    let (root, entry) = key(&["*"]);
    let limits = Limits { max_connections: 1, ..Limits::default() };
    let auth =
        Auth { mode: Mode::Required, api_keys: [("root".into(), entry)].into(), limits, ..Auth::default() };
    let served = secured(&backend, config(), auth).await;
    for (path, offered) in [
        ("/v1/ws", "runbus.v1, runbus.bearer.wrong"),
        ("/v1/ws", "runbus.v1, runbus.bearer.a.b.c"),
        ("/v1/ws", "runbus.v1, runbus.bearer.a, runbus.bearer.b"),
        ("/v1/ws?access_token=wrong", "runbus.v1"),
    ] {
        let found = open(served.address, path, offered, None).await;
        assert_eq!(found, (101, "runbus.v1".into(), Some(4401)), "{path} {offered}");
    }
    let wrong = "runbus.v1.cbor, runbus.bearer.wrong";
    let found = open(served.address, "/v1/ws", wrong, Some("http://localhost:1")).await;
    assert_eq!(found, (101, "runbus.v1.cbor".into(), Some(4401)));
    // The one place of the principal is taken.
    let right = format!("runbus.v1, runbus.bearer.{}", &*root.reveal());
    let mut request = format!("ws://{}/v1/ws", served.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", right.parse().unwrap());
    let (mut first, _) = connect_async(request).await.unwrap();
    assert!(matches!(first.next().await, Some(Ok(Message::Text(_)))));
    assert_eq!(open(served.address, "/v1/ws", &right, None).await, (101, "runbus.v1".into(), Some(4429)));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_something_must_say_that_it_is_json() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let url = |path: &str| format!("http://{}{path}", served.address);
        let body = json!({ "definition": "council", "execution_id": "forged" }).to_string();
        for kind in [
            None,
            Some("text/plain"),
            Some("text/plain;charset=UTF-8"),
            Some("application/x-www-form-urlencoded"),
            Some("multipart/form-data; boundary=x"),
            Some("text/plain; application/json"),
        ] {
            for path in ["/v1/executions", "/v1/events", "/v1/sessions", "/api/councils/run", "/v1/nothing"] {
                let mut request = http().post(url(path)).body(body.clone());
                request = match kind {
                    Some(kind) => request.header("content-type", kind),
                    None => request,
                };
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 415, "{path} {kind:?}");
                let answer: Value = answer.json().await.unwrap();
                assert_eq!(answer["error"]["code"], "unsupported_media_type");
                assert!(
                    answer["error"]["message"].as_str().unwrap().contains("application/json"),
                    "{answer}"
                );
            }
        }
        assert_eq!(http().get(url("/v1/executions/forged")).send().await.unwrap().status(), 404);
        let start =
            http().post(url("/v1/executions")).header("content-type", "application/json; charset=utf-8");
        assert_eq!(start.body(body).send().await.unwrap().status(), 201);
        // A page of another port cannot stop it either; programs and the gateway's own pages can.
        let cancel = || http().post(url("/v1/executions/forged/cancel"));
        let foreign = cancel().header("origin", "http://localhost:1").send().await.unwrap();
        assert_eq!(foreign.status(), 415);
        let own = format!("http://{}", served.address);
        assert_eq!(cancel().header("origin", own).send().await.unwrap().status(), 202);
        end(served).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_too_much_is_told_what_to_add() {
    let backend = backends::embedded();
    let (narrow, entry) = key(&["read,start:s"]);
    let auth = Auth { mode: Mode::Required, api_keys: [("narrow".into(), entry)].into(), ..Auth::default() };
    let served = secured(&backend, config(), auth).await;
    for path in [
        "/v1/events?execution_id=e",
        "/v1/events/stream?execution_id=e",
        "/v1/executions/e/events",
        "/v1/monitor",
    ] {
        let (status, answer) = bearer(served.address, path, &narrow.reveal()).await;
        assert_eq!(status, 403, "{path}");
        assert!(answer.contains("add stream_id"), "{path}: {answer}");
    }
    let (status, answer) =
        bearer(served.address, "/v1/events?stream_id=t&execution_id=e", &narrow.reveal()).await;
    assert_eq!((status, answer.contains("add ")), (403, false), "{answer}");
    let allowed = "/v1/events?stream_id=s&execution_id=e";
    assert_eq!(bearer(served.address, allowed, &narrow.reveal()).await.0, 200);
    end(served).await;
}

/// An `EventSource`, by its standard: it goes on until an answer is not 200, or not of its type.
async fn source(address: SocketAddr, seen: tokio::sync::mpsc::Sender<String>) -> u16 {
    let mut last = None;
    loop {
        let path = "/v1/events/stream?stream_id=s";
        let Some(mut stream) = Stream::try_open(address, path, last.as_deref()).await else {
            // The connection is refused: it tries again.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        if stream.status != 200 {
            return stream.status;
        }
        assert_eq!(stream.headers["content-type"], "text/event-stream");
        while let Some(frame) = stream.frame().await {
            last = frame.id.or(last);
            if frame.event == "custom" {
                let _ = seen.send(frame.data).await;
            }
            if frame.event == "subscribed" {
                let _ = seen.send("subscribed".into()).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ends_ends_no_event_source() {
    for backend in backends::all().await {
        let leaving = Config { listen: free(), shutdown_delay_ms: 2000, drain_window_ms: 1000, ..config() };
        let served = gateway(&backend, leaving.clone()).await;
        let address = served.address;
        let (said, mut heard) = tokio::sync::mpsc::channel(64);
        let sources: Vec<_> = (0..10).map(|_| tokio::spawn(source(address, said.clone()))).collect();
        for _ in 0..10 {
            assert_eq!(heard.recv().await.unwrap(), "subscribed");
        }
        served.drain.cancel();
        // Not ready at once, and served for a while.
        let ready = || async {
            let answer = http().get(format!("http://{address}/readyz")).send().await.unwrap();
            answer.status().as_u16()
        };
        until("it is not ready", async || ready().await != 200).await;
        // Connections of before are answered to the end of the drain: none of them with what ends an `EventSource`.
        served.task.await.unwrap();
        assert!(sources.iter().all(|source| !source.is_finished()));
        let again = gateway(&backend, Config { listen: address, ..config() }).await;
        // Behind what they had seen.
        let event = json!({ "events": [{ "type": "custom", "stream_id": "s", "data": { "n": 1 } }] });
        let sent = http().post(format!("http://{address}/v1/events")).json(&event).send().await.unwrap();
        assert_eq!(sent.status(), 200);
        let mut seen = 0;
        while seen < 10 {
            let word =
                tokio::time::timeout(PATIENCE, heard.recv()).await.expect("all of them come back").unwrap();
            seen += usize::from(word != "subscribed");
        }
        for source in sources {
            assert!(!source.is_finished(), "an EventSource ended: {:?}", source.await);
            source.abort();
        }
        end(again).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_now_ends_no_event_source_and_programs_see_the_status() {
    let backend = backends::embedded();
    let served = gateway(&backend, Config { max_connections: 1, ..config() }).await;
    let url = format!("http://{}/v1/events/stream", served.address);
    let _first = Stream::open(served.address, "/v1/events/stream", None).await;
    let mut full = Stream::try_open(served.address, "/v1/events/stream", None).await.unwrap();
    assert_eq!(full.status, 200);
    let said = full.frame().await.unwrap();
    assert!(said.retry.unwrap().parse::<u64>().unwrap() >= 2000);
    assert_eq!(full.frame().await, None, "nothing else");
    assert_eq!(http().get(url).send().await.unwrap().status(), 503);
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_connects_while_the_gateway_drains_is_sent_elsewhere() {
    let backend = backends::embedded();
    let served = gateway(&backend, Config { drain_window_ms: 60_000, ..config() }).await;
    let _keeps_it = Stream::open(served.address, "/v1/events/stream", None).await;
    served.drain.cancel();
    // From here on it drains, and may serve its clients for a minute.
    loop {
        let mut stream = Stream::open(served.address, "/v1/events/stream", None).await;
        let first = stream.frame().await.unwrap();
        if first.comments == ["not now, come back"] {
            assert_eq!(stream.frame().await, None);
            break;
        }
    }
    let mut request = format!("ws://{}/v1/ws", served.address).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "runbus.v1".parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    let Some(Ok(Message::Close(Some(frame)))) = socket.next().await else { panic!("it is closed") };
    assert_eq!(u16::from(frame.code), 4000);
    served.task.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_tell_browsers_and_proxies_to_keep_nothing() {
    let backend = backends::embedded();
    let page = "https://app.example";
    let served = gateway(&backend, Config { allowed_origins: vec![page.into()], ..config() }).await;
    let url = |path: &str| format!("http://{}{path}", served.address);
    // With each kind of answer.
    for (path, kept) in [
        ("/v1/stats", "no-store"),
        ("/v1/nothing", "no-store"),
        ("/v1/events?limit=0", "no-store"),
        ("/v1/openapi.json", "public, no-cache"),
        ("/v1/asyncapi.json", "public, no-cache"),
        ("/v1/events/stream", "no-store"),
        ("/healthz", "no-store"),
    ] {
        let answer = http().get(url(path)).send().await.unwrap();
        assert_eq!(answer.headers()["cache-control"], format!("{kept}, no-transform"), "{path}");
    }
    let wanted = [
        "authorization",
        "content-type",
        "x-api-key",
        "last-event-id",
        "traceparent",
        "tracestate",
        "baggage",
        "if-none-match",
        "accept",
        "cache-control",
    ];
    let asked = http()
        .request(reqwest::Method::OPTIONS, url("/v1/executions"))
        .header("origin", page)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", wanted.join(","))
        .send()
        .await
        .unwrap();
    let allowed = asked.headers()["access-control-allow-headers"].to_str().unwrap().to_lowercase();
    let allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
    for header in wanted {
        assert!(allowed.contains(&header), "{header}: {allowed:?}");
    }
    // Refusals are read too.
    for (request, status) in [
        (http().get(url("/v1/executions/nobody")), 404),
        (http().post(url("/v1/executions")).header("content-type", "text/plain").body("{}"), 415),
    ] {
        let answer = request.header("origin", page).send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["access-control-allow-origin"], page);
        let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap().to_lowercase();
        for header in ["retry-after", "etag", "allow", "www-authenticate"] {
            assert!(exposed.contains(header), "{exposed}");
        }
    }
    let foreign = http().get(url("/v1/stats")).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let told = foreign.text().await.unwrap();
    assert!(told.contains("gateway.allowed_origins") && told.contains("https://evil.example"), "{told}");
    let other = http().get(url("/v1/stats")).header("host", "evil.example").send().await.unwrap();
    assert!(other.text().await.unwrap().contains("gateway.hosts"));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polyfills_resume_by_a_parameter_and_messages_may_have_no_names() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let events: Vec<Value> = (0..4)
        .map(|n| json!({ "type": "custom", "stream_id": "s", "execution_id": "e", "data": { "n": n } }))
        .collect();
    let sent = http().post(format!("http://{}/v1/events", served.address)).json(&json!({ "events": events }));
    assert_eq!(sent.send().await.unwrap().status(), 200);
    let path = "/v1/executions/e/events/stream?since=all";
    let mut stream = Stream::open(served.address, path, None).await;
    let mut ids = Vec::new();
    while ids.len() < 4 {
        let frame = stream.message().await.unwrap();
        if frame.event == "custom" {
            ids.push(frame.id.unwrap());
        }
    }
    for (parameters, header, first) in [
        (format!("&lastEventId={}", ids[0]), None, 1),
        (format!("&Last-Event-ID={}", ids[1]), None, 2),
        (format!("&lastEventId={}", ids[0]), Some(ids[2].as_str()), 3),
        ("&lastEventId=".to_owned(), None, 0),
    ] {
        let mut stream = Stream::open(served.address, &format!("{path}{parameters}"), header).await;
        let found = loop {
            let frame = stream.message().await.unwrap();
            if frame.event == "custom" {
                break frame.json()["data"]["n"].clone();
            }
        };
        assert_eq!(found, first, "{parameters} {header:?}");
    }
    let mut unnamed = Stream::open(served.address, &format!("{path}&unnamed=true"), None).await;
    let mut types = Vec::new();
    while types.len() < 6 {
        let frame = unnamed.message().await.unwrap();
        assert_eq!(frame.event, "");
        types.push(frame.json()["type"].as_str().unwrap().to_owned());
    }
    assert_eq!(types, ["subscribed", "custom", "custom", "custom", "custom", "caught_up"]);
    drop((stream, unnamed));
    end(served).await;
}
