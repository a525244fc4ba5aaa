//! Faults of models and tools: each call has a clear answer, and the execution goes on.

use std::time::Duration;

use async_trait::async_trait;
use runbus::event::Payload;
use runbus_workers::tool::{Error, Invocation, Spec, Tool};
use serde_json::json;

use super::kit::{Crew, on_each};
use super::tools::Probe;

/// A tool that misbehaves on demand.
#[derive(Debug)]
struct Wild(Spec);

#[async_trait]
impl Tool for Wild {
    fn spec(&self) -> &Spec {
        &self.0
    }

    async fn call(&self, invocation: Invocation) -> Result<String, Error> {
        match invocation.arguments["how"].as_str() {
            Some("panics") => panic!("by order"),
            Some("grows") => Ok("x".repeat(50_000_000)),
            Some("complains") => Err(Error::failed("y".repeat(5_000_000))),
            Some("controls") => Ok("\u{0}\u{1b}[31m\u{fffd}".repeat(20_000)),
            _ => std::future::pending().await,
        }
    }
}

fn wild() -> Wild {
    let parameters = json!({
        "type": "object",
        "properties": { "how": { "type": "string" } },
        "required": ["how"],
    });
    Wild(Spec { name: "wild".into(), description: String::new(), parameters })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_has_a_clear_answer() {
    on_each(async |stage| {
        let (secret, touched) = Probe::new("secret");
        let (slow, _begins) = Probe::held("slow");
        let crew = Crew::new()
            .agent("clerk", &["wild", "slow"])
            .tool(wild())
            .tool(secret)
            .tool(slow.timeout(Duration::from_millis(300)));
        let worker = crew.hire(&stage);
        let cases = [
            (json!(["wild", { "how": 5 }]), "invalid arguments at `how`"),
            (json!(["wild", {}]), "invalid arguments at `.`"),
            (json!(["wild", "{\"how\": "]), "invalid arguments at `.`: no JSON"),
            (json!(["wild", "[]"]), "not a JSON object"),
            (json!(["nope", {}]), "no such tool \"nope\"; the tools are: slow, wild"),
            (json!(["secret", {}]), "no such tool \"secret\"; the tools are: slow, wild"),
            (json!(["", {}]), "no such tool"),
            (json!(["wild", { "how": "panics" }]), "the tool panicked: by order"),
            (json!(["wild", { "how": "complains" }]), "yyyy"),
            (json!(["slow", {}]), "did not answer within 300 ms"),
        ];
        for (n, (call, answer)) in cases.into_iter().enumerate() {
            let id = n.to_string();
            stage.start("clerk", &id, json!([call])).await;
            let story = stage.story(&id).await;
            let completed = story.iter().find_map(|event| match event.payload().unwrap() {
                Payload::ToolCallCompleted(completed) => Some(completed),
                _ => None,
            });
            let completed = completed.unwrap();
            let text = completed.result.as_str().unwrap();
            assert!(completed.is_error && text.contains(answer), "{call}: {text}");
            assert!(text.len() < 10_000, "{call}: {} bytes", text.len());
            assert_eq!(story.last().unwrap().kind.as_str(), "execution_completed");
            stage.said(&id).await;
        }
        assert_eq!(touched.count(), 0, "a tool that the agent does not list");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_strange_results_are_cut_and_kept_apart() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &["wild"]).tool(wild());
        let worker = crew.hire(&stage);
        let calls = json!([["wild", { "how": "grows" }], ["wild", { "how": "controls" }]]);
        stage.start("clerk", "s", calls).await;
        let end = stage.end("s").await;
        assert!(matches!(end, Payload::ExecutionCompleted(_)), "{end:?}");
        let results: Vec<String> =
            stage.said("s").await.into_iter().filter(|said| said.starts_with("tool: ")).collect();
        assert!(results.iter().all(|result| result.len() < 80_000), "{:?}", results.iter().map(String::len));
        worker.leave().await;
    })
    .await;
}

/// 100 calls in one turn: eight run at a time, all are answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_calls_of_one_turn_are_answered() {
    on_each(async |stage| {
        let (tool, calls) = Probe::new("tick");
        let crew = Crew::new().agent("clerk", &["tick"]).tool(tool);
        let worker = crew.hire(&stage);
        let all: Vec<_> = (0..100).map(|n| json!(["tick", { "n": n }])).collect();
        stage.start("clerk", "s", json!(all)).await;
        assert_eq!(stage.output("s").await.matches("tick").count(), 100);
        assert_eq!(calls.count(), 100);
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}
