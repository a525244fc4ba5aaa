//! Trees of executions: usage and waiting requests at any depth count at the root.

use runbus::control::{AnswerRequest, DecideRequest, StartRequest};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::id::ExecutionId;
use runbus::session::command::Budget;
use runbus::session::view::SessionStatus;
use runbus_workers::tool::{ask_human, subagent};
use serde_json::{Value, json};

use super::kit::{Crew, Stage, execution, on_each, session};
use super::model::TOKENS;
use super::tools::Probe;

/// A root, a middle and a leaf; the leaf works with tools and asks people.
fn crew() -> Crew {
    Crew::new()
        .agent("root", &["middle"])
        .agent("middle", &["leaf"])
        .agent("leaf", &["tick", "pay", "ask_human"])
        .tool(subagent("middle", "", "middle", true))
        .tool(subagent("leaf", "", "leaf", true))
        .tool(Probe::new("tick").0)
        .tool(Probe::new("pay").0.approved())
        .tool(ask_human())
}

/// The input of the root that gives `input` to its leaf.
fn below(input: &Value) -> Value {
    let text = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
    let middle = json!([["leaf", { "input": text }]]).to_string();
    json!([["middle", { "input": middle }]])
}

async fn start(stage: &Stage, input: Value, budget: Budget) {
    let request =
        StartRequest { execution_id: Some(execution("r")), budget, ..StartRequest::new("root", input) };
    stage.control.start(request).await.unwrap();
}

/// The executions below the root, from its own events: of the middle and of the leaf.
async fn children(stage: &Stage) -> Vec<ExecutionId> {
    let mut found = Vec::new();
    for nth in 1..=2 {
        let Payload::SubagentStarted(child) = stage.nth("r", Kind::SubagentStarted, nth).await else {
            panic!()
        };
        assert_eq!(child.below.is_some(), nth == 2, "{child:?}");
        found.push(child.execution_id.unwrap());
    }
    found
}

async fn tokens(stage: &Stage, id: &str) -> (u64, u32) {
    let known = stage.control.status(&execution(id)).await.unwrap().unwrap();
    (known.usage.unwrap_or_default().total_tokens, known.rounds)
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_below_counts_for_each_execution_above() {
    on_each(async |stage| {
        let worker = crew().hire(&stage);
        start(&stage, below(&json!("hello")), Budget::default()).await;
        assert_eq!(stage.output("r").await, "results: results: heard: hello");
        let all = children(&stage).await;
        // Two rounds each for the root and the middle, one for the leaf.
        assert_eq!(tokens(&stage, "r").await, (5 * TOKENS, 5));
        assert_eq!(tokens(&stage, all[0].as_str()).await, (3 * TOKENS, 3));
        assert_eq!(tokens(&stage, all[1].as_str()).await, (TOKENS, 1));
        assert_eq!(stage.control.session(&session("r")).await.unwrap().usage.total_tokens, 5 * TOKENS);
        // All of it is one line of work.
        for id in &all {
            let known = stage.control.status(id).await.unwrap().unwrap();
            assert_eq!(known.stream_id.as_str(), "root");
        }
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_below_counts_for_each_execution_above_and_estimates_stay_marked() {
    on_each(async |stage| {
        let worker = crew().hire(&stage);
        start(&stage, below(&json!("priced hello")), Budget::default()).await;
        assert_eq!(stage.output("r").await, "results: results: heard: priced hello");
        let all = children(&stage).await;
        let used = async |id: &str| {
            stage.control.status(&execution(id)).await.unwrap().unwrap().usage.unwrap_or_default()
        };
        let (root, middle, leaf) =
            (used("r").await, used(all[0].as_str()).await, used(all[1].as_str()).await);
        assert_eq!(leaf.cost, Some(0.25));
        assert!(middle.cost > leaf.cost && root.cost > middle.cost, "{root:?} {middle:?} {leaf:?}");
        assert!(root.estimated && middle.estimated && leaf.estimated, "{root:?} {middle:?} {leaf:?}");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_holds_for_the_whole_tree() {
    let limit = 6 * TOKENS;
    for (budget, which) in [
        (Budget { tokens: Some(limit), ..Budget::default() }, "tokens"),
        (Budget { rounds: Some(6), ..Budget::default() }, "rounds"),
        (Budget { wall_time_ms: Some(3_000), ..Budget::default() }, "wall_time_ms"),
    ] {
        on_each(async |stage| {
            let crew = crew();
            let worker = crew.hire(&stage);
            let input = if which == "wall_time_ms" {
                json!([["ask_human", { "prompt": "?" }]])
            } else {
                json!("loop tick")
            };
            start(&stage, below(&input), budget).await;
            let Payload::ExecutionFailed(failed) = stage.end("r").await else { panic!() };
            assert_eq!(
                (&failed.error["code"], &failed.error["budget"]),
                (&json!("budget_exceeded"), &json!(which))
            );
            let (used, _) = tokens(&stage, "r").await;
            assert!(used <= limit, "{used} tokens of {limit}");
            worker.leave().await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_below_is_seen_and_decided_from_the_root() {
    on_each(async |stage| {
        let worker = crew().hire(&stage);
        start(&stage, below(&json!([["pay", { "n": 1 }]])), Budget::default()).await;
        let Payload::ToolApprovalRequested(asked) = stage.wait("r", Kind::ToolApprovalRequested).await else {
            panic!()
        };
        let leaf = children(&stage).await.remove(1);
        assert_eq!((&asked.tool_name[..], &asked.below.as_ref().unwrap().execution_id), ("pay", &leaf));
        assert_eq!(stage.status("r").await, Status::WaitingForApproval);
        let root = stage.control.session(&session("r")).await.unwrap();
        assert_eq!((root.status, root.approvals.len()), (SessionStatus::WaitingForApproval, 1));
        assert_eq!(
            (&root.approvals[0].approval_id, &root.approvals[0].execution_id),
            (&asked.approval_id, &leaf)
        );

        let agreed = DecideRequest { approved: true, ..DecideRequest::default() };
        stage.control.decide(&root.approvals[0].approval_id, agreed, Some("ann".into())).await.unwrap();
        let Payload::ToolApprovalDecided(decided) = stage.wait("r", Kind::ToolApprovalDecided).await else {
            panic!()
        };
        assert_eq!((decided.approved, decided.decided_by.as_deref()), (true, Some("ann")));
        assert_eq!(stage.output("r").await, r#"results: results: results: pay {"n":1}"#);
        assert!(stage.control.session(&session("r")).await.unwrap().approvals.is_empty());
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_below_is_seen_and_answered_from_the_root() {
    on_each(async |stage| {
        let worker = crew().hire(&stage);
        start(&stage, below(&json!([["ask_human", { "prompt": "which colour?" }]])), Budget::default()).await;
        let Payload::ClientInputRequested(asked) = stage.wait("r", Kind::ClientInputRequested).await else {
            panic!()
        };
        assert_eq!((&asked.prompt[..], asked.below.is_some()), ("which colour?", true));
        assert_eq!(stage.status("r").await, Status::WaitingForInput);
        let questions = stage.control.session(&session("r")).await.unwrap().questions;
        assert_eq!((questions.len(), &questions[0].prompt[..]), (1, "which colour?"));
        let answer = AnswerRequest { input: json!("blue"), ..AnswerRequest::default() };
        stage.control.answer(&questions[0].request_id, answer, None).await.unwrap();
        stage.wait("r", Kind::ClientInputReceived).await;
        assert_eq!(stage.output("r").await, "results: results: results: blue");
        worker.leave().await;
    })
    .await;
}

/// A child that is stopped leaves nothing that waits at the root.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_requests_below_end_with_the_child() {
    on_each(async |stage| {
        let worker = crew().hire(&stage);
        start(&stage, below(&json!([["pay", { "n": 1 }]])), Budget::default()).await;
        stage.wait("r", Kind::ToolApprovalRequested).await;
        let middle = children(&stage).await.remove(0);
        stage.control.cancel(&middle, None, None, None).await.unwrap();
        let output = stage.output("r").await;
        assert!(output.contains("cancelled"), "{output}");
        assert!(stage.control.session(&session("r")).await.unwrap().approvals.is_empty());
        worker.leave().await;
    })
    .await;
}
