//! Budgets: passing one ends the execution with a clear status, and the session goes on.

use runbus::control::{Error, StartRequest};
use runbus::event::{Kind, Payload};
use runbus::session::command::Budget;
use runbus_workers::tool::ask_human;
use serde_json::{Value, json};

use super::approvals::cashier;
use super::kit::{Crew, Stage, execution, on_each, session};
use super::model::TOKENS;
use super::tools::Probe;

async fn start(stage: &Stage, agent: &str, input: impl Into<Value>, budget: Budget) {
    let request =
        StartRequest { execution_id: Some(execution("s")), budget, ..StartRequest::new(agent, input) };
    stage.control.start(request).await.unwrap();
}

/// Fails unless the execution fails by its budget; the limit that it passed.
async fn exceeded(stage: &Stage) -> (String, u64) {
    match stage.end("s").await {
        Payload::ExecutionFailed(failed) => {
            assert_eq!(failed.error["code"], "budget_exceeded", "{failed:?}");
            (failed.error["budget"].as_str().unwrap().to_owned(), failed.error["limit"].as_u64().unwrap())
        }
        other => panic!("{other:?}"),
    }
}

async fn goes_on(stage: &Stage) {
    stage.send("s", "after", "hello").await.unwrap();
    assert_eq!(stage.output("after").await, "heard: hello");
    stage.said("s").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_and_tokens_are_counted() {
    for (budget, which, limit, rounds) in [
        (Budget { rounds: Some(2), ..Budget::default() }, "rounds", 2, 2),
        (Budget { tokens: Some(2 * TOKENS + 1), ..Budget::default() }, "tokens", 2 * TOKENS + 1, 3),
    ] {
        on_each(async |stage| {
            let (tool, calls) = Probe::new("tick");
            let crew = Crew::new().agent("clerk", &["tick"]).tool(tool);
            let worker = crew.hire(&stage);
            start(&stage, "clerk", "loop tick", budget).await;
            assert_eq!(exceeded(&stage).await, (which.to_owned(), limit));
            assert_eq!((crew.obedient.asked("clerk").len(), calls.count()), (rounds, rounds));
            goes_on(&stage).await;
            // Earlier usage does not count for the next one.
            worker.leave().await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn time_ends_a_tool_that_takes_too_long() {
    for resume in [false, true] {
        on_each(async |stage| {
            let (tool, mut begins) = Probe::held("work");
            let crew = Crew::new().agent("clerk", &["work"]).tool(tool);
            let worker = crew.hire(&stage);
            let budget = Budget { wall_time_ms: Some(5000), ..Budget::default() };
            start(&stage, "clerk", json!([["work", { "n": 0 }]]), budget).await;
            let begun = begins.next().await;
            assert_eq!(exceeded(&stage).await, ("wall_time_ms".to_owned(), 5000));
            begun.dropped().await;
            // Nobody knows what the tool did: the caller decides.
            let Err(Error::Pending { calls, .. }) = stage.send("s", "refused", "hello").await else {
                panic!()
            };
            assert_eq!(calls.len(), 1);
            if resume {
                let resumed = stage.control.resume(&session("s"), None).await.unwrap();
                begins.next().await.answer("done after all");
                assert_eq!(stage.output(resumed.execution_id.as_str()).await, "results: done after all");
            } else {
                stage.control.abort_pending(&session("s"), "too slow", None).await.unwrap();
            }
            goes_on(&stage).await;
            worker.leave().await;
        })
        .await;
    }
}

/// Time runs while a person is waited for: longer than a worker waits in place.
#[tokio::test(flavor = "multi_thread")]
async fn time_runs_while_an_approval_waits() {
    let long = Budget { wall_time_ms: Some(6000), ..Budget::default() };
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let worker = crew.hire(&stage);
        start(&stage, "cashier", json!([["pay", { "n": 1 }]]), long).await;
        stage.wait("s", Kind::ToolApprovalRequested).await;
        let id = stage.approvals("s").await.remove(0);
        assert_eq!(exceeded(&stage).await, ("wall_time_ms".to_owned(), 6000));
        let late = stage.control.decide(&id, super::approvals::approve(), None).await.unwrap_err();
        assert!(matches!(late, Error::Conflict { .. }), "{late:?}");
        // Finishing the call asks again.
        let resumed = stage.control.resume(&session("s"), None).await.unwrap();
        let again = resumed.execution_id.as_str();
        stage.wait(again, Kind::ToolApprovalRequested).await;
        let id = stage.approvals("s").await.remove(0);
        stage.control.decide(&id, super::approvals::approve(), None).await.unwrap();
        assert_eq!(stage.output(again).await, r#"results: pay {"n":1}"#);
        assert_eq!(paid.count(), 1);
        goes_on(&stage).await;
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_runs_while_a_question_or_a_pause_waits() {
    let short = Budget { wall_time_ms: Some(5000), ..Budget::default() };
    on_each(async |stage| {
        let crew = Crew::new().agent("host", &["ask_human"]).tool(ask_human());
        let worker = crew.hire(&stage);
        start(&stage, "host", json!([["ask_human", { "prompt": "Well?" }]]), short).await;
        stage.wait("s", Kind::ClientInputRequested).await;
        stage.control.pause(&execution("s"), None, None).await.unwrap();
        assert_eq!(exceeded(&stage).await, ("wall_time_ms".to_owned(), 5000));
        assert!(stage.control.session(&session("s")).await.unwrap().questions.is_empty());
        stage.control.abort_pending(&session("s"), "gone", None).await.unwrap();
        goes_on(&stage).await;
        worker.leave().await;
    })
    .await;
}
