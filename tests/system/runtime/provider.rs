//! Faults of providers: tried again with a notice, or a clear end.

use std::time::Duration;

use runbus::event::{Kind, Payload};
use runbus_workers::model::{Config, OpenAi};
use runbus_workers::recording::{Mode, Options, Recording, Server};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::kit::{Crew, Stage, on_each};

fn openai(base_url: String) -> OpenAi {
    let mut config = Config::new(base_url, "m");
    // Long enough for a busy machine; a stalled answer never goes on.
    config.idle_timeout = Duration::from_secs(2);
    OpenAi::new(config).unwrap()
}

async fn recorded() -> Server {
    let path = Recording::own_dir().join("plain-text.json");
    let options = Options { repeat: true, ..Options::default() };
    Server::start(Recording::load(&path).unwrap(), options).await.unwrap()
}

fn agent() -> Crew {
    Crew::new().define(&json!({ "kind": "agent", "name": "clerk", "model_tries": 2 }))
}

/// The text that a reader assembles of the last try, and the output of the execution.
async fn texts(stage: &Stage, id: &str) -> (String, String) {
    let (mut text, mut output) = (String::new(), String::new());
    for event in stage.story(id).await {
        match event.payload().unwrap() {
            Payload::ClientOutputDelta(delta) => text.push_str(&delta.content),
            Payload::LlmRetry(_) => text.clear(),
            Payload::ExecutionCompleted(end) => output = end.output["output"].as_str().unwrap().to_owned(),
            Payload::ExecutionFailed(end) => panic!("{end:?}"),
            _ => {}
        }
    }
    (text, output)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_answer_is_superseded_and_tried_again() {
    on_each(async |stage| {
        let server = recorded().await;
        let worker = agent().model(openai(server.base_url())).hire(&stage);
        for (n, (mode, code)) in [
            (Mode::Break(1500), "connection"),
            (Mode::End(1500), "closed_early"),
            (Mode::Stall(1500), "stalled"),
            (Mode::Garbage(1500), "garbage"),
        ]
        .into_iter()
        .enumerate()
        {
            server.fail_next([mode]);
            let id = n.to_string();
            stage.start("clerk", &id, format!("question {n}")).await;
            let (text, output) = texts(&stage, &id).await;
            assert!(!output.is_empty());
            assert_eq!(text, output, "{code}");
            let Payload::LlmRetry(retry) = stage.wait(&id, Kind::LlmRetry).await else { panic!() };
            assert_eq!((retry.error["code"].as_str(), retry.next_try), (Some(code), 2));
        }
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_fault_ends_clearly() {
    on_each(async |stage| {
        let server = recorded().await;
        let worker = agent().model(openai(server.base_url())).hire(&stage);
        let denied = Mode::Refuse { status: 401, body: r#"{"error":"who?"}"#.into(), retry_after: None };
        for (id, modes, code) in [
            ("denied", vec![denied], "provider_refused"),
            ("stalls", vec![Mode::Stall(700), Mode::Stall(0)], "stalled"),
            ("garbage", vec![Mode::Garbage(0), Mode::Garbage(900)], "garbage"),
            ("ends", vec![Mode::End(900), Mode::End(0)], "closed_early"),
            ("breaks", vec![Mode::Break(0), Mode::Break(900)], "connection"),
        ] {
            server.fail_next(modes);
            stage.start("clerk", id, id).await;
            assert_eq!(stage.failure(id).await, code, "{id}");
            // The session can be asked again: its conversation has a question without an answer.
            let resumed = stage.control.resume(&super::kit::session(id), None).await.unwrap();
            assert!(!stage.output(resumed.execution_id.as_str()).await.is_empty());
        }
        worker.leave().await;
    })
    .await;
}

/// A server that speaks no HTTP, one that hangs up at once, one that nobody listens to.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_none_ends_clearly() {
    on_each(async |stage| {
        for (id, answer) in [("nonsense", Some(&b"\x00\xff\x13 no http here\r\n\r\n"[..])), ("silent", None)]
        {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/v1", listener.local_addr().unwrap());
            let server = tokio::spawn(async move {
                loop {
                    let (mut socket, _) = listener.accept().await.unwrap();
                    let mut request = [0; 4096];
                    let _some = socket.read(&mut request).await.unwrap();
                    if let Some(answer) = answer {
                        socket.write_all(answer).await.unwrap();
                    }
                }
            });
            let worker = agent().model(openai(url)).hire(&stage);
            stage.start("clerk", id, "hi").await;
            assert_eq!(stage.failure(id).await, "connection", "{id}");
            worker.leave().await;
            server.abort();
        }
        let worker = agent().model(openai("http://127.0.0.1:1/v1".into())).hire(&stage);
        stage.start("clerk", "nobody", "hi").await;
        assert_eq!(stage.failure("nobody").await, "connection");
        worker.leave().await;
    })
    .await;
}
