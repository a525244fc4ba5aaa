//! Pause: no worker begins a further step until somebody unpauses.

use runbus::control::Error;
use runbus::event::Kind;
use runbus::execution::Status;
use runbus::session::view::SessionStatus;
use serde_json::json;

use super::kit::{Crew, execution, on_each, session};
use super::tools::Probe;

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_execution_waits_for_its_word() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool);
        let (control, id) = (stage.control.clone(), execution("s"));
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", json!([["work", {}]])).await;
        let begun = begins.next().await;
        control.pause(&id, Some("look first".into()), None).await.unwrap();
        stage.wait("s", Kind::ExecutionPaused).await;
        // The running step finishes, and its result stays.
        begun.answer("done");
        stage.wait("s", Kind::ToolCallCompleted).await;
        assert_eq!(stage.status("s").await, Status::Paused);
        assert_eq!(control.session(&session("s")).await.unwrap().status, SessionStatus::Paused);
        worker.leave().await;
        // Another worker finds it paused: it does other things, and takes up commands for it.
        let worker = crew.hire(&stage);
        stage.start("clerk", "other", "hello").await;
        assert_eq!(stage.output("other").await, "heard: hello");
        control.pause(&id, None, None).await.unwrap();
        stage.send("s", "next", "next").await.unwrap();
        stage.start("clerk", "another", "hello").await;
        assert_eq!(stage.output("another").await, "heard: hello");
        assert_eq!(stage.status("s").await, Status::Paused);
        assert_eq!(crew.obedient.asked("clerk").len(), 3, "no round began");
        control.unpause(&id, None).await.unwrap();
        stage.wait("s", Kind::ExecutionResumed).await;
        assert_eq!(stage.output("s").await, "results: done");
        assert_eq!(stage.output("next").await, "heard: next");
        for refused in [control.pause(&id, None, None).await, control.unpause(&id, None).await] {
            assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
        }
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_execution_can_be_cancelled_and_survives_its_worker() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool.safe());
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", json!([["work", {}]])).await;
        let _held = begins.next().await;
        stage.control.pause(&execution("s"), None, None).await.unwrap();
        stage.wait("s", Kind::ExecutionPaused).await;
        worker.die().await;
        let worker = crew.hire(&stage);
        stage.wait("s", Kind::AttemptSuperseded).await;
        assert_eq!(stage.status("s").await, Status::Paused, "a take-over is no word to go on");
        stage.control.cancel(&execution("s"), None, None, None).await.unwrap();
        assert!(matches!(stage.end("s").await, runbus::event::Payload::ExecutionCancelled(_)));
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}
