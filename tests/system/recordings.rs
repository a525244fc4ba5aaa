//! Real providers' recorded traffic, run through a worker: readers get exactly the recorded content.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runbus::control::StartRequest;
use runbus::event::{Event, Kind, Payload};
use runbus::id::{ExecutionId, SessionId};
use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::model::{self, OpenAi};
use runbus_workers::pool::Worker;
use runbus_workers::recording::{Chunking, Expected, Options, Recording, Server, expected};
use runbus_workers::session::actor::Dependencies;
use runbus_workers::tool::{Error, Invocation, Registry, Spec, Tool};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::backends::{self, Backend};
use crate::client::{config, follow, gateway, is_terminal};

/// Answers as the recorded tool did.
#[derive(Debug)]
struct Recorded {
    spec: Spec,
    answers: Vec<(String, String)>,
}

#[async_trait]
impl Tool for Recorded {
    fn spec(&self) -> &Spec {
        &self.spec
    }
    fn safe_to_repeat(&self) -> bool {
        true
    }
    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        let answer = self.answers.iter().find(|(id, _)| *id == invocation.call_id);
        Ok(answer.map_or_else(|| "done".to_owned(), |(_, text)| text.clone()))
    }
}

fn requests(recording: &Recording) -> impl Iterator<Item = &Value> {
    recording.interactions.iter().map(|interaction| &interaction.request)
}

fn registry(recording: &Recording) -> Registry {
    let messages: Vec<&Value> = requests(recording).flat_map(|r| r["messages"].as_array().unwrap()).collect();
    let answers: Vec<(String, String)> = messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .map(|m| (m["tool_call_id"].as_str().unwrap().to_owned(), m["content"].as_str().unwrap().to_owned()))
        .collect();
    let mut registry = Registry::new();
    let tools = recording.interactions[0].request["tools"].as_array().cloned().unwrap_or_default();
    for tool in tools.iter().filter(|tool| tool["function"]["name"].is_string()) {
        let function = &tool["function"];
        let spec = Spec {
            name: function["name"].as_str().unwrap().into(),
            description: function["description"].as_str().unwrap_or("").into(),
            parameters: function["parameters"].clone(),
        };
        registry = registry.with(Recorded { spec, answers: answers.clone() }).unwrap();
    }
    registry
}

/// The user's words, one an execution: a recording with two of them is a session that two executions continue.
fn questions(recording: &Recording) -> Vec<String> {
    let mut questions: Vec<String> = Vec::new();
    for request in requests(recording) {
        let user = |m: &&Value| m["role"] == "user";
        let last = request["messages"].as_array().unwrap().iter().rfind(user).unwrap();
        let text = last["content"].as_str().unwrap().to_owned();
        // The recording client's text about its refused call is no question; our worker writes its own.
        if !questions.contains(&text) && !text.contains("validation error") {
            questions.push(text);
        }
    }
    questions
}

async fn run(backend: &Backend, gateway: SocketAddr, recording: &Recording, seed: u64) -> Vec<Event> {
    let chunking = Chunking { seed, ..Chunking::default() };
    let server = Server::start(recording.clone(), Options { chunking, ..Options::default() }).await.unwrap();
    let registry = registry(recording);
    let names: Vec<&str> = registry.names().collect();
    let agent = json!({ "kind": "agent", "name": "recorded", "tools": names });
    let mut definitions = Definitions::default();
    definitions.add(Definition::parse("recorded", &agent.to_string()).unwrap()).unwrap();
    runbus::tls::install();
    let mut config = model::Config::new(server.base_url(), "recorded");
    // A recording's text is compared as it was sent.
    config.quirks.think_tags = model::ThinkTags::Never;
    let dependencies = Dependencies {
        log: backend.log.clone(),
        store: backend.store.clone(),
        clock: Clock::System,
        definitions: Arc::new(definitions),
        model: Arc::new(OpenAi::new(config).unwrap()),
        registry: Arc::new(registry),
        worker: Worker::id(&Config::default()),
    };
    let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
    let worker = Worker::new(Config::default(), backend.queue.clone(), dependencies);
    let worker = tokio::spawn(worker.run(drain.clone(), cut));
    let mut events = Vec::new();
    for (n, question) in questions(recording).into_iter().enumerate() {
        let id = format!("{}-{n}", recording.name);
        let request = StartRequest {
            execution_id: Some(ExecutionId::new(&id).unwrap()),
            session_id: Some(SessionId::new(&recording.name).unwrap()),
            ..StartRequest::new("recorded", question)
        };
        backend.control().start(request).await.unwrap();
        let filter = json!({ "execution_id": id });
        let found = follow(&[gateway], &filter, json!("all"), is_terminal).await;
        events.extend(found.iter().map(|event| Event::decode(event.to_string().as_bytes()).unwrap()));
    }
    drain.cancel();
    worker.await.unwrap();
    events
}

/// A reader's view of one model call.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    text: String,
    reasoning: String,
    /// Calls as they were written: id, name, arguments.
    written: Vec<(String, String, String)>,
    calls: Vec<(String, String, String)>,
    usage: Option<(u64, u64, u64)>,
    error: Option<Value>,
}

fn seen(events: &[Event]) -> Vec<Seen> {
    let mut turns = Vec::new();
    let mut open = Seen::default();
    for event in events {
        match event.payload().unwrap() {
            Payload::ClientOutputDelta(delta) => open.text += &delta.content,
            Payload::LlmReasoningDelta(delta) => open.reasoning += &delta.content,
            Payload::ToolCallDelta(delta) => {
                let known = open.written.iter_mut().find(|(id, ..)| *id == delta.tool_use_id);
                match known {
                    Some((.., arguments)) => arguments.push_str(&delta.arguments),
                    None => open.written.push((delta.tool_use_id, delta.tool_name, delta.arguments)),
                }
            }
            Payload::LlmTurnCompleted(turn) => {
                open.usage = turn.usage.map(|u| (u.prompt_tokens, u.completion_tokens, u.total_tokens));
                open.calls =
                    turn.tool_calls.into_iter().map(|c| (c.tool_use_id, c.tool_name, c.arguments)).collect();
                turns.push(std::mem::take(&mut open));
            }
            Payload::LlmRetry(retry) => {
                open.error = Some(retry.error);
                turns.push(std::mem::take(&mut open));
            }
            Payload::ExecutionFailed(failed) => {
                open.error = Some(failed.error);
                turns.push(std::mem::take(&mut open));
            }
            _ => {}
        }
    }
    turns
}

fn check(name: &str, expected: &Expected, seen: &Seen) {
    assert_eq!(seen.text, expected.text, "{name}");
    assert_eq!(seen.reasoning, expected.reasoning, "{name}");
    let calls: Vec<_> = if expected.error.is_some() { Vec::new() } else { expected.tool_calls.clone() };
    let calls: Vec<_> = calls.into_iter().map(|c| (c.id, c.name, c.arguments)).collect();
    assert_eq!(seen.calls, calls, "{name}");
    // A call without arguments, or one that came whole, is not shown while it is written.
    if expected.error.is_none() {
        assert!(seen.written.iter().all(|call| seen.calls.contains(call)), "{name}: {:?}", seen.written);
    }
    match &expected.error {
        None => {
            let usage = expected.usage.map(|u| (u.prompt_tokens, u.completion_tokens, u.total_tokens));
            assert_eq!(seen.usage, usage, "{name}");
            assert_eq!(seen.error, None, "{name}");
        }
        Some((error, _)) => {
            let provider = &seen.error.as_ref().unwrap()["provider"];
            for field in ["message", "code", "type", "failed_generation"] {
                if let Some(text) = error[field].as_str() {
                    assert_eq!(provider[field], text, "{name} {field}");
                }
            }
        }
    }
}

async fn check_all(recordings: Vec<Recording>) {
    assert!(!recordings.is_empty());
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        for (n, recording) in (1_u64..).zip(&recordings) {
            let events =
                tokio::time::timeout(Duration::from_secs(120), run(&backend, served.address, recording, n))
                    .await
                    .unwrap();
            let found = seen(&events);
            let wanted = expected(recording);
            assert!(found.len() >= wanted.len(), "{}: {found:#?}", recording.name);
            for (expected, seen) in wanted.iter().zip(&found) {
                check(&format!("{} on {}", recording.name, backend.name), expected, seen);
            }
            // Every call that was answered is seen to start and to complete.
            let count = |kind: Kind| events.iter().filter(|event| event.kind == kind).count();
            assert_eq!(count(Kind::ToolCallStarted), count(Kind::ToolCallCompleted), "{}", recording.name);
        }
        served.drain.cancel();
        served.task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn own_recordings_come_out_exactly() {
    check_all(Recording::load_all(&Recording::own_dir()).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_recordings_come_out_exactly() {
    let dir = Recording::dir();
    if !dir.exists() {
        // They are no part of the product; those in the repository cover the same ground.
        assert!(!std::env::vars().any(|(key, _)| key == "RUNBUS_RECORDINGS"), "{} is missing", dir.display());
        let _ = std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("no shared recordings at {}: only the repository's own are run\n", dir.display())
                .as_bytes(),
        );
        return;
    }
    check_all(Recording::load_all(&dir).unwrap()).await;
}
