//! JSON that is made to stop a process: refused where it comes in, undecodable where it stands in the log already.

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use runbus::bus::history::Query;
use runbus::bus::{Delivery, Filter};
use runbus::control::{AnswerRequest, DecideRequest, SendRequest, StartRequest};
use runbus::event::Source;
use runbus::event::family::custom::Custom;
use runbus::id::{EventId, ExecutionId, SessionId, StreamId};
use runbus::limits::EDGE_DEPTH;
use runbus::log::{Expect, Frame};
use runbus::subject::Topic;
use runbus::time::Clock;
use serde_json::{Value, json};

use crate::auth::{auth, end, key};
use crate::backends::{self, Backend};
use crate::client::{Client, config, gateway, secured};
use crate::sse::http;
use crate::wire::Binary;

const RAW: &str = "$serde_json::private::RawValue";

fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Values that no parser may see, as text.
fn hostile() -> Vec<String> {
    let inner = deep(20_000);
    let mut found = vec![
        json!({ RAW: inner }).to_string(),
        json!([{ "a": { RAW: inner } }]).to_string(),
        json!({ "$serde_json::private::Number": "1" }).to_string(),
        deep(128),
        deep(20_000),
        "[".repeat(20_000),
    ];
    found.push(found[0].replace('$', "\\u0024"));
    found.push(found[0].replace(":private", ":\\u0070rivate"));
    found
}

/// Every reader can read back each accepted value.
async fn can_be_read(backend: &Backend, execution: &ExecutionId) {
    let control = backend.control();
    let status = control.status(execution).await.unwrap().expect("it is known");
    let session = status.session_id.expect("it has a session");
    control.session(&session).await.unwrap();
    control.messages(&session, true).await.unwrap();
    let query = Query { filter: Filter::execution(execution.clone()), ..Query::default() };
    for found in backend.bus().history(&query).await.unwrap().events {
        assert!(matches!(found, Delivery::Event(_)), "{found:?}");
    }
}

async fn post(address: std::net::SocketAddr, path: &str, token: Option<&str>, body: String) -> (u16, Value) {
    let mut request =
        http().post(format!("http://{address}{path}")).header("content-type", "application/json").body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_entrance_refuses_hostile_json_and_stays_open() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let mut client = Client::connect(served.address).await;
        for input in hostile() {
            let body = format!(r#"{{"definition":"d","input":{input}}}"#);
            let (status, answer) = post(served.address, "/v1/executions", None, body).await;
            assert_eq!((status, &answer["error"]["code"]), (400, &json!("invalid_argument")), "{answer}");
            let event = format!(r#"{{"type":"custom","stream_id":"s","data":{{"x":{input}}}}}"#);
            let body = format!(r#"{{"events":[{event}]}}"#);
            assert_eq!(post(served.address, "/v1/events", None, body).await.0, 400);
            for text in [
                format!(r#"{{"type":"ping","nonce":{input}}}"#),
                format!(r#"{{"type":"publish","id":"1","events":[{event}]}}"#),
            ] {
                client.say_text(&text).await;
                let said = client.message().await.expect("the connection stays");
                assert_eq!((&said["type"], &said["code"]), (&json!("error"), &json!("invalid_json")));
            }
        }
        let mut binary = Binary::connect(served.address, "runbus.v1.cbor").await;
        assert_eq!(binary.receive().await.unwrap()["type"], "hello");
        let nested = (0..126).fold(json!(1), |inner, _| json!([inner]));
        for input in [json!({ RAW: deep(20_000) }), json!([{ RAW: "1" }]), json!([nested])] {
            binary.say(&json!({ "type": "start", "id": "1", "definition": "d", "input": input })).await;
            let said = binary.receive().await.unwrap();
            assert_eq!((&said["type"], &said["code"]), (&json!("error"), &json!("invalid_cbor")));
        }
        end(served).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_clients_are_at_most_64_levels_deep() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        for depth in [EDGE_DEPTH + 1, 100, 122] {
            let body = format!(r#"{{"definition":"d","input":{}}}"#, deep(depth));
            let (status, answer) = post(served.address, "/v1/executions", None, body).await;
            let error = &answer["error"];
            assert_eq!((status, &error["path"]), (400, &json!("input")), "{answer}");
            let message = error["message"].as_str().unwrap();
            assert!(message.contains(&depth.to_string()) && message.contains("64"), "{message}");
            let data = format!(r#"{{"x":{}}}"#, deep(depth - 1));
            let body = format!(r#"{{"events":[{{"type":"custom","stream_id":"s","data":{data}}}]}}"#);
            let (status, answer) = post(served.address, "/v1/events", None, body).await;
            assert_eq!((status, &answer["error"]["path"]), (400, &json!("events[0].data")), "{answer}");
        }
        let body = format!(r#"{{"definition":"d","execution_id":"e","input":{}}}"#, deep(EDGE_DEPTH));
        assert_eq!(post(served.address, "/v1/executions", None, body).await.0, 201);
        can_be_read(&backend, &ExecutionId::new("e").unwrap()).await;
        let say = format!(r#"{{"input":{}}}"#, deep(EDGE_DEPTH));
        assert_eq!(post(served.address, "/v1/sessions/e/messages", None, say).await.0, 201);
        can_be_read(&backend, &ExecutionId::new("e").unwrap()).await;
        assert_eq!(post(served.address, "/v1/sessions/e/close", None, String::new()).await.0, 200);
        end(served).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_events_in_the_log_are_undecodable_and_hide_nothing() {
    for backend in backends::all().await {
        let (stream, execution) = (StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap());
        let control = backend.control();
        control
            .start(StartRequest { execution_id: Some(execution.clone()), ..StartRequest::new("s", "hello") })
            .await
            .unwrap();
        let source = Source::execution(stream.clone(), execution.clone(), Clock::System);
        let topic = Topic::Events { stream, node: None, execution: Some(execution.clone()) };
        let count = hostile().len();
        for input in hostile() {
            let id = EventId::generate();
            let line = format!(
                r#"{{"id":"{id}","type":"custom","stream_id":"s","execution_id":"e","data":{{"x":{input}}},"timestamp":"2026-01-01T00:00:00Z"}}"#
            );
            let frame = Frame::external(&[Bytes::from(line)]);
            backend.log.append(&topic, &frame, Expect::Open(id)).await.unwrap();
            let inbox = Topic::Inbox(SessionId::new("e").unwrap());
            let command = format!(
                r#"{{"id":"{id}","at":"2026-01-01T00:00:00Z","command":"answer","request_id":"x","input":{input}}}"#
            );
            let frame = Frame::open(&[Bytes::from(command)]);
            backend.log.append(&inbox, &frame, Expect::Open(EventId::generate())).await.unwrap();
        }
        backend.bus().publish(source.custom(Custom(serde_json::Map::new()))).await.unwrap();

        assert!(control.status(&execution).await.unwrap().is_some());
        control.session(&SessionId::new("e").unwrap()).await.unwrap();
        let query = Query { filter: Filter::execution(execution), ..Query::default() };
        let found = backend.bus().history(&query).await.unwrap().events;
        let undecodable = found.iter().filter(|found| matches!(found, Delivery::Undecodable(_))).count();
        assert_eq!((found.len(), undecodable), (count + 2, count), "{}", backend.name);

        let served = gateway(&backend, config()).await;
        let mut binary = Binary::connect(served.address, "runbus.v1.cbor").await;
        binary.receive().await.unwrap();
        binary
            .say(
                &json!({ "type": "subscribe", "id": "s", "filter": { "execution_id": "e" }, "since": "all" }),
            )
            .await;
        let mut client = Client::connect(served.address).await;
        client.subscribe(json!({ "execution_id": "e" }), json!("all")).await;
        let (mut events, mut lines) = (0, 0);
        while events < 2 || lines < count {
            let message = client.message().await.expect("the connection stays");
            events += message["events"].as_array().map_or(0, Vec::len);
            lines += usize::from(message["type"] == "undecodable");
        }
        let (mut events, mut lines) = (0, 0);
        while events < 2 || lines < count {
            let message = binary.receive().await.expect("the connection stays");
            events += message["events"].as_array().map_or(0, Vec::len);
            lines += usize::from(message["type"] == "undecodable");
        }
        end(served).await;
    }
}

/// Nobody's body is parsed before it is known who asks, and whether they may.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_callers_without_permission_are_not_parsed() {
    let backend = backends::embedded();
    let (mut auth, _) = auth();
    let (reader, entry) = key(&["read"]);
    auth.api_keys.insert("reader".into(), entry);
    let served = secured(&backend, config(), auth).await;
    let mut bodies: Vec<String> = hostile().iter().map(|input| format!(r#"{{"input":{input}}}"#)).collect();
    bodies.extend(["{".into(), "nonsense".into(), String::new()]);
    for path in
        ["/v1/executions", "/v1/events", "/v1/sessions", "/v1/sessions/s/messages", "/v1/executions/e/cancel"]
    {
        for body in &bodies {
            assert_eq!(post(served.address, path, None, body.clone()).await.0, 401, "{path}");
            assert_eq!(post(served.address, path, Some("wrong"), body.clone()).await.0, 401, "{path}");
            let answer = post(served.address, path, Some(&*reader.reveal()), body.clone()).await;
            assert_eq!(answer.0, 403, "{path} {body:.40} {answer:?}");
        }
    }
    end(served).await;
}

/// Values of any depth around the limits, with keys that look like reserved ones.
fn values() -> impl Strategy<Value = Value> {
    let key = prop_oneof![4 => "[a-z]{1,3}", 1 => Just(RAW.to_owned())];
    let leaf =
        prop_oneof![Just(json!(null)), any::<f64>().prop_map(Value::from), "\\PC{0,8}".prop_map(Value::from)];
    let tree = leaf.prop_recursive(4, 16, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    (tree, prop_oneof![3 => 0..5_usize, 1 => 55..130_usize], any::<bool>()).prop_map(
        |(tree, levels, lists)| {
            (0..levels).fold(tree, |inner, _| if lists { json!([inner]) } else { json!({ "a": inner }) })
        },
    )
}

#[test]
fn every_accepted_value_can_be_read_back() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let backend = runtime.block_on(async { backends::embedded() });
    let mut accepted = 0;
    let mut cases =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) });
    let accepted_here = &mut accepted;
    let counted = std::cell::RefCell::new(accepted_here);
    cases
        .run(&values(), |value| {
            runtime.block_on(async {
                let control = backend.control();
                let id = ExecutionId::generate();
                let session = SessionId::new(id.as_str()).unwrap();
                let request =
                    StartRequest { execution_id: Some(id.clone()), ..StartRequest::new("d", value.clone()) };
                if control.start(request).await.is_ok() {
                    **counted.borrow_mut() += 1;
                    can_be_read(&backend, &id).await;
                    let said = SendRequest {
                        session_id: Some(session),
                        input: value.clone(),
                        ..SendRequest::default()
                    };
                    control.send(said, None).await.unwrap();
                    can_be_read(&backend, &id).await;
                }
                // Refused or unknown, never worse.
                let answer = AnswerRequest { input: value.clone(), answer_id: None };
                control.answer("q@s", answer, None).await.unwrap_err();
                let decision =
                    DecideRequest { approved: true, arguments: Some(value), ..DecideRequest::default() };
                control.decide("a@s", decision, None).await.unwrap_err();
            });
            Ok(())
        })
        .unwrap();
    assert!(accepted > 10, "{accepted} were accepted");
}
