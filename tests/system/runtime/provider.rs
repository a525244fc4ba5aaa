//! Faults of providers: tried again with a notice, or a clear end.

use std::time::Duration;

use runbus::event::{Kind, Payload};
use runbus_workers::model::{Config, Entry, OpenAi, Providers};
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

fn named(provider: &str, base_url: String) -> OpenAi {
    let mut config = Config::new(base_url, "m");
    config.provider = provider.to_owned();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_answers_for_a_model_that_is_down_or_refuses_and_events_say_so() {
    on_each(async |stage| {
        let (first, second) = (recorded().await, recorded().await);
        let definition = json!({
            "kind": "agent", "name": "clerk", "model_tries": 2,
            "model": {"name": "first/m", "fallbacks": ["second/n"]},
        });
        let providers = Providers::new("first", Entry::new(openai(first.base_url())))
            .with("second", Entry::new(named("second", second.base_url())));
        let worker = Crew::new().define(&definition).model(providers).hire(&stage);
        let refused =
            || Mode::Refuse { status: 404, body: r#"{"error":"no such model"}"#.into(), retry_after: None };
        for (id, modes, retries) in [
            ("refuses", vec![refused()], vec![Some("second/n")]),
            ("down", vec![Mode::Break(0), Mode::Break(900)], vec![None, Some("second/n")]),
        ] {
            first.fail_next(modes);
            stage.start("clerk", id, id).await;
            let (text, output) = texts(&stage, id).await;
            assert!(!output.is_empty() && text == output);
            let mut asked = Vec::new();
            let mut answered = None;
            for event in stage.story(id).await {
                match event.payload().unwrap() {
                    Payload::LlmRetry(retry) => asked.push(retry.model),
                    Payload::LlmTurnCompleted(turn) => answered = turn.provider,
                    _ => {}
                }
            }
            assert_eq!(asked.iter().map(Option::as_deref).collect::<Vec<_>>(), retries, "{id}");
            assert_eq!(answered.as_deref(), Some("second"), "{id}");
        }
        // Nobody is left.
        first.fail_next([refused()]);
        second.fail_next([refused()]);
        stage.start("clerk", "all", "all").await;
        assert_eq!(stage.failure("all").await, "provider_refused");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_one_id_in_its_events_and_in_its_session() {
    on_each(async |stage| {
        let server = recorded().await;
        let worker = agent().model(openai(server.base_url())).hire(&stage);
        server.fail_next([Mode::Break(900)]);
        stage.start("clerk", "ids", "hi").await;
        let (mut begun, mut void, mut completed) = (Vec::new(), Vec::new(), Vec::new());
        for event in stage.story("ids").await {
            match event.payload().unwrap() {
                Payload::NodeLoopIteration(round) => begun.extend(round.message_id),
                Payload::LlmRetry(retry) => void.extend(retry.message_id),
                Payload::LlmTurnCompleted(turn) => completed.extend(turn.message_id),
                _ => {}
            }
        }
        assert_eq!(begun, [void[0].clone(), completed[0].clone()]);
        assert_ne!(begun[0], begun[1]);
        let session = super::kit::session("ids");
        let ids = async || {
            let said = stage.control.messages(&session, true).await.unwrap();
            said.into_iter().map(|said| said.message_id).collect::<Vec<_>>()
        };
        let said = ids().await;
        assert!(said.contains(&completed[0]) && !said.contains(&void[0]));
        assert_eq!(ids().await, said);
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
