//! Events that are gone, and logs that are made again: readers are told, and streams that end with an execution end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use runbus::adapters::nats::testing::Server;
use runbus::control::StartRequest;
use runbus::event::family::{execution, model};
use runbus::event::{Event, Source};
use runbus::id::{ExecutionId, NodeId, StreamId};
use runbus::time::Clock;
use serde_json::{Value, json};

use crate::backends::{self, Backend};
use crate::client::{Client, PATIENCE, Served, config, gateway, until};
use crate::faults::faulty;
use crate::sse::{Frame, Stream, http};

fn source(execution: &str) -> Source {
    let (stream, execution) = (StreamId::new("s").unwrap(), ExecutionId::new(execution).unwrap());
    Source::execution(stream, execution, Clock::System)
}

fn delta(source: &Source, n: usize) -> Event {
    source.llm_text_delta(model::TextDelta { content: n.to_string(), snapshot: None })
}

async fn publish(backend: &Backend, events: impl IntoIterator<Item = Event>) {
    for answer in backend.bus().publish_batch(events.into_iter().collect()).await.unwrap() {
        answer.unwrap();
    }
}

/// An execution of others: begun, `deltas` deltas, completed.
async fn run(backend: &Backend, id: &str, deltas: usize) {
    let source = source(id);
    let node = source.node(NodeId::new("writer").unwrap());
    let started = execution::Started { input: json!("go"), definition: None };
    let mut events = vec![source.execution_started(started)];
    events.extend((0..deltas).map(|n| delta(&node, n)));
    events.push(source.execution_completed(execution::Completed { output: json!("done") }));
    publish(backend, events).await;
}

/// Everything that a stream says to its end, without `subscribed`; and its last id.
async fn all(address: SocketAddr, path: &str, last: Option<&str>) -> (u16, Vec<Frame>, Option<String>) {
    let mut stream = Stream::try_open(address, path, last).await.unwrap();
    let (mut frames, mut id) = (Vec::new(), last.map(str::to_owned));
    if stream.status != 200 {
        return (stream.status, frames, id);
    }
    while let Some(frame) = stream.frame().await {
        id = frame.id.clone().or(id);
        if !frame.event.is_empty() && frame.event != "subscribed" {
            frames.push(frame);
        }
    }
    (200, frames, id)
}

fn names(frames: &[Frame]) -> Vec<&str> {
    frames.iter().map(|frame| frame.event.as_str()).collect()
}

async fn get(address: SocketAddr, path: &str) -> Value {
    let answer = http().get(format!("http://{address}{path}")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

async fn end(served: Served) {
    served.drain.cancel();
    served.task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_beginning_is_told_by_every_way_in() {
    let (backend, log) = faulty();
    run(&backend, "e", 6).await;
    log.floor.store(5, Ordering::SeqCst);
    let served = gateway(&backend, config()).await;
    let filters =
        ["stream_id=s&execution_id=e", "execution_id=e", "stream_id=s", "", "execution_id=e&node_id=writer"];
    for filter in filters {
        let mut stream =
            Stream::open(served.address, &format!("/v1/events/stream?{filter}&since=all"), None).await;
        let first = loop {
            let frame = stream.message().await.unwrap();
            if frame.event != "subscribed" {
                break frame;
            }
        };
        assert_eq!((first.event.as_str(), &first.json()["reason"]), ("gap", &json!("expired")), "{filter}");
        assert_eq!(stream.message().await.unwrap().json()["data"]["content"], "3", "{filter}");
        for query in ["order=oldest", "order=newest", "wait_ms=1"] {
            let page = get(served.address, &format!("/v1/events?{filter}&{query}")).await;
            assert_eq!(page["gaps"][0]["reason"], "expired", "{filter} {query}: {page}");
            assert_eq!(page["gaps"].as_array().unwrap().len(), 1, "{filter} {query}: {page}");
        }
    }
    for filter in [json!({ "stream_id": "s", "execution_id": "e" }), json!({ "stream_id": "s" }), json!({})] {
        let mut client = Client::connect(served.address).await;
        client.subscribe(filter.clone(), json!("all")).await;
        let first = client.message().await.unwrap();
        assert_eq!((&first["type"], &first["reason"]), (&json!("gap"), &json!("expired")), "{filter}");
    }
    // Pages that do not reach the beginning say nothing of it; what follows an older page neither.
    let page = get(served.address, "/v1/events?execution_id=e&order=newest&limit=1").await;
    assert_eq!(page["gaps"], json!([]));
    let next = page["next"].as_str().unwrap();
    let page = get(served.address, &format!("/v1/events?execution_id=e&order=newest&cursor={next}")).await;
    assert_eq!(page["gaps"].as_array().unwrap().len(), 1);
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_began_behind_what_is_gone_misses_nothing() {
    let (backend, log) = faulty();
    run(&backend, "old", 6).await;
    log.floor.store(5, Ordering::SeqCst);
    run(&backend, "told", 2).await;
    let asked = execution::Queued::default();
    publish(&backend, [source("queued").execution_queued(asked)]).await;
    let served = gateway(&backend, config()).await;
    for id in ["told", "queued"] {
        for query in ["order=oldest", "order=newest", "wait_ms=1"] {
            let page = get(served.address, &format!("/v1/executions/{id}/events?{query}")).await;
            assert_eq!(page["gaps"], json!([]), "{id} {query}");
        }
    }
    let path = "/v1/executions/told/events/stream?since=all&until=terminal";
    let (_, frames, _) = all(served.address, path, None).await;
    assert_eq!(names(&frames)[0], "execution_started");
    assert_eq!(names(&frames).last(), Some(&"execution_completed"));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_execution_whatever_is_left_of_it() {
    let (backend, log) = faulty();
    run(&backend, "e", 6).await;
    // A log ends behind what retention removed.
    run(&backend, "later", 20).await;
    let served = gateway(&backend, config()).await;
    // The status is kept, and where the second event stands.
    assert_eq!(get(served.address, "/v1/executions/e").await["status"], "completed");
    let page = get(served.address, "/v1/executions/e/events?order=oldest").await;
    let cursor = |n: usize| page["events"][n]["cursor"].as_str().unwrap().to_owned();
    let (second, last) = (cursor(1), cursor(7));
    let path = "/v1/executions/e/events/stream?until=terminal";
    for (floor, since, filter, said) in [
        // The event that ended it is left.
        (
            5,
            Some("all"),
            "",
            &["gap", "llm_text_delta", "llm_text_delta", "llm_text_delta", "execution_completed"][..],
        ),
        (
            5,
            Some("all"),
            "&types=llm_text_delta",
            &["gap", "llm_text_delta", "llm_text_delta", "llm_text_delta"],
        ),
        (
            5,
            Some("all"),
            "&node_id=writer",
            &["gap", "llm_text_delta", "llm_text_delta", "llm_text_delta", "caught_up"],
        ),
        (
            5,
            Some(second.as_str()),
            "",
            &["gap", "llm_text_delta", "llm_text_delta", "llm_text_delta", "execution_completed"],
        ),
        // It is gone.
        (20, Some("all"), "", &["gap", "caught_up"]),
        (20, Some("all"), "&node_id=writer", &["gap", "caught_up"]),
        (20, Some(second.as_str()), "", &["gap", "caught_up"]),
    ] {
        log.floor.store(floor, Ordering::SeqCst);
        let again = gateway(&backend, config()).await;
        let (wanted, mut query) = (since.unwrap(), format!("{path}{filter}"));
        let (status, frames, id) = if wanted == "all" {
            query += "&since=all";
            tokio::time::timeout(PATIENCE, all(again.address, &query, None)).await
        } else {
            tokio::time::timeout(PATIENCE, all(again.address, &query, Some(wanted))).await
        }
        .unwrap_or_else(|_| panic!("{floor} {query} does not end"));
        assert_eq!((status, names(&frames)), (200, said.to_vec()), "{floor} {query} {wanted}");
        // An `EventSource` comes back with its last id: that is all.
        let id = id.expect("where it stands");
        assert_eq!(all(again.address, &query, Some(&id)).await.0, 204, "{floor} {query} {wanted}");
        end(again).await;
    }
    // All of it was seen.
    assert_eq!(all(served.address, path, Some(&last)).await.0, 204);
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_execution_whatever_passes_its_filter() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let source = source("live");
        let started = execution::Started { input: json!("go"), definition: None };
        publish(&backend, [source.execution_started(started)]).await;
        let path =
            |filter: &str| format!("/v1/events/stream?execution_id=live&until=terminal&since=all&{filter}");
        let streams: Vec<_> = [
            "node_id=writer",
            "stream_id=other",
            "stream_id=s&types=tool_call_started",
            "stream_id=s&node_id=x",
        ]
        .map(|filter| {
            let (address, path) = (served.address, path(filter));
            tokio::spawn(async move { all(address, &path, None).await })
        })
        .into_iter()
        .collect();
        let node = source.node(NodeId::new("writer").unwrap());
        publish(&backend, [delta(&node, 1)]).await;
        publish(&backend, [source.execution_completed(execution::Completed { output: json!("done") })]).await;
        for stream in streams {
            let said = tokio::time::timeout(PATIENCE, stream).await.expect("it ends").unwrap();
            assert_eq!(said.0, 200, "{}", backend.name);
        }
        end(served).await;
    }
}

/// The broker's own interface.
async fn api(client: &async_nats::Client, verb: &str, body: Value) -> Value {
    let answer = client.request(format!("$JS.API.{verb}"), body.to_string().into()).await.unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}

async fn streams(client: &async_nats::Client, part: &str) -> Vec<String> {
    let names = api(client, "STREAM.NAMES", json!({})).await;
    let names = names["streams"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned());
    names.filter(|name| name.contains(part)).collect()
}

async fn ready(address: SocketAddr) -> (u16, Value) {
    let answer = http().get(format!("http://{address}/readyz")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_made_again_by_any_process_and_its_readers_hear_of_it() {
    let (backend, broker): (Backend, Arc<Server>) = backends::on_a_broker().await;
    let admin = broker.client("admin").await;
    let served = gateway(&backend, config()).await;
    let source = source("e");
    publish(&backend, (0..20).map(|n| delta(&source, n))).await;
    let mut clients = Vec::new();
    for filter in [json!({ "stream_id": "s", "execution_id": "e" }), json!({ "stream_id": "s" }), json!({})] {
        for since in ["new", "all"] {
            let mut client = Client::connect(served.address).await;
            client.subscribe(filter.clone(), json!(since)).await;
            while client.message().await.unwrap()["type"] != "caught_up" {}
            clients.push((client, format!("{filter} {since}")));
        }
    }
    let mut reader = backend.bus().read(runbus::bus::Filter::all(), runbus::log::Since::New).await.unwrap();
    assert!(matches!(reader.next().await.unwrap(), runbus::bus::Delivery::CaughtUp));
    for name in streams(&admin, "_EV_").await {
        assert_eq!(api(&admin, &format!("STREAM.DELETE.{name}"), json!({})).await["success"], true);
    }
    // Nobody starts anything: publishing works again by itself.
    publish(&backend, (100..115).map(|n| delta(&source, n))).await;
    for (client, what) in &mut clients {
        let (mut gaps, mut numbers) = (Vec::new(), Vec::new());
        while numbers.len() < 15 {
            let message = client.message().await.unwrap();
            match message["type"].as_str().unwrap() {
                "gap" => gaps.push(message["reason"].clone()),
                "events" => {
                    for event in message["events"].as_array().unwrap() {
                        numbers.push(event["data"]["content"].as_str().unwrap().parse::<usize>().unwrap());
                    }
                }
                other => panic!("{other}: {message}"),
            }
        }
        // Those that had to be sent again may stand behind later ones.
        numbers.sort_unstable();
        assert_eq!(numbers, (100..115).collect::<Vec<_>>(), "{what}");
        // A scope that names what decides the shard has one; others have a gap for each shard.
        let most = if what.contains("execution_id") { 1 } else { backend.bus().log().layout().all().count() };
        assert!((1..=most).contains(&gaps.len()), "{what}: {gaps:?}");
        assert!(gaps.iter().all(|reason| reason == "recreated"), "{what}: {gaps:?}");
    }
    assert!(matches!(reader.next().await.unwrap(), runbus::bus::Delivery::Gap(_)));
    end(served).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_without_its_streams_makes_the_gateway_unready_until_they_are_there_again() {
    let (backend, broker): (Backend, Arc<Server>) = backends::on_a_broker().await;
    let admin = broker.client("admin").await;
    let served = gateway(&backend, config()).await;
    assert_eq!(ready(served.address).await.0, 200);
    // Another stream has its subjects, so that nobody can make it again.
    let name = streams(&admin, "_EV_").await.remove(0);
    let info = api(&admin, &format!("STREAM.INFO.{name}"), json!({})).await;
    let block = json!({ "name": "BLOCK", "subjects": info["config"]["subjects"], "storage": "memory" });
    until("another stream has the subjects", async || {
        api(&admin, &format!("STREAM.DELETE.{name}"), json!({})).await;
        api(&admin, "STREAM.CREATE.BLOCK", block.clone()).await.get("error").is_none()
    })
    .await;
    let mut told = Value::Null;
    until("the gateway is unready", async || {
        let (status, now) = ready(served.address).await;
        told = now;
        status == 503
    })
    .await;
    assert!(told["checks"]["log"].as_str().unwrap().contains(&name), "{told}");
    api(&admin, "STREAM.DELETE.BLOCK", json!({})).await;
    until("the gateway is ready again", async || ready(served.address).await.0 == 200).await;
    // All of them: as a broker that came back without its disk.
    for name in streams(&admin, "_").await {
        api(&admin, &format!("STREAM.DELETE.{name}"), json!({})).await;
    }
    // Until the streams are there again, the answer is a typed error that says to try again.
    until("an execution can be started", async || {
        match backend.control().start(StartRequest::new("anything", "go")).await {
            Err(runbus::control::Error::Unavailable(_)) => false,
            outcome => {
                assert!(outcome.unwrap().created);
                true
            }
        }
    })
    .await;
    until("the gateway is ready with all streams", async || ready(served.address).await.0 == 200).await;
    end(served).await;
}
