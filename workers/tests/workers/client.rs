//! The requests of the client, and how it lets go.

use std::time::Duration;

use futures_util::StreamExt;
use runbus_workers::model::{
    Config, Delta, Message, Model, OpenAi, Options, Request, ResponseFormat, ToolCall,
};
use runbus_workers::recording::{Chunking, Matching, Mode, Options as ServerOptions, Recording, Server};
use runbus_workers::tool;
use serde_json::json;

use crate::recordings::{ask, client};

pub(crate) async fn serve(name: &str, options: ServerOptions) -> Server {
    let path = Recording::own_dir().join(format!("{name}.json"));
    Server::start(Recording::load(&path).unwrap(), options).await.unwrap()
}

#[tokio::test]
async fn sends_the_wire_form() {
    let server = serve("plain-text", ServerOptions::default()).await;
    let mut config = Config::new(format!("{}/", server.base_url()), "default-model");
    config.api_key = Some("secret".to_owned());
    assert!(!format!("{config:?}").contains("secret"));
    let parameters = json!({"type": "object", "properties": {}});
    let request = Request {
        model: Some("asked-for".to_owned()),
        messages: vec![Message::system("s"), Message::user("u")],
        tools: vec![tool::Spec { name: "t".into(), description: "d".into(), parameters: parameters.clone() }],
        options: Options {
            temperature: Some(0.5),
            max_tokens: Some(9),
            response_format: Some(ResponseFormat::schema("answer", json!({"type": "object"}))),
            ..Options::default()
        },
        ..Request::default()
    };
    ask(&OpenAi::new(config).unwrap(), request).await.end.unwrap().unwrap();
    let received = server.received().remove(0);
    assert_eq!(received.authorization.as_deref(), Some("Bearer secret"));
    let sent = json!({
        "model": "asked-for",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "stream": true,
        "stream_options": {"include_usage": true},
        "tools": [{"type": "function", "function": {"name": "t", "description": "d", "parameters": parameters}}],
        "temperature": 0.5,
        "max_tokens": 9,
        "response_format": {"type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": false}},
    });
    assert_eq!(received.body, sent);
}

#[tokio::test]
async fn a_conversation_goes_on_with_the_messages_of_the_turn() {
    let options = ServerOptions { matching: Matching::Depth, ..ServerOptions::default() };
    let server = serve("parallel-tools", options).await;
    let (model, mut request) = client(&server);
    request.messages =
        serde_json::from_value(
            Recording::load(&Recording::own_dir().join("parallel-tools.json")).unwrap().interactions[0]
                .request["messages"]
                .clone(),
        )
        .unwrap();
    for result in [["snow", "rain"], ["717710", "291940"]] {
        let turn = ask(&model, request.clone()).await.end.unwrap().unwrap();
        request.messages.push(turn.message());
        for (ToolCall { id, .. }, result) in turn.tool_calls.iter().zip(result) {
            request.messages.push(Message::tool(id, result));
        }
    }
    let last = ask(&model, request).await;
    assert_eq!(last.text, "Oslo has snow, Bergen has rain, and Oslo is larger.");
    let recording = Recording::load(&Recording::own_dir().join("parallel-tools.json")).unwrap();
    for (received, interaction) in server.received().iter().zip(&recording.interactions) {
        // Some services refuse null, and all of them take an empty text.
        let mut sent = interaction.request["messages"].clone();
        for message in sent.as_array_mut().unwrap() {
            if message["content"].is_null() {
                message["content"] = json!("");
            }
        }
        assert_eq!(received.body["messages"], sent);
    }
}

#[tokio::test]
async fn dropping_the_stream_drops_the_request_at_once() {
    let server = serve("plain-text", ServerOptions::default()).await;
    server.fail_next([Mode::Stall(800)]);
    let (model, request) = client(&server);
    let mut deltas = model.stream(request).await.unwrap();
    let first = deltas.next().await.unwrap().unwrap();
    assert!(matches!(first, Delta::Text(_)));
    drop(deltas);
    tokio::time::timeout(Duration::from_secs(10), server.wait_aborted(1)).await.unwrap();
}

#[tokio::test]
async fn dropping_the_call_before_its_answer_drops_the_request() {
    let server = serve("plain-text", ServerOptions::default()).await;
    server.fail_next([Mode::Stall(0)]);
    let (model, request) = client(&server);
    let task = tokio::spawn(async move {
        let mut deltas = model.stream(request).await.unwrap();
        drop(deltas.next().await);
    });
    server.wait_received(1).await;
    task.abort();
    tokio::time::timeout(Duration::from_secs(10), server.wait_aborted(1)).await.unwrap();
}

#[tokio::test]
async fn deltas_arrive_as_they_are_sent() {
    // The second half never comes, and yet the first can be read.
    let chunking = Chunking { seed: 9, max_bytes: 50, pace: Duration::ZERO };
    let server = serve("plain-text", ServerOptions { chunking, ..ServerOptions::default() }).await;
    server.fail_next([Mode::Stall(1500)]);
    let (model, request) = client(&server);
    let mut deltas = model.stream(request).await.unwrap();
    let mut text = String::new();
    while !text.contains("Zürich") {
        let Delta::Text(piece) = deltas.next().await.unwrap().unwrap() else { panic!("no text") };
        text += &piece;
    }
}
