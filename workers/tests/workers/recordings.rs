//! The client against every recording, cut at arbitrary places.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use runbus_workers::model::{
    CallDelta, Config, Delta, Fault, Message, Model, OpenAi, Request, ThinkTags, Turn,
};
use runbus_workers::recording::{Chunking, Expected, Options, Recording, Server, expected};

/// The result of a client.
#[derive(Debug, Default)]
pub(crate) struct Got {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    /// Calls as they were written, by their number: id, name, arguments.
    pub(crate) written: BTreeMap<u32, (String, String, String)>,
    pub(crate) end: Option<Result<Turn, Fault>>,
}

/// Asks once and reads to the end.
pub(crate) async fn ask(model: &dyn Model, request: Request) -> Got {
    let mut got = Got::default();
    let mut deltas = match model.stream(request).await {
        Ok(deltas) => deltas,
        Err(fault) => {
            got.end = Some(Err(fault));
            return got;
        }
    };
    while let Some(delta) = deltas.next().await {
        assert!(got.end.is_none(), "nothing follows the end");
        match delta {
            Ok(Delta::Text(text)) => got.text += &text,
            Ok(Delta::Reasoning(text)) => got.reasoning += &text,
            Ok(Delta::Call(CallDelta { index, id, name, arguments })) => {
                assert!(!arguments.is_empty());
                let call =
                    got.written.entry(index).or_insert_with(|| (id.clone(), name.clone(), String::new()));
                assert_eq!((&call.0, &call.1), (&id, &name), "a call keeps its id and its name");
                call.2 += &arguments;
            }
            Ok(Delta::Completed(turn)) => {
                for (id, name, arguments) in got.written.values() {
                    let call = turn.tool_calls.iter().find(|call| call.id == *id);
                    let call = call.unwrap_or_else(|| panic!("the turn has the call {id}"));
                    assert_eq!((&call.name, &call.arguments), (name, arguments));
                }
                got.end = Some(Ok(*turn));
            }
            Err(fault) => got.end = Some(Err(fault)),
        }
    }
    got
}

/// A client of a server, and a request that is no part of any recording: only its number counts.
pub(crate) fn client(server: &Server) -> (OpenAi, Request) {
    let mut config = Config::new(server.base_url(), "some-model");
    config.idle_timeout = Duration::from_secs(20);
    // A recording's text is compared as it was sent.
    config.quirks.think_tags = ThinkTags::Never;
    let request = Request { messages: vec![Message::user("Go on.")], ..Request::default() };
    (OpenAi::new(config).unwrap(), request)
}

fn compare(name: &str, got: &Got, expected: &Expected) {
    let end = got.end.as_ref().unwrap_or_else(|| panic!("{name}: the stream has an end"));
    assert_eq!(got.reasoning, expected.reasoning, "{name}: reasoning deltas");
    assert_eq!(got.text, expected.text, "{name}: text deltas");
    if let Some((error, mid_stream)) = &expected.error {
        let fault = end.as_ref().unwrap_err();
        let provider = fault.provider_error().unwrap();
        assert_eq!(provider.message, error["message"].as_str().unwrap(), "{name}");
        assert_eq!(provider.code.as_deref(), error["code"].as_str(), "{name}");
        assert_eq!(provider.kind.as_deref(), error["type"].as_str(), "{name}");
        assert_eq!(provider.failed_generation.as_deref(), error["failed_generation"].as_str(), "{name}");
        let is_invalid_call = error["code"] == "tool_use_failed";
        assert_eq!(fault.is_recoverable_by_model(), is_invalid_call, "{name}");
        assert_eq!(matches!(fault, Fault::MidStream(_)), *mid_stream && !is_invalid_call, "{name}");
        return;
    }
    let turn = end.as_ref().unwrap_or_else(|fault| panic!("{name}: {fault}"));
    assert_eq!((&turn.text, &turn.reasoning), (&expected.text, &expected.reasoning), "{name}");
    assert_eq!(turn.tool_calls, expected.tool_calls, "{name}");
    assert_eq!(turn.usage, expected.usage, "{name}");
    assert_eq!(turn.finish_reason, expected.finish_reason, "{name}");
    let annotations = turn.extra.get("annotations").and_then(|list| list.as_array()).map_or(0, Vec::len);
    assert_eq!(annotations, expected.annotations, "{name}");
    assert!(turn.model.is_some(), "{name}");
}

async fn check(recording: Recording) {
    let expected = expected(&recording);
    for (seed, max_bytes) in [(1, 7), (2, 64), (3, 1000), (4, usize::MAX >> 8)] {
        let chunking = Chunking { seed, max_bytes, pace: Duration::ZERO };
        let options = Options { chunking, ..Options::default() };
        let server = Server::start(recording.clone(), options).await.unwrap();
        let (model, request) = client(&server);
        for (place, expected) in expected.iter().enumerate() {
            let got = ask(&model, request.clone()).await;
            compare(&format!("{}[{place}] in pieces of {max_bytes}", recording.name), &got, expected);
        }
        let exhausted = ask(&model, request).await.end.unwrap().unwrap_err();
        assert_eq!(exhausted.provider_error().unwrap().status, Some(410));
    }
}

#[tokio::test]
async fn own_recordings_are_read_exactly() {
    let recordings = Recording::load_all(&Recording::own_dir()).unwrap();
    assert!(recordings.len() >= 4);
    for recording in recordings {
        check(recording).await;
    }
}

/// The recordings of real providers are no part of this repository: where they are, every one must pass.
#[tokio::test]
async fn shared_recordings_are_read_exactly() {
    let dir = Recording::dir();
    let required = std::env::var_os("RUNBUS_RECORDINGS").is_some();
    if !required && !dir.exists() {
        println!("no recordings at {}", dir.display());
        return;
    }
    let recordings = Recording::load_all(&dir).unwrap();
    assert!(!recordings.is_empty(), "no recordings at {}", dir.display());
    for recording in recordings {
        check(recording).await;
    }
}

#[test]
fn says_where_it_looked() {
    let error = Recording::load_all("nowhere".as_ref()).unwrap_err().to_string();
    assert!(error.contains("nowhere") && error.contains("RUNBUS_RECORDINGS"), "{error}");
}
