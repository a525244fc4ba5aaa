//! JSON passes through unchanged: the order of keys everywhere, and events as text.

use serde_json::{Value, json};

use crate::api::Bench;
use crate::backends;
use crate::client::{Client, config, gateway};
use crate::sse::{Stream, http};

/// No alphabet's order, at any depth.
const INPUT: &str = r#"{"zeta":1,"alpha":{"y":[{"q":1,"b":2}],"c":null},"mid":"x"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_inputs_stay_in_their_order_up_to_every_reader() {
    for backend in backends::all().await {
        let bench = Bench::new(backend);
        let running = bench.worker();
        let served = gateway(&bench.backend, config()).await;
        let url = |path: &str| format!("http://{}{path}", served.address);
        let body = format!(r#"{{"definition":"talker","execution_id":"by-rest","input":{INPUT}}}"#);
        let start = http().post(url("/v1/executions")).header("content-type", "application/json").body(body);
        assert_eq!(start.send().await.unwrap().status(), 201);
        let mut client = Client::connect(served.address).await;
        client
            .say_text(&format!(
                r#"{{"type":"start","id":"1","definition":"talker","execution_id":"by-ws","input":{INPUT}}}"#
            ))
            .await;
        assert_eq!(client.message().await.unwrap()["type"], "ok");
        for id in ["by-rest", "by-ws"] {
            bench.ends(id).await;
            let wanted = format!("\"input\":{INPUT}");
            let page = http().get(url(&format!("/v1/executions/{id}/events"))).send().await.unwrap();
            let page = page.text().await.unwrap();
            assert!(page.contains(&wanted), "{} {id}: {page}", bench.backend.name);
            let path = format!("/v1/executions/{id}/events/stream?since=all&until=terminal");
            let mut stream = Stream::open(served.address, &path, None).await;
            let mut told = String::new();
            while let Some(frame) = stream.frame().await {
                told += &frame.data;
            }
            assert!(told.contains(&wanted), "{} {id}: {told}", bench.backend.name);
        }
        served.drain.cancel();
        served.task.await.unwrap();
        running.drain.cancel();
        running.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_of_events_are_text_that_nobody_rewrites() {
    let data = r#"{"z":0.10,"a":12345678901234567890123,"m":{"y":1E+2,"b":-0.0}}"#;
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let url = |path: &str| format!("http://{}{path}", served.address);
        let body = format!(r#"{{"events":[{{"type":"custom","stream_id":"s","data":{data}}}]}}"#);
        let sent = http().post(url("/v1/events")).header("content-type", "application/json").body(body);
        assert_eq!(sent.send().await.unwrap().status(), 200);
        let mut client = Client::connect(served.address).await;
        client
            .say_text(&format!(
                r#"{{"type":"publish","id":"1","events":[{{"type":"custom","stream_id":"s","data":{data}}}]}}"#
            ))
            .await;
        let answer: Value = client.message().await.unwrap();
        assert_eq!(answer["type"], json!("ok"));
        let page = http().get(url("/v1/events?stream_id=s")).send().await.unwrap().text().await.unwrap();
        assert_eq!(page.matches(&format!("\"data\":{data}")).count(), 2, "{}: {page}", backend.name);
        served.drain.cancel();
        served.task.await.unwrap();
    }
}
