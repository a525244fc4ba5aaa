//! Sessions, approvals and questions belong to the streams of their executions: scopes hold for them, too.

use runbus::event::Kind;
use runbus::id::StreamId;
use serde_json::{Value, json};

use super::approvals::cashier;
use super::kit::{Stage, execution, session};
use crate::auth::{auth, bearer, end, key, post};
use crate::backends;
use crate::client::{Client, config, secured};

/// An execution of the cashier in a stream, and its approval once it waits.
async fn waiting(stage: &Stage, stream: &str, id: &str) -> String {
    let request = runbus::control::StartRequest {
        execution_id: Some(execution(id)),
        stream_id: Some(StreamId::new(stream).unwrap()),
        ..runbus::control::StartRequest::new("cashier", json!([["pay", { "n": 1 }]]))
    };
    stage.control.start(request).await.unwrap();
    stage.wait(id, Kind::ToolApprovalRequested).await;
    stage.approvals(id).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_hold_for_sessions_and_their_requests() {
    let stage: Stage = backends::embedded().into();
    let (crew, paid) = cashier();
    let worker = crew.hire(&stage);
    let (theirs, ours) = (waiting(&stage, "them", "t").await, waiting(&stage, "us", "u").await);

    let (mut auth, _) = auth();
    let (all, entry) = key(&["read,start,decide,cancel:us"]);
    auth.api_keys.insert("us".into(), entry);
    // An agent is a node of its own name.
    let (node, entry) = key(&["read,decide:us/cashier/u"]);
    auth.api_keys.insert("node".into(), entry);
    let served = secured(&stage.backend, config(), auth).await;
    let address = served.address;
    let us = &*all.reveal();

    for path in ["/v1/sessions/t", "/v1/sessions/t/messages", "/v1/sessions/t/pending", "/v1/sessions/nobody"]
    {
        assert_eq!(bearer(address, path, us).await.0, 403, "{path}");
        let allowed = path.replace("/t", "/u");
        let status = if path.ends_with("nobody") { 403 } else { 200 };
        assert_eq!(bearer(address, &allowed, us).await.0, status, "{allowed}");
    }
    for approval in [theirs.as_str(), "0000000000000000@t", "0000000000000000@nobody", "nothing"] {
        assert_eq!(bearer(address, &format!("/v1/approvals/{approval}"), us).await.0, 403, "{approval}");
        let path = format!("/v1/approvals/{approval}/decision");
        assert_eq!(post(address, &path, us, json!({ "approved": true })).await.0, 403, "{approval}");
        let path = format!("/v1/questions/{approval}/answer");
        assert_eq!(post(address, &path, us, json!({ "input": 1 })).await.0, 403, "{approval}");
    }
    for command in ["resume", "abort_pending", "close"] {
        assert_eq!(
            post(address, &format!("/v1/sessions/t/{command}"), us, json!({})).await.0,
            403,
            "{command}"
        );
    }
    // Nobody goes on with somebody else's conversation: not by its name, nor from a stream of one's own.
    for (path, body) in [
        ("/v1/sessions/t/messages", json!({ "input": "and?" })),
        ("/v1/sessions/t/messages", json!({ "input": "and?", "stream_id": "us" })),
        ("/v1/executions", json!({ "definition": "cashier", "stream_id": "us", "session_id": "t" })),
        ("/v1/executions", json!({ "definition": "cashier", "stream_id": "us", "execution_id": "t" })),
        ("/v1/sessions", json!({ "definition": "cashier", "input": 1 })),
        ("/v1/sessions/u/messages", json!({ "input": "and?", "stream_id": "them" })),
    ] {
        let found = post(address, path, us, body.clone()).await;
        assert_eq!(found.0, 403, "{path} {body} {}", found.1);
    }
    let protocols = format!("runbus.v1, runbus.bearer.{us}");
    let shown = [("sec-websocket-protocol", protocols.as_str())];
    let (mut socket, _) = Client::handshake(address, "", &shown).await.unwrap();
    for (n, mut command) in [
        json!({ "type": "decide", "approval_id": theirs, "approved": true }),
        json!({ "type": "answer", "request_id": theirs, "input": 1 }),
        json!({ "type": "send", "session_id": "t", "input": 1 }),
        json!({ "type": "resume", "session_id": "t" }),
        json!({ "type": "close", "session_id": "t" }),
    ]
    .into_iter()
    .enumerate()
    {
        command["id"] = Value::from(n.to_string());
        socket.say(&command).await;
        let answer = socket.message().await.unwrap();
        assert_eq!(answer["code"], "forbidden", "{command}");
    }
    assert!(paid.all().is_empty());

    // The requests of our stream.
    let path = format!("/v1/approvals/{ours}");
    assert_eq!(bearer(address, &path, &node.reveal()).await.0, 200);
    let decided =
        post(address, &format!("{path}/decision"), &node.reveal(), json!({ "approved": true })).await;
    assert_eq!(decided.0, 200, "{}", decided.1);
    stage.output("u").await;
    assert_eq!(paid.all(), [json!({ "n": 1 })]);
    let said =
        post(address, "/v1/sessions/u/messages", us, json!({ "input": "thanks", "execution_id": "u2" }))
            .await;
    assert_eq!(said.0, 201, "{}", said.1);
    stage.output("u2").await;
    assert_eq!(post(address, "/v1/sessions/u/close", us, json!({})).await.0, 200);
    assert_eq!(stage.control.session(&session("t")).await.unwrap().approvals.len(), 1);
    end(served).await;
    worker.leave().await;
}
