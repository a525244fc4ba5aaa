//! The native APIs against recorded traffic, cut at arbitrary places, and what their clients send.

use std::time::Duration;

use runbus_workers::model::quirks::{Asked, Quirks};
use runbus_workers::model::{Endpoint, Kind, Message, Model, Request, Setup, Turn};
use runbus_workers::recording::{Chunking, Interaction, Options, Recording, Server};
use serde_json::{Value, json};

use crate::recordings::ask;

fn model(kind: Kind, server: &Server) -> std::sync::Arc<dyn Model> {
    let base_url = server.base_url().trim_end_matches("/v1").to_owned();
    let endpoint = Endpoint { base_url, ..Endpoint::default() };
    // The server tells conversations apart by their first message, which a mark for the cache would change.
    let quirks = Quirks { prompt_cache: Asked::Never, ..Quirks::default() };
    kind.build(Setup { provider: "p".into(), endpoint, quirks, ..Setup::default() }).unwrap()
}

fn request(messages: Vec<Message>) -> Request {
    Request { messages, ..Request::default() }
}

fn stream(events: &[Value]) -> Interaction {
    let body = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    Interaction { status: 200, content_type: "text/event-stream".into(), body, ..Interaction::default() }
}

async fn serve(interactions: Vec<Interaction>, seed: u64) -> Server {
    let recording =
        Recording { name: "native".into(), provenance: Value::Null, api: None, client: None, interactions };
    let chunking = Chunking { seed, max_bytes: 11, pace: Duration::ZERO };
    Server::start(recording, Options { chunking, ..Options::default() }).await.unwrap()
}

async fn turn(model: &dyn Model, request: Request) -> Turn {
    let got = ask(model, request).await;
    let turn = got.end.unwrap().unwrap();
    assert_eq!((&got.text, &got.reasoning), (&turn.text, &turn.reasoning));
    turn
}

#[tokio::test]
async fn anthropic_gets_its_signed_thinking_back() {
    let start = json!({"type": "message_start", "message": {"id": "msg", "model": "claude-x", "usage": {"input_tokens": 1, "output_tokens": 1}}});
    let begins = |index: u32, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let grows =
        |index: u32, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let ends = |reason: &str| {
        [
            json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}}),
            json!({"type": "message_stop"}),
        ]
    };
    let first = [
        vec![
            start.clone(),
            begins(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
            grows(0, json!({"type": "thinking_delta", "thinking": "hm"})),
            grows(0, json!({"type": "signature_delta", "signature": "sig"})),
            begins(1, json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}})),
            grows(1, json!({"type": "input_json_delta", "partial_json": "{\"at\": 1}"})),
        ],
        ends("tool_use").to_vec(),
    ]
    .concat();
    let second = [
        vec![
            start,
            begins(0, json!({"type": "text", "text": ""})),
            grows(0, json!({"type": "text_delta", "text": "Rain."})),
        ],
        ends("end_turn").to_vec(),
    ]
    .concat();
    let server = serve(vec![stream(&first), stream(&second)], 5).await;
    let model = model(Kind::Anthropic, &server);
    let mut asked = request(vec![Message::user("Weather?")]);
    asked.options.reasoning_effort = Some("low".into());
    let called = turn(model.as_ref(), asked.clone()).await;
    assert_eq!((called.reasoning.as_str(), called.tool_calls[0].arguments.as_str()), ("hm", "{\"at\": 1}"));
    asked.messages.extend([called.message(), Message::tool("toolu_1", "rain")]);
    assert_eq!(turn(model.as_ref(), asked).await.text, "Rain.");
    let sent = &server.received()[1].body["messages"][1]["content"];
    assert_eq!(sent[0], json!({"type": "thinking", "thinking": "hm", "signature": "sig"}));
    assert_eq!(sent[1], json!({"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": 1}}));
}

#[tokio::test]
async fn gemini_gets_its_thought_signatures_back() {
    let call = json!({"functionCall": {"name": "look", "args": {"at": 1}}, "thoughtSignature": "sig"});
    let answer = |part: Value| {
        stream(&[json!({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]})])
    };
    let server = serve(vec![answer(call.clone()), answer(json!({"text": "Rain."}))], 6).await;
    let model = model(Kind::Gemini, &server);
    let mut asked = request(vec![Message::user("Weather?")]);
    let called = turn(model.as_ref(), asked.clone()).await;
    let id = called.tool_calls[0].id.clone();
    assert!(!id.is_empty());
    asked.messages.extend([called.message(), Message::tool(id, "rain")]);
    assert_eq!(turn(model.as_ref(), asked).await.text, "Rain.");
    let sent = &server.received()[1].body["contents"];
    assert_eq!(sent[1]["parts"][0], call);
    assert_eq!(
        sent[2]["parts"][0]["functionResponse"],
        json!({"name": "look", "response": {"result": "rain"}})
    );
}

/// Every recording beside the shared ones, if they are there: read to a turn or to an error, the same for every chunking.
#[tokio::test]
async fn recorded_traffic_of_native_apis_is_read_whole() {
    let folder = Recording::dir().parent().unwrap().join("native-recordings");
    let Ok(files) = std::fs::read_dir(&folder) else { return };
    let mut count = 0;
    for file in files.map(|file| file.unwrap().path()) {
        if file.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let api: Value = serde_json::from_str(&text).unwrap();
        let kind = if api["api"] == "anthropic" { Kind::Anthropic } else { Kind::Gemini };
        for interaction in Recording::load(&file).unwrap().interactions {
            let mut turns = Vec::new();
            for seed in 1..4 {
                let server = serve(vec![interaction.clone()], seed).await;
                let got = ask(model(kind, &server).as_ref(), request(vec![Message::user("q")])).await;
                let mut turn = got.end.unwrap().unwrap_or_else(|fault| panic!("{}: {fault}", file.display()));
                assert_eq!((&got.text, &got.reasoning), (&turn.text, &turn.reasoning));
                // Ids that Runbus makes are new each time.
                turn.tool_calls.iter_mut().filter(|call| call.id.len() == 9).for_each(|call| call.id.clear());
                turns.push(turn);
            }
            assert!(turns.windows(2).all(|pair| pair[0] == pair[1]), "{}", file.display());
            compare(&turns[0], &interaction.body, kind, &file.display().to_string());
            count += 1;
        }
    }
    assert!(count > 0);
}

/// Compares a turn with a plain reading of the recorded body.
fn compare(turn: &Turn, body: &str, kind: Kind, name: &str) {
    let chunks: Vec<Value> = if body.trim_start().starts_with(['{', '[']) {
        vec![serde_json::from_str(body).unwrap()]
    } else {
        body.lines()
            .filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok())
            .collect()
    };
    let mut text = String::new();
    for chunk in &chunks {
        if kind == Kind::Anthropic {
            text += chunk["delta"]["text"].as_str().unwrap_or_default();
            text += chunk["content_block"]["text"].as_str().unwrap_or_default();
            for block in chunk["content"].as_array().into_iter().flatten() {
                text += block["text"].as_str().unwrap_or_default();
            }
        } else {
            for part in chunk["candidates"][0]["content"]["parts"].as_array().into_iter().flatten() {
                if part["thought"] != true {
                    text += part["text"].as_str().unwrap_or_default();
                }
            }
        }
    }
    assert_eq!(turn.text, text, "{name}");
    assert!(turn.usage.is_some() && turn.model.is_some() && turn.finish_reason.is_some(), "{name}");
}
