//! Sub-agents: sessions of their own that a call waits for.

use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::session::view::{CallStatus, SessionStatus};
use runbus_workers::tool::subagent;
use serde_json::json;

use super::kit::{Crew, Stage, on_each, session, short};
use super::tools::Probe;

/// A boss with an aide who remembers, a temp who does not, and somebody who is not there.
fn crew() -> Crew {
    Crew::new()
        .agent("boss", &["aide", "temp", "nobody"])
        .agent("aide", &[])
        .agent("temp", &[])
        .tool(subagent("aide", "", "aide", false))
        .tool(subagent("temp", "", "temp", true))
        .tool(subagent("nobody", "", "nobody", false))
}

/// The child that an execution started first.
async fn child(stage: &Stage, of: &str) -> runbus::event::family::session::SubagentStarted {
    match stage.wait(of, Kind::SubagentStarted).await {
        Payload::SubagentStarted(started) => started,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_linked_child_remembers_and_an_ephemeral_one_is_gone() {
    on_each(async |stage| {
        let crew = crew();
        let worker = crew.hire(&stage);
        stage.start("boss", "s", json!([["aide", { "input": "one" }]])).await;
        assert_eq!(stage.output("s").await, "results: heard: one");
        stage.send("s", "two", json!([["aide", { "input": "two" }]])).await.unwrap();
        assert_eq!(stage.output("two").await, "results: heard: two");
        let read: Vec<String> = crew.obedient.asked("aide")[1].iter().map(short).collect();
        assert_eq!(read, ["user: one", "assistant: heard: one", "user: two"]);
        let (first, second) = (child(&stage, "s").await, child(&stage, "two").await);
        assert_eq!(first.session_id, second.session_id);

        for (id, word) in [("three", "3"), ("four", "4")] {
            stage.send("s", id, json!([["temp", { "input": word }]])).await.unwrap();
            assert_eq!(stage.output(id).await, format!("results: heard: {word}"));
        }
        assert_eq!(crew.obedient.asked("temp")[1].len(), 1, "it begins anew");
        let (third, fourth) = (child(&stage, "three").await, child(&stage, "four").await);
        assert_ne!(third.session_id, fourth.session_id);
        for (gone, status) in [
            (&third.session_id, SessionStatus::Closed),
            (&fourth.session_id, SessionStatus::Closed),
            (&first.session_id, SessionStatus::Idle),
        ] {
            assert_eq!(stage.control.session(gone).await.unwrap().status, status);
        }
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_one_turn_run_side_by_side() {
    on_each(async |stage| {
        let crew = crew();
        let worker = crew.hire(&stage);
        let calls = json!([
            ["aide", { "input": "a" }], ["aide", { "input": "b" }],
            ["temp", { "input": "c" }], ["temp", { "input": "d" }],
        ]);
        stage.start("boss", "s", calls).await;
        let output = stage.output("s").await;
        for word in ["heard: a", "heard: b", "heard: c", "heard: d"] {
            assert!(output.contains(word), "{output}");
        }
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_a_child_is_its_calls_error() {
    on_each(async |stage| {
        let crew = crew();
        let worker = crew.hire(&stage);
        for (id, tool, code) in [("refused", "aide", "unsendable")] {
            stage.start("boss", id, json!([[tool, { "input": "refuse" }]])).await;
            let output = stage.output(id).await;
            assert!(output.contains(code), "{output}");
            let Payload::ToolCallCompleted(call) = stage.wait(id, Kind::ToolCallCompleted).await else {
                panic!()
            };
            assert!(call.is_error, "{call:?}");
            let Payload::SubagentFailed(failed) = stage.wait(id, Kind::SubagentFailed).await else {
                panic!()
            };
            assert_eq!(failed.error["code"], code);
            let child = child(&stage, id).await.execution_id.unwrap();
            assert_eq!(stage.status(child.as_str()).await, Status::Failed);
        }
        // A child that has failed once can be asked again.
        stage.send("refused", "again", json!([["aide", { "input": "better" }]])).await.unwrap();
        assert_eq!(stage.output("again").await, "results: heard: better");
        // One that was closed cannot, and its parent hears of it.
        let aide = child(&stage, "refused").await.session_id;
        stage.control.close_session(&aide, true, None, None).await.unwrap();
        stage.send("refused", "closed", json!([["aide", { "input": "anybody?" }]])).await.unwrap();
        let output = stage.output("closed").await;
        assert!(output.contains("session_closed"), "{output}");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn children_of_children_end_somewhere() {
    on_each(async |stage| {
        let crew = Crew::new().agent("deep", &["deeper"]).tool(subagent("deeper", "", "deep", true));
        let worker = crew.hire(&stage);
        // Each asks the next with the rest of the order.
        let order = (0..12).fold(json!("bottom"), |inner, _| {
            json!([["deeper", { "input": inner.as_str().map_or_else(|| inner.to_string(), str::to_owned) }]])
        });
        stage.start("deep", "s", order).await;
        let output = stage.output("s").await;
        assert!(output.contains("nested 8 deep"), "{output}");
        assert_eq!(output.matches("results: ").count(), 9, "{output}");
        worker.leave().await;
    })
    .await;
}

/// The parent's worker goes as soon as the child has begun, and the child's in the middle of its work.
#[tokio::test(flavor = "multi_thread")]
async fn parent_and_child_live_on_different_workers() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new()
            .agent("boss", &["aide"])
            .agent("aide", &["work"])
            .tool(subagent("aide", "", "aide", false))
            .tool(tool.safe());
        let first = crew.hire(&stage);
        let order = json!([["work", {}]]).to_string();
        stage.start("boss", "s", json!([["aide", { "input": order }]])).await;
        let _lost = begins.next().await;
        let pending = stage.control.pending(&session("s")).await.unwrap();
        assert_eq!(pending[0].status, CallStatus::WaitingForChild);
        first.die().await;
        let second = crew.hire(&stage);
        let begun = begins.next().await;
        // While nobody is there to hear of it: the one who ends the child tells the parent, the next goes on with it.
        begun.answer("done");
        let child = child(&stage, "s").await.execution_id.unwrap();
        assert_eq!(stage.output(child.as_str()).await, "results: done");
        second.leave().await;
        let third = crew.hire(&stage);
        assert_eq!(stage.output("s").await, "results: results: done");
        third.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_parent_closes_its_children() {
    on_each(async |stage| {
        let crew = crew();
        let worker = crew.hire(&stage);
        stage.start("boss", "s", json!([["aide", { "input": "stream" }]])).await;
        crew.obedient.begun(1).await;
        let started = child(&stage, "s").await;
        stage.control.close_session(&session("s"), true, None, None).await.unwrap();
        crew.obedient.dropped(1).await;
        for id in ["s", started.execution_id.unwrap().as_str()] {
            assert!(matches!(stage.end(id).await, Payload::ExecutionCancelled(_)), "{id}");
        }
        stage.closed(&started.session_id).await;
        assert!(stage.control.session(&started.session_id).await.unwrap().closed_at.is_some());
        worker.leave().await;
    })
    .await;
}
