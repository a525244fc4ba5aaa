//! Guards on every path to a call: agents, nodes of a model, tool nodes, children, and calls that a new owner begins again.

use runbus::event::{Kind, Payload};
use serde_json::{Value, json};

use super::approvals::approve;
use super::kit::{Crew, Stage, on_each};
use super::tools::Probe;

/// Approves the one call that waits.
async fn agree(stage: &Stage) {
    stage.wait("s", Kind::ToolApprovalRequested).await;
    let ids = stage.approvals("s").await;
    assert_eq!(ids.len(), 1);
    stage.control.decide(&ids[0], approve(), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_guards_every_path_to_a_tool() {
    let node = |node: Value| json!({ "kind": "graph", "name": "x", "entry": "n", "nodes": { "n": node } });
    let agent = json!({ "kind": "agent", "name": "x", "tools": ["p*"], "approve": ["*ay"] });
    let inner = node(json!({ "type": "agent", "tools": ["p*"], "approve": ["p*"] }));
    let call = node(json!({ "type": "tool", "tool": "pay", "arguments": { "n": 1 }, "approve": ["*"] }));
    for definition in [agent, inner, call] {
        let definition = &definition;
        on_each(async |stage| {
            let (pay, paid) = Probe::new("pay");
            let worker = Crew::new().tool(pay).define(definition).hire(&stage);
            stage.start("x", "s", json!([["pay", { "n": 1 }]])).await;
            stage.wait("s", Kind::ToolApprovalRequested).await;
            assert_eq!(paid.count(), 0);
            agree(&stage).await;
            assert!(matches!(stage.end("s").await, Payload::ExecutionCompleted(_)));
            assert_eq!(paid.all(), [json!({ "n": 1 })]);
            worker.leave().await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_guards_a_child() {
    on_each(async |stage| {
        let parent = json!({
            "kind": "agent", "name": "x", "approve": ["h*"],
            "subagents": [{ "name": "helper", "definition": "child", "ephemeral": true }],
        });
        let worker = Crew::new().agent("child", &[]).define(&parent).hire(&stage);
        stage.start("x", "s", json!([["helper", { "input": "hi" }]])).await;
        stage.wait("s", Kind::ToolApprovalRequested).await;
        assert!(!stage.kinds("s").await.contains(&Kind::SubagentStarted));
        agree(&stage).await;
        assert!(stage.output("s").await.contains("heard: hi"));
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_begun_again_is_guarded_by_the_guards_of_now() {
    on_each(async |stage| {
        let (pay, mut begins) = Probe::held("pay");
        let first = Crew::new().agent("x", &["pay"]).tool(pay.safe()).hire(&stage);
        stage.start("x", "s", json!([["pay", { "n": 1 }]])).await;
        let begun = begins.next().await;
        first.die().await;
        // The next worker's tool asks for an approval.
        let (pay, paid) = Probe::new("pay");
        let second = Crew::new().agent("x", &["pay"]).tool(pay.safe().approved()).hire(&stage);
        stage.wait("s", Kind::ToolApprovalRequested).await;
        // The call of the worker that is gone never returned.
        drop(begun);
        assert_eq!(paid.count(), 0);
        agree(&stage).await;
        assert_eq!(stage.output("s").await, r#"results: pay {"n":1}"#);
        assert_eq!(paid.count(), 1);
        second.leave().await;
    })
    .await;
}

/// A decision that edits the arguments is bound to them: the worker checks them as the model's, by the schema of its tool.
#[tokio::test(flavor = "multi_thread")]
async fn edited_arguments_that_do_not_fit_do_not_run() {
    on_each(async |stage| {
        let (pay, paid) = Probe::new("pay");
        let worker = Crew::new().agent("x", &["pay"]).tool(pay.approved()).hire(&stage);
        stage.start("x", "s", json!([["pay", { "n": 1 }]])).await;
        stage.wait("s", Kind::ToolApprovalRequested).await;
        let ids = stage.approvals("s").await;
        worker.leave().await;
        let edited = runbus::control::DecideRequest { arguments: Some(json!({ "n": 99 })), ..approve() };
        stage.control.decide(&ids[0], edited, None).await.unwrap();
        // The tool takes less now than when it was asked for.
        let (pay, paid_less) = Probe::new("pay");
        let pay = pay.at_most(10).approved();
        let worker = Crew::new().agent("x", &["pay"]).tool(pay).hire(&stage);
        assert!(stage.output("s").await.contains("invalid arguments at `n`"));
        assert_eq!(paid_less.count(), 0);
        assert_eq!(paid.count(), 0);
        worker.leave().await;
    })
    .await;
}
