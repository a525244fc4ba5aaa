//! A worker takes the executions that it can run; one that no worker can run waits, and names the missing capability.

use runbus::control::{DecideRequest, SendRequest, StartRequest};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus_workers::tool::subagent;
use serde_json::json;

use super::kit::{Crew, Stage, execution, on_each, say, within};
use super::tools::Probe;

/// Workers before an update, and after it: the update adds an agent and a tool.
fn crews() -> (Crew, Crew) {
    let before = Crew::new().agent("old", &[]);
    let mut after = before.clone().tool(Probe::new("late").0.approved());
    after = after.agent("fresh", &[]).agent("tooled", &["late"]);
    (before, after)
}

async fn waits_for(stage: &Stage, id: &str) -> Option<String> {
    stage.control.status(&execution(id)).await.unwrap().unwrap().waits_for
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_that_adds_an_agent_fails_no_start_and_no_message() {
    on_each(async |stage| {
        let (before, after) = crews();
        let old = [before.hire(&stage), before.hire(&stage)];
        // A session that the old workers have, and that hears of the new agent.
        stage.start("old", "s", "hello").await;
        assert_eq!(stage.output("s").await, "heard: hello");
        for n in 0..20 {
            stage.start("fresh", &format!("early {n}"), "x").await;
        }
        stage.wait("early 0", Kind::ExecutionWaiting).await;
        let message = SendRequest { definition: Some("fresh".into()), ..say("s", "said", "and now") };
        stage.control.send(message, None).await.unwrap();
        let new = after.hire(&stage);
        for n in 0..20 {
            stage.start("fresh", &format!("late {n}"), "y").await;
        }
        for n in 0..20 {
            assert_eq!(stage.output(&format!("early {n}")).await, "heard: x");
            assert_eq!(stage.output(&format!("late {n}")).await, "heard: y");
        }
        assert_eq!(stage.output("said").await, "heard: and now");
        for worker in old {
            worker.leave().await;
        }
        new.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_no_worker_can_run_waits_names_the_reason_and_can_be_cancelled() {
    on_each(async |stage| {
        let (before, after) = crews();
        let old = before.hire(&stage);
        stage.start("fresh", "waits", "x").await;
        stage.start("fresh", "unwanted", "x").await;
        for id in ["waits", "unwanted"] {
            let Payload::ExecutionWaiting(waiting) = stage.wait(id, Kind::ExecutionWaiting).await else {
                panic!()
            };
            assert_eq!(waiting.definition.as_deref(), Some("fresh"));
            let said = "a worker that has the definition \"fresh\" in worker.definitions";
            assert_eq!(waits_for(&stage, id).await.as_deref(), Some(said));
            assert_eq!(stage.status(id).await, Status::Queued);
        }
        // Other work goes on meanwhile, and a worker that cannot run it can still stop it.
        stage.start("old", "other", "y").await;
        assert_eq!(stage.output("other").await, "heard: y");
        stage.control.cancel(&execution("unwanted"), None, None, None).await.unwrap();
        assert!(matches!(stage.end("unwanted").await, Payload::ExecutionCancelled(_)));

        let new = after.hire(&stage);
        assert_eq!(stage.output("waits").await, "heard: x");
        assert_eq!(waits_for(&stage, "waits").await, None);
        old.leave().await;
        new.leave().await;
    })
    .await;
}

/// An execution keeps its definition: a worker without the tools of it leaves it to one that has them.
#[tokio::test(flavor = "multi_thread")]
async fn an_execution_under_way_goes_to_a_worker_that_has_its_tools() {
    on_each(async |stage| {
        let (before, after) = crews();
        let new = after.hire(&stage);
        stage.start("tooled", "t", json!([["late", { "n": 1 }]])).await;
        stage.wait("t", Kind::ToolApprovalRequested).await;
        new.leave().await;
        let old = before.hire(&stage);
        let approval = stage.approvals("t").await.remove(0);
        let agreed = DecideRequest { approved: true, ..DecideRequest::default() };
        stage.control.decide(&approval, agreed, None).await.unwrap();
        let Payload::ExecutionWaiting(waiting) = stage.wait("t", Kind::ExecutionWaiting).await else {
            panic!()
        };
        assert_eq!(waiting.tool.as_deref(), Some("late"));
        let new = after.hire(&stage);
        within(stage.wait("t", Kind::ToolCallCompleted)).await;
        assert!(stage.output("t").await.starts_with("results: "));
        assert_eq!(waits_for(&stage, "t").await, None);
        old.leave().await;
        new.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_no_worker_can_run_waits_like_any_execution() {
    on_each(async |stage| {
        let (before, _) = crews();
        let boss = before.clone().agent("boss", &["nobody"]).tool(subagent("nobody", "", "nobody", false));
        let worker = boss.hire(&stage);
        stage.start("boss", "b", json!([["nobody", { "input": "hello" }]])).await;
        let Payload::SubagentStarted(child) = stage.wait("b", Kind::SubagentStarted).await else { panic!() };
        let child = child.execution_id.unwrap();
        stage.wait(child.as_str(), Kind::ExecutionWaiting).await;
        let helper = before.clone().agent("nobody", &[]).hire(&stage);
        assert_eq!(stage.output("b").await, "results: heard: hello");
        worker.leave().await;
        helper.leave().await;
    })
    .await;
}

/// The same id twice is one execution, also while it waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_can_be_repeated() {
    on_each(async |stage| {
        let (before, after) = crews();
        let old = before.hire(&stage);
        let request =
            StartRequest { execution_id: Some(execution("once")), ..StartRequest::new("fresh", "x") };
        stage.control.start(request.clone()).await.unwrap();
        stage.wait("once", Kind::ExecutionWaiting).await;
        assert!(!stage.control.start(request).await.unwrap().created);
        let new = after.hire(&stage);
        assert_eq!(stage.output("once").await, "heard: x");
        old.leave().await;
        new.leave().await;
    })
    .await;
}
