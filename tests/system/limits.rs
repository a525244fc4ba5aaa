//! Bounds in bytes: pages end early with a cursor, filters name few types, and a gateway's memory stays within its documented
//! bound.

use bytes::Bytes;
use runbus::id::{EventId, ExecutionId, StreamId};
use runbus::limits::{FILTER_TYPES, HISTORY_MAX_BYTES};
use runbus::log::{Expect, Frame};
use runbus::subject::Topic;
use serde_json::{Value, json};

use crate::backends::{self, Backend};
use crate::client::{Client, config, gateway};
use crate::sse::http;

/// Stores events of about so many bytes each.
pub async fn fill(backend: &Backend, count: usize, bytes: usize) {
    let topic = Topic::Events {
        stream: StreamId::new("s").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("e").unwrap()),
    };
    for n in 0..count {
        let id = EventId::generate();
        let line = format!(
            r#"{{"id":"{id}","type":"custom","stream_id":"s","execution_id":"e","data":{{"n":{n},"text":"{}"}},"timestamp":"2026-01-01T00:00:00Z"}}"#,
            "x".repeat(bytes)
        );
        backend.log.append(&topic, &Frame::open(&[Bytes::from(line)]), Expect::Open(id)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_end_early_with_a_cursor_and_lose_nothing() {
    const EVENTS: usize = 50;
    for backend in backends::all().await {
        fill(&backend, EVENTS, 200 * 1024).await;
        let served = gateway(&backend, config()).await;
        for order in ["oldest", "newest"] {
            let (mut cursor, mut seen, mut pages) = (String::new(), Vec::new(), 0);
            loop {
                let url = format!("http://{}/v1/events?limit=1000&order={order}{cursor}", served.address);
                let answer = http().get(url).send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 200);
                let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
                let text = answer.text().await.unwrap();
                assert_eq!(text.len(), length);
                assert!(text.len() < HISTORY_MAX_BYTES + 64 * 1024, "{} bytes", text.len());
                let page: Value = serde_json::from_str(&text).unwrap();
                let numbers =
                    page["events"].as_array().unwrap().iter().map(|event| event["data"]["n"].as_u64());
                seen.extend(numbers.map(|n| usize::try_from(n.unwrap()).unwrap()));
                pages += 1;
                match page["next"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            if order == "newest" {
                seen.reverse();
            }
            assert_eq!(seen, (0..EVENTS).collect::<Vec<_>>(), "{order} on {}", backend.name);
            assert!(pages > 2, "{pages} pages");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_name_few_types() {
    let backend = backends::embedded();
    let served = gateway(&backend, config()).await;
    let types = |count: usize| (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>();
    let mut client = Client::connect(served.address).await;
    client.subscribe(json!({ "types": types(FILTER_TYPES) }), json!("new")).await;
    let filter = json!({ "types": types(FILTER_TYPES + 1) });
    client.say(&json!({ "type": "subscribe", "id": "more", "filter": filter })).await;
    let refused = loop {
        let message = client.message().await.unwrap();
        if message["type"] == "error" {
            break message;
        }
    };
    assert_eq!(refused["code"], "invalid_argument", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("256 types at most"), "{refused}");
    for path in ["events", "events/stream"] {
        let url = format!("http://{}/v1/{path}?types={}", served.address, types(FILTER_TYPES + 1).join(","));
        let answer = http().get(url).header("accept", "*/*").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400);
    }
}
