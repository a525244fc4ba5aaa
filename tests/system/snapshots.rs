//! Snapshots: a client that joins in mid-stream shows the same as a watcher; slow readers get merged deltas and lose
//! nothing.
#![expect(clippy::print_stdout, reason = "prints the compared values")]

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use runbus::event::family::{client as clients, custom, execution, model, node, tool};
use runbus::event::{Event, Kind, Payload, Source};
use runbus::id::{ExecutionId, NodeId, StreamId};
use runbus::log::Cursor;
use runbus::snapshot::{At, Snapshot};
use runbus::time::Clock;
use runbus_gateway::Config;
use serde_json::{Value, json};

use crate::backends;
use crate::client::{Client, PATIENCE, config, follow, gateway, is_terminal, without_lists};
use crate::council::{council, worker};
use crate::faults::faulty;
use crate::sse::{Stream, http};

fn small() -> Config {
    Config { hub_buffer_bytes: 65_536, client_buffer_bytes: 16_384, ..config() }
}

fn apply(snapshot: &mut Snapshot, event: &Value) {
    let text = event.to_string();
    let cursor: Cursor = event["cursor"].as_str().unwrap().parse().unwrap();
    let (seq, merged) = (event["seq"].as_u64().unwrap(), event["merged"].as_u64().unwrap_or(1));
    let external = event["external"] == true;
    snapshot.apply(&Event::decode(text.as_bytes()).unwrap(), At { seq, merged, external, cursor: &cursor });
}

fn fold(events: &[Value]) -> Snapshot {
    let mut snapshot = Snapshot::begin(Cursor::start(), true);
    events.iter().for_each(|event| apply(&mut snapshot, event));
    snapshot
}

fn read(value: &Value) -> Snapshot {
    serde_json::from_value(value.clone()).unwrap()
}

/// How somebody joins.
#[derive(Debug, Clone, Copy)]
enum Way {
    WebSocket,
    Stream,
    Rest,
}

/// The snapshot that a joiner got, and its view at the end.
async fn join(address: SocketAddr, id: &str, way: Way, coalesce: bool) -> (Snapshot, Snapshot) {
    let filter = json!({ "execution_id": id });
    match way {
        Way::WebSocket => {
            let mut client = Client::connect(address).await;
            client
                .say(&json!({ "type": "subscribe", "id": "s", "filter": filter, "since": "snapshot",
                    "coalesce": coalesce }))
                .await;
            let subscribed = client.message().await.unwrap();
            let message = client.message().await.unwrap();
            assert_eq!((&subscribed["type"], &message["type"]), (&json!("subscribed"), &json!("snapshot")));
            assert_eq!((&message["cursor"], &message["sub"]), (&message["snapshot"]["cursor"], &json!("s")));
            let first = read(&message["snapshot"]);
            let mut now = first.clone();
            while !is_over(&now) {
                let message = client.message().await.unwrap();
                for event in message["events"].as_array().into_iter().flatten() {
                    apply(&mut now, event);
                }
            }
            (first, now)
        }
        Way::Stream => {
            let path = format!(
                "/v1/executions/{id}/events/stream?since=snapshot&until=terminal&coalesce={coalesce}"
            );
            let mut stream = Stream::open(address, &path, None).await;
            assert_eq!(stream.message().await.unwrap().event, "subscribed");
            let frame = stream.message().await.unwrap();
            assert_eq!(frame.event, "snapshot");
            let message = frame.json();
            assert_eq!(message["cursor"].as_str(), frame.id.as_deref());
            let first = read(&message["snapshot"]);
            let mut now = first.clone();
            // It ends by itself.
            while let Some(frame) = stream.message().await {
                if frame.event != "caught_up" {
                    apply(&mut now, &frame.json());
                }
            }
            (first, now)
        }
        Way::Rest => {
            let url = format!("http://{address}/v1/executions/{id}/snapshot");
            let answer: Value = http().get(url).send().await.unwrap().json().await.unwrap();
            let first = read(&answer);
            let mut now = first.clone();
            if !is_over(&now) {
                let since = json!({ "cursor": first.cursor });
                for event in follow(&[address], &filter, since, is_terminal).await {
                    apply(&mut now, &event);
                }
            }
            (first, now)
        }
    }
}

fn is_over(snapshot: &Snapshot) -> bool {
    snapshot.execution.as_ref().is_some_and(|known| known.status.is_terminal())
}

/// Compares joiners with somebody who watched from the start.
fn compare(watched: &[Value], joined: Vec<(Snapshot, Snapshot)>, backend: &str) {
    let end = fold(watched);
    let mut points = std::collections::BTreeSet::new();
    for (first, last) in joined {
        let cursor = json!(first.cursor);
        let seen = watched.iter().position(|event| event["cursor"] == cursor).map_or(0, |at| at + 1);
        points.insert(seen);
        let mut then = fold(&watched[..seen]);
        if seen == 0 {
            then.cursor = first.cursor.clone();
        }
        assert_eq!(first, then, "{backend}: joined behind {seen} events");
        assert_eq!(last, end, "{backend}: joined behind {seen} events");
    }
    println!("{backend}: {} events, joined behind {points:?}", watched.len());
}

const WAYS: [Way; 3] = [Way::WebSocket, Way::Stream, Way::Rest];

/// The council, whose first worker dies in the middle of a draft; clients join all the time on two gateways.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_joins_a_council_shows_the_same_as_a_watcher() {
    for backend in backends::all().await {
        let (one, two) = (gateway(&backend, config()).await, gateway(&backend, small()).await);
        // Slow enough to be ended in the middle of a draft, also by a test that is late.
        let first = worker(&backend, Duration::from_millis(10));
        backend.control().start(council("run")).await.unwrap();
        let filter = json!({ "execution_id": "run" });
        let watcher = {
            let (filter, address) = (filter.clone(), one.address);
            tokio::spawn(async move { follow(&[address], &filter, json!("all"), is_terminal).await })
        };
        let mut joiners = Vec::new();
        let mut deltas = 0;
        let mut first = Some(first);
        let mut second = None;
        // Somebody joins at every 13th event.
        let addresses = [one.address, two.address];
        let paced = follow(&[two.address], &filter, json!("all"), |event| {
            deltas += usize::from(event["type"] == "llm_text_delta");
            if deltas == 60
                && let Some(first) = first.take()
            {
                first.cut.cancel();
                first.task.abort();
                second = Some(worker(&backend, Duration::from_millis(1)));
            }
            let seen = joiners.len();
            if event["seq"].as_u64().unwrap() % 13 == 0 && seen < 60 {
                let (address, way) = (addresses[seen % 2], WAYS[seen % 3]);
                joiners.push(tokio::spawn(join(address, "run", way, seen % 5 == 0)));
            }
            is_terminal(event)
        })
        .await;
        assert!(paced.iter().any(|event| event["type"] == "attempt_superseded"), "{}", backend.name);
        let mut joined = Vec::new();
        for joiner in joiners {
            joined.push(joiner.await.unwrap());
        }
        // After the end, too.
        for way in WAYS {
            joined.push(tokio::time::timeout(PATIENCE, join(two.address, "run", way, false)).await.unwrap());
        }
        let watched = watcher.await.unwrap();
        compare(&watched, joined, backend.name);
        if let Some(second) = second {
            second.drain.cancel();
            second.task.await.unwrap();
        }
    }
}

/// A generator of numbers whose seed is printed.
struct Rng(u64);

impl Rng {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A random next event of an execution.
fn random(rng: &mut Rng) -> Payload {
    let id = format!("id{}", rng.throw(4));
    let content = "wörd ".repeat(usize::try_from(rng.throw(9)).unwrap());
    match rng.throw(26) {
        0..=8 => model::TextDelta { content, snapshot: None }.into(),
        9..=11 => model::ReasoningDelta { content }.into(),
        12 => clients::OutputDelta { content, snapshot: None }.into(),
        13 => model::TurnCompleted {
            finish_reason: Some("stop".into()),
            content: (rng.throw(2) == 0).then_some(content),
            tool_calls: vec![model::ToolCall {
                tool_use_id: id,
                tool_name: "t".into(),
                arguments: "{}".into(),
            }],
            ..model::TurnCompleted::default()
        }
        .into(),
        14 => {
            tool::CallStarted { tool_use_id: id, tool_name: "t".into(), tool_input: json!({ "a": 1 }) }.into()
        }
        15 => tool::CallCompleted {
            tool_use_id: id,
            tool_name: "t".into(),
            result: json!(content),
            is_error: false,
        }
        .into(),
        16 => tool::ApprovalRequested {
            approval_id: format!("a{id}"),
            tool_use_id: id,
            tool_name: "t".into(),
            tool_input: json!(1),
            arguments_digest: None,
            expires_at: None,
            below: None,
        }
        .into(),
        17 => tool::ApprovalDecided {
            approval_id: format!("a{id}"),
            tool_use_id: id,
            approved: true,
            arguments: None,
            note: None,
            decided_by: None,
            below: None,
        }
        .into(),
        18 => clients::InputRequested {
            prompt: content,
            request_id: Some(id),
            choices: Vec::new(),
            expires_at: None,
            tool_use_id: None,
            below: None,
        }
        .into(),
        19 => {
            clients::InputReceived { request_id: Some(id), input: json!(1), answered_by: None, below: None }
                .into()
        }
        20 => model::Retry { error: json!("x"), next_try: 2, ..model::Retry::default() }.into(),
        21 => {
            let attempt = 2 + u32::try_from(rng.throw(3)).unwrap();
            let void_from = (rng.throw(2) == 0).then(|| rng.throw(5000));
            let superseded_attempt = attempt - 1;
            execution::AttemptSuperseded { superseded_attempt, attempt, void_from, reason: "gone".into() }
                .into()
        }
        22 => node::LoopStarted { max_iterations: None, iteration: Some(1) }.into(),
        23 => {
            let (tool_use_id, index) = (id, 0);
            tool::CallDelta { index, tool_use_id, tool_name: "t".into(), arguments: content }.into()
        }
        24 => node::LoopIteration { iteration: 1, message_id: Some(id) }.into(),
        _ => node::LoopCompleted { iterations: 1 }.into(),
    }
}

/// Random executions, small rings, clients that join at random points; a broad reader of the same is merged too.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_joins_a_random_execution_shows_the_same_as_a_watcher() {
    const EVENTS: usize = 1500;
    let seed = 0x9e37_79b9_7f4a_7c15 ^ u64::from(uuid::Uuid::new_v4().as_fields().0);
    println!("seed {seed}");
    for backend in backends::all().await {
        let (one, two) = (gateway(&backend, small()).await, gateway(&backend, small()).await);
        let mut rng = Rng(seed);
        let source =
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("run").unwrap(), Clock::System);
        let mut joiners = Vec::new();
        joiners.push(tokio::spawn(join(one.address, "run", Way::WebSocket, false)));
        let bus = backend.bus();
        for n in 0..EVENTS {
            let mut from = source.clone();
            from.node_id = (rng.throw(9) > 0).then(|| NodeId::new(["m", "n"][(n / 7) % 2]).unwrap());
            from.attempt = (rng.throw(2) == 0).then_some(1 + u32::try_from(n / 500).unwrap());
            bus.publish(from.event(random(&mut rng))).await.unwrap();
            if rng.throw(60) == 0 {
                let address = [one.address, two.address][n % 2];
                let way = if joiners.len() % 2 == 0 { Way::WebSocket } else { Way::Stream };
                joiners.push(tokio::spawn(join(address, "run", way, n % 3 == 0)));
            }
        }
        bus.publish(source.execution_completed(execution::Completed { output: json!("end") })).await.unwrap();
        let watched =
            follow(&[two.address], &json!({ "execution_id": "run" }), json!("all"), is_terminal).await;
        assert_eq!(watched.len(), EVENTS + 1);
        let mut joined = Vec::new();
        for joiner in joiners {
            joined.push(tokio::time::timeout(PATIENCE, joiner).await.unwrap().unwrap());
        }
        compare(&watched, joined, backend.name);
        // At any place, over REST.
        for at in (0..=EVENTS).step_by(211) {
            let cursor = watched[at]["cursor"].as_str().unwrap();
            let url = format!("http://{}/v1/executions/run/snapshot?at={cursor}", one.address);
            let answer: Value = http().get(url).send().await.unwrap().json().await.unwrap();
            assert_eq!(read(&answer), fold(&watched[..=at]), "{} at {at}", backend.name);
        }
    }
}

/// Merged deltas are the same text, at the same place; everything else is there as it was.
fn say_the_same(merged: &[Value], plain: &[Value], backend: &str) {
    let count = |event: &Value| event["merged"].as_u64().unwrap_or(1);
    println!("{backend}: {} events came as {}", plain.len(), merged.len());
    assert!(merged.len() < plain.len(), "it was slow");
    assert_eq!(merged.iter().map(count).sum::<u64>(), plain.len() as u64, "{backend}");
    let text = |event: &Value| event["data"]["content"].as_str().unwrap_or_default().to_owned();
    let mut rest = plain.iter();
    for event in merged {
        let part: Vec<&Value> = rest.by_ref().take(usize::try_from(count(event)).unwrap()).collect();
        let last = part.last().unwrap();
        assert_eq!(text(event), part.iter().map(|event| text(event)).collect::<String>());
        assert_eq!((&event["id"], &event["seq"]), (&last["id"], &last["seq"]));
        assert!(part.len() == 1 || part.iter().all(|one| one["type"] == event["type"]));
    }
}

/// A client that does not read for a while gets merged deltas: the same text, and every other event as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_merged_deltas_and_loses_nothing() {
    const EVENTS: usize = 4000;
    for backend in backends::all().await {
        let served = gateway(&backend, Config { write_timeout_ms: 120_000, ..small() }).await;
        let narrow = json!({ "execution_id": "run" });
        let subscribe = |id: &str, filter: &Value, coalesce: Option<bool>| {
            let mut message = json!({ "type": "subscribe", "id": id, "filter": filter, "since": "new" });
            coalesce.into_iter().for_each(|coalesce| message["coalesce"] = coalesce.into());
            message
        };
        let mut slow = Vec::new();
        for (filter, coalesce) in
            [(&narrow, Some(false)), (&narrow, None), (&json!({ "stream_id": "s" }), None)]
        {
            let mut client = Client::connect(served.address).await;
            client.say(&subscribe("s", filter, coalesce)).await;
            while client.message().await.unwrap()["type"] != "caught_up" {}
            slow.push(client);
        }
        let source =
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("run").unwrap(), Clock::System);
        let node = source.node(NodeId::new("n").unwrap());
        let events: Vec<Event> = (0..EVENTS)
            .map(|n| match n % 100 {
                99 => node.custom(custom::Custom::default()),
                50..70 => node.llm_reasoning_delta(model::ReasoningDelta { content: format!("{n} ") }),
                _ => node.llm_text_delta(model::TextDelta {
                    content: format!("{n}{}", "x".repeat(1000)),
                    snapshot: None,
                }),
            })
            .collect();
        let bus = backend.bus();
        for chunk in events.chunks(100) {
            for answer in bus.publish_batch(chunk.to_vec()).await.unwrap() {
                answer.unwrap();
            }
        }
        bus.publish(source.execution_completed(execution::Completed { output: json!(0) })).await.unwrap();
        let mut all = Vec::new();
        for client in &mut slow {
            let mut seen: Vec<Value> = Vec::new();
            while !seen.last().is_some_and(is_terminal) {
                let message = client.message().await.expect("a slow client is kept");
                seen.extend(message["events"].as_array().into_iter().flatten().cloned());
            }
            all.push(seen);
        }
        let [plain, merged @ ..] = &all[..] else { unreachable!() };
        assert_eq!(plain.len(), EVENTS + 1, "coalesce: false");
        merged.iter().for_each(|merged| say_the_same(merged, plain, backend.name));
        assert_eq!(fold(&merged[0]), fold(plain));
        // A replay is merged only when that is asked for.
        let first = |coalesce: Option<bool>| {
            let mut message = subscribe("r", &narrow, coalesce);
            message["since"] = json!("all");
            let address = served.address;
            async move {
                let mut client = Client::connect(address).await;
                client.say(&message).await;
                let mut seen: Vec<Value> = Vec::new();
                while !seen.last().is_some_and(is_terminal) {
                    let message = client.message().await.unwrap();
                    seen.extend(message["events"].as_array().into_iter().flatten().cloned());
                }
                seen.len()
            }
        };
        assert_eq!(first(None).await, plain.len());
        assert!(first(Some(true)).await < plain.len() / 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_for_snapshots_are_refused() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let get = async |path: &str| {
            let answer = http().get(format!("http://{}{path}", served.address)).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        let source =
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap(), Clock::System);
        backend.bus().publish(source.custom(custom::Custom::default())).await.unwrap();
        let (status, known) = get("/v1/executions/e/snapshot").await;
        assert_eq!(
            (status, &known["complete"], &known["execution"]["events"]),
            (200, &json!(true), &json!(1))
        );
        let nowhere = Cursor::start();
        for (path, status, field) in [
            ("/v1/executions/nobody/snapshot".to_owned(), 404, None),
            ("/v1/executions/e/snapshot?at=x".into(), 400, Some("at")),
            ("/v1/executions/e/snapshot?at=new".into(), 400, Some("at")),
            (format!("/v1/executions/e/snapshot?at={nowhere}"), 400, Some("at")),
            ("/v1/executions/e/snapshot?colour=red".into(), 400, Some("colour")),
            ("/v1/events/stream?since=snapshot".into(), 400, Some("since")),
            ("/v1/executions/e/events/stream?coalesce=1".into(), 400, Some("coalesce")),
        ] {
            let answer = get(&path).await;
            assert_eq!((answer.0, answer.1["error"]["path"].as_str()), (status, field), "{path} {answer:?}");
        }
        let mut client = Client::connect(served.address).await;
        client.say(&json!({ "type": "subscribe", "id": "s", "filter": { "stream_id": "s" }, "since": "snapshot" })).await;
        let error = client.message().await.unwrap();
        assert_eq!(
            (&error["code"], &error["path"]),
            (&json!("invalid_argument"), &json!("filter.execution_id")),
            "{error}"
        );
        // It has no event yet: a snapshot without anything, then its events.
        let joined = tokio::spawn(join(served.address, "later", Way::WebSocket, false));
        let source =
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("later").unwrap(), Clock::System);
        let end = source.execution_completed(execution::Completed { output: json!(7) });
        backend.bus().publish(end).await.unwrap();
        let (_, last) = joined.await.unwrap();
        assert_eq!(last.execution.unwrap().output, Some(json!(7)));
    }
}

/// Many join at the same time: the log is read once for them. They learn of events that retention removed.
#[tokio::test(flavor = "multi_thread")]
async fn many_clients_that_join_fold_once_and_learn_of_gaps() {
    const EVENTS: usize = 4000;
    const JOINERS: usize = 1000;
    let (backend, log) = faulty();
    let served = gateway(&backend, without_lists()).await;
    let source =
        Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("run").unwrap(), Clock::System);
    let events: Vec<Event> = (0..EVENTS)
        .map(|n| source.llm_text_delta(model::TextDelta { content: format!("{n} "), snapshot: None }))
        .collect();
    let stored: usize = events.iter().map(|event| event.encode().unwrap().len()).sum();
    for chunk in events.chunks(500) {
        for answer in backend.bus().publish_batch(chunk.to_vec()).await.unwrap() {
            answer.unwrap();
        }
    }
    let begun = std::time::Instant::now();
    let before = log.bytes.load(Ordering::SeqCst);
    let mut joiners = tokio::task::JoinSet::new();
    for _ in 0..JOINERS {
        let address = served.address;
        joiners.spawn(async move {
            let mut client = Client::connect(address).await;
            let filter = json!({ "execution_id": "run", "stream_id": "s" });
            client.subscribe(filter, json!("snapshot")).await;
            let message = client.message().await.unwrap();
            let snapshot = &message["snapshot"];
            assert_eq!(snapshot["execution"]["events"], EVENTS);
            assert_eq!(snapshot["complete"], true);
        });
    }
    while let Some(joined) = joiners.join_next().await {
        joined.unwrap();
    }
    let read = usize::try_from(log.bytes.load(Ordering::SeqCst) - before).unwrap();
    println!("{JOINERS} joined {EVENTS} events in {:?}; {stored} bytes stored, {read} read", begun.elapsed());
    // Once for the snapshot, once for the hub; the rest is slack for pages that overlap.
    assert!(read < 4 * stored, "{read} bytes were read of {stored}");

    log.floor.store(1000, Ordering::SeqCst);
    let fresh = gateway(&backend, config()).await;
    let url = format!("http://{}/v1/executions/run/snapshot", fresh.address);
    let known: Value = http().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(known["complete"], false, "{known}");
    let text = known["turns"][0]["text"]["content"].as_str().unwrap();
    assert!(text.starts_with("999 ") && text.ends_with("3999 "), "{text:.20}");
    assert_eq!(Kind::LlmTextDelta.as_str(), "llm_text_delta");
}
