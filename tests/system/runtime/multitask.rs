//! The effect of a second send while an execution is at work: the caller chooses.

use runbus::control::{Error, SendRequest, StartRequest};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::session::command::{Budget, Multitask};
use serde_json::json;

use super::kit::{Crew, Stage, execution, on_each, say, session};
use super::tools::{Begins, Probe};

fn crew() -> (Crew, Begins) {
    let (tool, begins) = Probe::held("work");
    (Crew::new().agent("clerk", &["work"]).tool(tool), begins)
}

/// A session with one answered turn, and an open execution with one of two calls answered.
async fn busy(stage: &Stage, begins: &mut Begins) -> super::tools::Begun {
    stage.start("clerk", "s", "hi").await;
    stage.output("s").await;
    stage.send("s", "first", json!([["work", {"n": 0}], ["work", {"n": 1}]])).await.unwrap();
    let mut begun = begins.some(2).await;
    begun.remove(0).answer("half");
    stage.wait("first", Kind::ToolCallCompleted).await;
    begun.remove(0)
}

fn with(multitask: Multitask, id: &str) -> SendRequest {
    SendRequest { multitask, ..say("s", id, "second") }
}

#[tokio::test(flavor = "multi_thread")]
async fn reject_refuses_and_leaves_no_trace() {
    on_each(async |stage| {
        let (crew, mut begins) = crew();
        let worker = crew.hire(&stage);
        let begun = busy(&stage, &mut begins).await;
        let refused = stage.control.send(with(Multitask::Reject, "second"), None).await.unwrap_err();
        let Error::Busy { execution_id, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(execution_id, execution("first"));
        assert_eq!(stage.control.status(&execution("second")).await.unwrap(), None);
        assert!(stage.kinds("second").await.is_empty());
        begun.answer("rest");
        assert_eq!(stage.output("first").await, "results: half | rest");
        assert!(!stage.said("s").await.iter().any(|said| said.contains("second")));
        // The same id is free for later.
        stage.control.send(with(Multitask::Reject, "second"), None).await.unwrap();
        assert_eq!(stage.output("second").await, "heard: second");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enqueued_sends_come_in_order() {
    on_each(async |stage| {
        let (crew, mut begins) = crew();
        let worker = crew.hire(&stage);
        let begun = busy(&stage, &mut begins).await;
        for n in 0..5 {
            stage.send("s", &format!("q{n}"), format!("word {n}")).await.unwrap();
        }
        let queued = stage.control.session(&session("s")).await.unwrap().queued;
        let waiting: Vec<&str> = queued.iter().map(runbus::id::ExecutionId::as_str).collect();
        assert_eq!(waiting, ["q0", "q1", "q2", "q3", "q4"]);
        begun.answer("rest");
        assert_eq!(stage.output("q4").await, "heard: word 4");
        let said = stage.said("s").await;
        let words: Vec<&String> = said.iter().filter(|said| said.starts_with("user: word")).collect();
        assert_eq!(words, ["user: word 0", "user: word 1", "user: word 2", "user: word 3", "user: word 4"]);
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupt_keeps_messages_and_closes_calls() {
    on_each(async |stage| {
        let (crew, mut begins) = crew();
        let worker = crew.hire(&stage);
        let begun = busy(&stage, &mut begins).await;
        stage.control.send(with(Multitask::Interrupt, "second"), None).await.unwrap();
        begun.dropped().await;
        let Payload::ExecutionCancelled(cancelled) = stage.end("first").await else { panic!() };
        assert!(cancelled.reason.unwrap().contains("interrupted by second"));
        assert_eq!(stage.output("second").await, "heard: second");
        let said = stage.said("s").await;
        assert_eq!(said[3..5], ["calls: work work", "tool: half"]);
        assert!(said[5].starts_with("tool: <aborted: interrupted by second"), "{said:?}");
        assert_eq!(said[6..], ["user: second", "assistant: heard: second"]);
        assert!(stage.control.pending(&session("s")).await.unwrap().is_empty());
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rollback_removes_messages_of_the_execution_at_work() {
    on_each(async |stage| {
        let (crew, mut begins) = crew();
        let worker = crew.hire(&stage);
        let begun = busy(&stage, &mut begins).await;
        stage.control.send(with(Multitask::Rollback, "second"), None).await.unwrap();
        begun.dropped().await;
        assert!(matches!(stage.end("first").await, Payload::ExecutionCancelled(_)));
        assert_eq!(stage.output("second").await, "heard: second");
        let said = ["user: hi", "assistant: heard: hi", "user: second", "assistant: heard: second"];
        assert_eq!(stage.said("s").await, said);
        let read = crew.obedient.asked("clerk").pop().unwrap();
        assert_eq!(read.len(), 3, "the model does not read it either: {read:?}");
        worker.leave().await;
    })
    .await;
}

/// An interrupt overtakes what waits, and goes through a worker that has died.
#[tokio::test(flavor = "multi_thread")]
async fn interrupt_and_rollback_are_durable_and_go_first() {
    for multitask in [Multitask::Interrupt, Multitask::Rollback] {
        on_each(async |stage| {
            let (crew, mut begins) = crew();
            let worker = crew.hire(&stage);
            let _held = busy(&stage, &mut begins).await;
            stage.send("s", "waits", "waits").await.unwrap();
            worker.die().await;
            stage.control.send(with(multitask, "second"), None).await.unwrap();
            let worker = crew.hire(&stage);
            assert!(matches!(stage.end("first").await, Payload::ExecutionCancelled(_)));
            assert_eq!(stage.output("waits").await, "heard: waits");
            let said = stage.said("s").await;
            assert_eq!(said[said.len() - 4], "user: second", "{said:?}");
            worker.leave().await;
        })
        .await;
    }
}

/// The rolled-back execution had taken up the calls of a failed one: they stay answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_of_a_resumed_execution_leaves_a_valid_conversation() {
    on_each(async |stage| {
        let (crew, mut begins) = crew();
        let worker = crew.hire(&stage);
        let budget = Budget { wall_time_ms: Some(5000), ..Budget::default() };
        let input = json!([["work", { "n": 0 }], ["work", { "n": 1 }]]);
        let request =
            StartRequest { execution_id: Some(execution("s")), budget, ..StartRequest::new("clerk", input) };
        stage.control.start(request).await.unwrap();
        let mut begun = begins.some(2).await;
        begun.remove(0).answer("half");
        // The execution behind it goes on waiting: the effect of the other call is unknown.
        stage.send("s", "waits", "waits").await.unwrap();
        assert_eq!(stage.failure("s").await, "budget_exceeded");
        assert_eq!(stage.status("waits").await, Status::Queued);
        stage.control.resume(&session("s"), None).await.unwrap();
        let taken_up = begins.next().await;
        stage.control.send(with(Multitask::Rollback, "second"), None).await.unwrap();
        taken_up.dropped().await;
        assert_eq!(stage.output("second").await, "heard: second");
        assert_eq!(stage.output("waits").await, "heard: waits");
        let said = stage.said("s").await;
        assert_eq!(said[1..3], ["calls: work work", "tool: half"]);
        assert!(said[3].starts_with("tool: <aborted: rolled back by second"), "{said:?}");
        assert_eq!(said[4..6], ["user: second", "assistant: heard: second"]);
        assert_eq!(said[6..], ["user: waits", "assistant: heard: waits"]);
        worker.leave().await;
    })
    .await;
}
