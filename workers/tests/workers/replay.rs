//! Calls of providers that are recorded, and recordings that answer in place of providers.

use std::path::Path;

use runbus_workers::model::recorded::{Folder, Recording};
use runbus_workers::model::{Fault, Message, Options, Providers, Request, Turn};
use runbus_workers::model_section::Config;
use runbus_workers::recording::{Interaction, Matching, Mode, Options as ServerOptions, Server};
use serde_json::{Value, json};

use crate::client::serve;
use crate::recordings::ask;

const KEY: &str = "sk-not-to-be-written-1";
const HEADER: &str = "a-token-of-a-header";

fn built(section: Value) -> std::sync::Arc<Providers> {
    serde_json::from_value::<Config>(section).unwrap().build().unwrap()
}

fn recording(server: &Server, folder: &Path) -> std::sync::Arc<Providers> {
    built(json!({
        "provider": "work", "record": folder,
        "providers": {"work": {
            "base_url": server.base_url(), "model": "m", "api_key": KEY, "headers": {"x-token": HEADER},
            "extra_body": {"seed": 1, "api_key": "in-the-body"}, "quirks": {"think_tags": "never"},
        }},
    }))
}

fn playing(folder: &Path) -> std::sync::Arc<Providers> {
    built(json!({"provider": "replay", "replay": folder}))
}

fn question(text: &str) -> Request {
    Request { messages: vec![Message::user(text)], ..Request::default() }
}

async fn answer(model: &Providers, request: Request) -> Result<Turn, Fault> {
    let got = ask(model, request).await;
    let end = got.end.unwrap();
    if let Ok(turn) = &end {
        assert_eq!((&got.text, &got.reasoning), (&turn.text, &turn.reasoning));
    }
    end
}

/// The text of all files of a folder.
fn written(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Holds a conversation with tools to its end; gives its turns.
async fn converse(model: &Providers) -> Vec<Turn> {
    let mut request = question("What is the weather in Oslo and Bergen, and which is larger?");
    let mut turns = Vec::new();
    for results in [["snow", "rain"], ["717710", "291940"], ["", ""]] {
        let turn = answer(model, request.clone()).await.unwrap();
        request.messages.push(turn.message());
        for (call, result) in turn.tool_calls.iter().zip(results) {
            request.messages.push(Message::tool(&call.id, result));
        }
        turns.push(turn);
    }
    turns
}

#[tokio::test]
async fn a_recorded_conversation_is_played_to_the_same_turns_without_its_service_and_without_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below/recordings");
    let options = ServerOptions { matching: Matching::Depth, ..ServerOptions::default() };
    let server = serve("parallel-tools", options).await;
    let turns = converse(&recording(&server, &path)).await;
    drop(server);
    assert!(turns[0].tool_calls.len() == 2 && turns[2].tool_calls.is_empty());

    let text = written(&path);
    for secret in [KEY, HEADER, "in-the-body", "Bearer"] {
        assert!(!text.contains(secret), "{secret} was written");
    }
    let read = Folder::load(&path).unwrap();
    let [source] = read.sources.as_slice() else { panic!("one conversation is one file") };
    #[cfg(unix)]
    for (place, wanted) in [(path.clone(), 0o700), (path.join(&source.file), 0o600)] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&place).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, wanted, "{}", place.display());
    }
    let Recording { name, client, interactions, .. } = &source.recording;
    assert_eq!((format!("{name}.json"), interactions.len()), (source.file.clone(), 3));
    assert_eq!(client.as_ref().unwrap().provider, "work");
    assert_eq!(interactions[0].request["seed"], 1);
    assert!(interactions[0].body.starts_with("data: ") && interactions[0].body.ends_with("\n\n"));

    for _again in 0..2 {
        let player = playing(&path);
        assert_eq!(player.names().next(), Some("work"));
        assert_eq!(converse(&player).await, turns);
        // A request that was asked again gets its only answer again.
        assert_eq!(converse(&player).await, turns);
    }
}

#[tokio::test]
async fn refusals_and_broken_answers_are_played_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve("plain-text", ServerOptions::default()).await;
    let refused = Mode::Refuse { status: 503, body: r#"{"error":"busy"}"#.into(), retry_after: None };
    server.fail_next([refused, Mode::Break(900), Mode::AsRecorded]);
    let hear = async |model: &Providers| {
        let mut ends = Vec::new();
        for _try in 0..3 {
            ends.push(answer(model, question("Go on.")).await);
        }
        ends
    };
    let heard = hear(&recording(&server, folder.path())).await;
    drop(server);
    let codes = |ends: &[Result<Turn, Fault>]| {
        ends.iter().map(|end| end.as_ref().err().map(Fault::code)).collect::<Vec<_>>()
    };
    assert_eq!(codes(&heard), [Some("provider_refused"), Some("connection"), None]);
    let player = playing(folder.path());
    let played = hear(&player).await;
    assert_eq!(codes(&played), codes(&heard));
    assert_eq!(played[0], heard[0]);
    assert_eq!(played[2], heard[2]);
    // Behind the last one the last one comes again.
    assert_eq!(answer(&player, question("Go on.")).await, heard[2]);
}

#[tokio::test]
async fn a_request_that_nothing_matches_names_the_nearest_recording_and_the_field_that_differs() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve("plain-text", ServerOptions { repeat: true, ..ServerOptions::default() }).await;
    let recorder = recording(&server, folder.path());
    for text in ["Why a log?", "Why a queue?"] {
        answer(&recorder, question(text)).await.unwrap();
    }
    let player = playing(folder.path());
    let mut request = question("Why a queue?");
    request.options = Options { temperature: Some(0.5), ..Options::default() };
    let fault = answer(&player, request).await.unwrap_err();
    assert!(!fault.is_retryable());
    let text = fault.to_string();
    let files = Folder::load(folder.path()).unwrap().sources;
    let near =
        files.iter().find(|source| source.recording.interactions[0].request.to_string().contains("queue"));
    for part in [near.unwrap().file.as_str(), "interaction 1", "temperature", "(absent)", "0.5"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = answer(&player, question("Why a store?")).await.unwrap_err().to_string();
    assert!(text.contains("messages[0].content") && text.contains("\"Why a store?\""), "{text}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_costs_no_turn() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = serve("plain-text", ServerOptions::default()).await;
    let turn = answer(&recording(&server, &file.path().join("below")), question("Go on.")).await.unwrap();
    assert!(!turn.text.is_empty());
}

#[tokio::test]
async fn each_api_is_recorded_and_played_in_its_own_form() {
    let anthropic = [
        json!({"type": "message_start", "message": {"id": "msg", "model": "c", "usage": {"input_tokens": 1, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Rain."}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
        json!({"type": "message_stop"}),
    ];
    let gemini =
        [json!({"candidates": [{"content": {"parts": [{"text": "Rain."}]}, "finishReason": "STOP"}]})];
    let responses = [
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "Rain."}),
        json!({"type": "response.completed", "response": {"status": "completed", "model": "r", "output": []}}),
    ];
    let apis = [("anthropic", &anthropic[..]), ("gemini", &gemini[..]), ("openai_responses", &responses[..])];
    for (kind, events) in apis {
        let folder = tempfile::tempdir().unwrap();
        let body = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let interaction = Interaction {
            status: 200,
            content_type: "text/event-stream".into(),
            body,
            ..Interaction::default()
        };
        let (name, provenance) = ("native".into(), Value::Null);
        let recording =
            Recording { name, provenance, api: None, client: None, interactions: vec![interaction] };
        let server = Server::start(recording, ServerOptions::default()).await.unwrap();
        let base_url = server.base_url();
        let recorder = built(json!({"provider": "own", "record": folder.path(), "providers": {"own":
            {"kind": kind, "base_url": base_url.trim_end_matches("/v1"), "model": "of-this-name"}}}));
        let turn = answer(&recorder, question("Weather?")).await.unwrap();
        drop(server);
        assert_eq!(turn.text, "Rain.");
        assert_eq!(answer(&playing(folder.path()), question("Weather?")).await.unwrap(), turn, "{kind}");
        let other = Request { model: Some("another".into()), ..question("Weather?") };
        let fault = answer(&playing(folder.path()), other).await.unwrap_err().to_string();
        assert!(fault.contains("another") && fault.contains("of-this-name"), "{fault}");
    }
}

#[tokio::test]
async fn recordings_of_others_are_played_by_their_api() {
    let player = playing(&Recording::own_dir());
    let recording = Recording::load(&Recording::own_dir().join("plain-text.json")).unwrap();
    let request = &recording.interactions[0].request;
    let asked = Request {
        model: request["model"].as_str().map(str::to_owned),
        ..question(request["messages"][0]["content"].as_str().unwrap())
    };
    assert!(!answer(&player, asked).await.unwrap().text.is_empty());
}

#[test]
fn a_replay_without_recordings_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let of = |section: Value| serde_json::from_value::<Config>(section).unwrap();
    let refused = |section: Value| of(section).build().unwrap_err().to_string();
    let text = refused(json!({"provider": "replay", "replay": folder.path()}));
    assert!(text.contains("model.record") && text.contains(folder.path().to_str().unwrap()), "{text}");
    let text = refused(json!({"provider": "replay", "replay": folder.path().join("none")}));
    assert!(text.contains("cannot be read"), "{text}");
    std::fs::write(folder.path().join("half.json"), "{\"name\": ").unwrap();
    // The folder of `record` is played where no other is named.
    let text = refused(json!({"provider": "replay", "record": folder.path()}));
    assert!(text.contains("half.json") && text.contains("is no recording"), "{text}");
}
