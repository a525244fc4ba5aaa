//! The examples run, on every backend.

use std::time::Duration;

use runbus::bus::Filter;
use runbus::control::{AnswerRequest, StartRequest};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::id::ExecutionId;
use runbus::log::Since;
use serde_json::json;

use crate::backends;
use crate::council::{output, watch, worker};

/// Two branches run at the same time and meet once, in each of two passes of the cycle; the goal is reached on the way.
#[tokio::test(flavor = "multi_thread")]
async fn research_forks_joins_and_goes_back_once() {
    for backend in backends::all().await {
        let running = worker(&backend, Duration::ZERO);
        let control = backend.control();
        let id = ExecutionId::new("research run").unwrap();
        let request =
            StartRequest { execution_id: Some(id.clone()), ..StartRequest::new("research", "Run a broker?") };
        control.start(request).await.unwrap();
        let events = watch(&backend, id.as_str()).await;
        let output = output(&events);
        assert_eq!(
            (&output["node"], &output["iterations"]),
            (&json!("writer"), &json!(2)),
            "{}",
            backend.name
        );
        let begun = |node: &str| {
            let started = |found: &&runbus::bus::delivery::Delivered| {
                found.event.kind == Kind::NodeLoopStarted
                    && found.event.node_id.as_ref().is_some_and(|id| id.as_str() == node)
            };
            events.iter().filter(started).count()
        };
        assert_eq!(
            [begun("planner"), begun("advocate"), begun("sceptic"), begun("editor"), begun("writer")],
            [2, 2, 2, 2, 1]
        );
        let at = |node: &str, kind: Kind| {
            events.iter().position(|found| {
                found.event.kind == kind && found.event.node_id.as_ref().is_some_and(|id| id.as_str() == node)
            })
        };
        // Both had begun before either ended.
        let ended = at("advocate", Kind::NodeLoopCompleted).min(at("sceptic", Kind::NodeLoopCompleted));
        assert!(at("advocate", Kind::NodeLoopStarted).max(at("sceptic", Kind::NodeLoopStarted)) < ended);
        let count = |kind: Kind| events.iter().filter(|found| found.event.kind == kind).count();
        assert_eq!(count(Kind::GoalAchieved), 1);
        let status = control.status(&id).await.unwrap().unwrap();
        assert_eq!((status.status, status.progress), (Status::Completed, Some(1.0)));
        running.drain.cancel();
        running.task.await.unwrap();
    }
}

/// A router, a tool, a person: the execution parks, and another worker goes on with the answer.
#[tokio::test(flavor = "multi_thread")]
async fn support_triage_asks_a_person() {
    for backend in backends::all().await {
        let first = worker(&backend, Duration::ZERO);
        let control = backend.control();
        let id = ExecutionId::new("triage run").unwrap();
        let request = StartRequest {
            execution_id: Some(id.clone()),
            ..StartRequest::new("support-triage", "Charged twice!")
        };
        control.start(request).await.unwrap();
        let filter = Filter::execution(id.clone()).types([Kind::ClientInputRequested]);
        let asked =
            backend.bus().wait_for(filter, Since::All, Duration::from_secs(60)).await.unwrap().unwrap();
        let Payload::ClientInputRequested(asked) = asked.event.payload().unwrap() else { panic!() };
        assert!(asked.prompt.starts_with("Refund 4000 cents?"), "{}: {}", backend.name, asked.prompt);
        assert_eq!(control.status(&id).await.unwrap().unwrap().status, Status::WaitingForInput);
        first.drain.cancel();
        first.task.await.unwrap();
        let request_id = asked.request_id.unwrap();
        let nonsense = AnswerRequest { input: json!("perhaps"), answer_id: None };
        assert_eq!(control.answer(&request_id, nonsense, None).await.unwrap_err().code(), "invalid_argument");
        let yes = AnswerRequest { input: json!("approve"), answer_id: None };
        control.answer(&request_id, yes.clone(), Some("ann".into())).await.unwrap();
        assert_eq!(control.answer(&request_id, yes, None).await.unwrap_err().code(), "conflict");
        let second = worker(&backend, Duration::ZERO);
        let events = watch(&backend, id.as_str()).await;
        let output = output(&events);
        assert_eq!(output["outputs"]["decide"], json!({ "answer": "approve" }), "{}", backend.name);
        assert_eq!(output["node"], "reply");
        second.drain.cancel();
        second.task.await.unwrap();
    }
}
