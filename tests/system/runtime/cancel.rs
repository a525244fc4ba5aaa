//! Cancel: acknowledged, latched, at once, and nothing follows it.

use runbus::bus::{Delivery, Filter};
use runbus::control::{CancelState, Error, StartRequest};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::log::Since;
use runbus_workers::tool::subagent;
use serde_json::json;

use super::kit::{Crew, Stage, execution, on_each, session};
use super::tools::Probe;

async fn cancel(stage: &Stage, id: &str) -> Option<CancelState> {
    let why = Some("enough".to_owned());
    stage.control.cancel(&execution(id), None, why, Some("ann".into())).await.unwrap().cancel
}

async fn ends_cancelled(stage: &Stage, id: &str) {
    let end = stage.end(id).await;
    assert!(matches!(end, Payload::ExecutionCancelled(_)), "{id}: {end:?}");
    assert_eq!(stage.status(id).await, Status::Cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_ends_is_dropped_at_once() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &[]);
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", "stream").await;
        crew.obedient.begun(1).await;
        stage.wait("s", Kind::ClientOutputDelta).await;
        assert_eq!(cancel(&stage, "s").await, Some(CancelState::Requested));
        crew.obedient.dropped(1).await;
        let story = stage.story("s").await;
        let kinds = super::kit::kinds(&story);
        let tail = [Kind::ExecutionCancelRequested, Kind::ExecutionCancelDelivered, Kind::ExecutionCancelled];
        assert_eq!(kinds[kinds.len() - 3..], tail, "{kinds:?}");
        let Payload::ExecutionCancelRequested(asked) = story[story.len() - 3].payload().unwrap() else {
            panic!()
        };
        assert_eq!((asked.reason.as_deref(), asked.requested_by.as_deref()), (Some("enough"), Some("ann")));
        assert_eq!(cancel(&stage, "s").await, Some(CancelState::Cancelled), "twice is once");
        worker.leave().await;
        assert_eq!(stage.kinds("s").await, kinds, "nothing follows the end");
        // The conversation goes on.
        let worker = crew.hire(&stage);
        stage.send("s", "after", "hello").await.unwrap();
        assert_eq!(stage.output("after").await, "heard: hello");
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_before_the_start_holds() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &[]);
        let worker = crew.hire(&stage);
        // In a session of its own; in one that is named at the start only; in one that the cancel names too.
        for (id, named, to) in [("a", None, None), ("b", None, Some("sb")), ("c", Some("sc"), Some("sc"))] {
            let cancelled =
                stage.control.cancel(&execution(id), named.map(session), None, None).await.unwrap();
            assert_eq!(cancelled.cancel, Some(CancelState::Latched));
            assert_eq!(stage.control.status(&execution(id)).await.unwrap(), None);
            let request = StartRequest {
                execution_id: Some(execution(id)),
                session_id: to.map(session),
                ..StartRequest::new("clerk", "hi")
            };
            stage.control.start(request).await.unwrap();
            ends_cancelled(&stage, id).await;
        }
        // The same sessions take others.
        stage.send("sb", "after", "hello").await.unwrap_err();
        let request = StartRequest {
            execution_id: Some(execution("d")),
            session_id: Some(session("sb")),
            ..StartRequest::new("clerk", "hello")
        };
        stage.control.start(request).await.unwrap();
        assert_eq!(stage.output("d").await, "heard: hello");
        assert_eq!(crew.obedient.asked("clerk").len(), 1, "no model was asked for what was cancelled");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_waits_is_cancelled_and_the_others_go_on() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool);
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", json!([["work", {}]])).await;
        let begun = begins.next().await;
        for id in ["one", "two"] {
            stage.send("s", id, id).await.unwrap();
        }
        cancel(&stage, "one").await;
        ends_cancelled(&stage, "one").await;
        begun.answer("done");
        assert_eq!(stage.output("s").await, "results: done");
        assert_eq!(stage.output("two").await, "heard: two");
        assert!(!stage.said("s").await.contains(&"user: one".to_owned()));
        for ended in ["s", "two"] {
            let refused = stage.control.cancel(&execution(ended), None, None, None).await.unwrap_err();
            let Error::Conflict { standing, .. } = refused else { panic!("{refused:?}") };
            assert_eq!(standing["status"], "completed");
        }
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_in_flight_is_dropped_and_its_call_closed() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool);
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", json!([["work", {"n": 0}], ["work", {"n": 1}]])).await;
        let mut begun = begins.some(2).await;
        begun.remove(0).answer("done");
        stage.wait("s", Kind::ToolCallCompleted).await;
        cancel(&stage, "s").await;
        begun.remove(0).dropped().await;
        ends_cancelled(&stage, "s").await;
        assert_eq!(stage.said("s").await[2..], ["tool: done", "tool: <aborted: enough>"]);
        assert!(stage.control.pending(&session("s")).await.unwrap().is_empty());
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_are_cancelled_with_their_parents() {
    on_each(async |stage| {
        let crew = Crew::new()
            .agent("boss", &["manager"])
            .agent("manager", &["clerk"])
            .agent("clerk", &[])
            .tool(subagent("manager", "", "manager", false))
            .tool(subagent("clerk", "", "clerk", true));
        let worker = crew.hire(&stage);
        let order = json!([["clerk", { "input": "stream" }]]).to_string();
        stage
            .start("boss", "s", json!([["manager", { "input": order }], ["manager", { "input": "hi" }]]))
            .await;
        crew.obedient.begun(1).await;
        let Payload::SubagentStarted(child) = stage.wait("s", Kind::SubagentStarted).await else { panic!() };
        let child = child.execution_id.unwrap();
        let grandchild = stage.wait(child.as_str(), Kind::SubagentStarted).await;
        let Payload::SubagentStarted(grandchild) = grandchild else { panic!() };
        cancel(&stage, "s").await;
        crew.obedient.dropped(1).await;
        ends_cancelled(&stage, "s").await;
        ends_cancelled(&stage, child.as_str()).await;
        ends_cancelled(&stage, grandchild.execution_id.unwrap().as_str()).await;
        let queued = stage.control.session(&session("s")).await.unwrap().children;
        assert_eq!(queued.len(), 2);
        for child in queued {
            ends_cancelled(&stage, child.execution_id.as_str()).await;
        }
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_without_a_worker_is_found_by_the_next_one() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool);
        let worker = crew.hire(&stage);
        stage.start("clerk", "running", json!([["work", {}]])).await;
        let _held = begins.next().await;
        worker.die().await;
        stage.start("clerk", "waiting", "hello").await;
        for id in ["running", "waiting"] {
            assert_eq!(cancel(&stage, id).await, Some(CancelState::Requested));
            assert_eq!(cancel(&stage, id).await, Some(CancelState::Requested), "twice is once");
        }
        let worker = crew.hire(&stage);
        for id in ["running", "waiting"] {
            ends_cancelled(&stage, id).await;
        }
        assert_eq!(crew.obedient.asked("clerk").len(), 1);
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_cancels_nothing() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool);
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", json!([["work", {}]])).await;
        let mut reader = stage.bus.read(Filter::execution(execution("s")), Since::All).await.unwrap();
        while !matches!(reader.next().await.unwrap(), Delivery::Event(_)) {}
        drop(reader);
        begins.next().await.answer("done");
        assert_eq!(stage.output("s").await, "results: done");
        worker.leave().await;
    })
    .await;
}
