//! Hostile answers of a server over HTTP.

use axum::http::Response as HttpResponse;
use rmcp::model::RequestId;
use serde_json::Value;

use super::*;

async fn answer_of(kind: &str, status: u16, body: String) -> Outcome<Answer> {
    let response = HttpResponse::builder().status(status).header("content-type", kind).body(body).unwrap();
    let message =
        serde_json::json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": { "name": "a" } });
    answer(response.into(), &json::from_value(message).unwrap(), true, 1_000_000).await
}

/// Every message that the client takes from an answer.
async fn messages(kind: &str, body: String) -> Vec<Value> {
    match answer_of(kind, 200, body).await.unwrap() {
        Answer::Json(message, _) => vec![serde_json::to_value(message).unwrap()],
        Answer::Sse(events, _) => {
            // As the client does with each answer (oversize.rs).
            let events: Vec<_> = sse::answering(events, RequestId::Number(7), 1_000_000).collect().await;
            let data = events.into_iter().filter_map(|event| event.ok()?.data);
            data.map(|data| json::from_str(&data).unwrap()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_hostile_answer_over_http_becomes_an_error_of_the_call() {
    let raw = r#"{"$serde_json::private::RawValue":"[[1]]"}"#.to_owned();
    let number = r#"{"$serde_json::private::Number":"1"}"#.to_owned();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for hostile in [raw, number, deep] {
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"content":[],"structuredContent":{hostile}}}}}"#);
        for (kind, body) in [(JSON, text.clone()), (EVENTS, format!("data: {text}\n\n"))] {
            let all = messages(kind, body).await;
            assert!(
                all.iter().any(|one| one["error"]["code"] == refusal::UNREADABLE && one["id"] == 7),
                "{all:?}"
            );
            assert!(all.iter().all(|one| one.get("result").is_none()), "{all:?}");
        }
    }
}

#[tokio::test]
async fn a_hostile_error_over_http_is_read_by_no_parser() {
    for hostile in [r#"{"$serde_json::private::RawValue":"[[1]]"}"#.to_owned(), "[".repeat(60_000)] {
        let body =
            format!(r#"{{"jsonrpc":"2.0","id":7,"error":{{"code":1,"message":"m","data":{hostile}}}}}"#);
        for status in [400, 404, 500, 503] {
            let outcome = answer_of(JSON, status, body.clone()).await;
            assert!(
                !matches!(&outcome, Ok(Answer::Json(JsonRpcMessage::Error(said), _)) if said.error.data.is_some())
            );
        }
    }
}
