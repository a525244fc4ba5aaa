//! Approvals: each call is decided separately, once, by the first decider; a waiting call holds no worker.

use std::time::Duration;

use runbus::control::{DecideRequest, Error};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::id::EventId;
use runbus::session::approval::Standing;
use runbus::session::view::CallStatus;
use serde_json::{Value, json};

use super::kit::{Crew, Stage, execution, on_each, session};
use super::tools::{Calls, Probe};

/// An agent whose tool `pay` needs an approval, and the recorded payments.
pub fn cashier() -> (Crew, Calls) {
    let (pay, paid) = Probe::new("pay");
    (Crew::new().agent("cashier", &["pay"]).tool(pay.approved()), paid)
}

pub fn approve() -> DecideRequest {
    DecideRequest { approved: true, ..Default::default() }
}

fn reject(note: &str) -> DecideRequest {
    DecideRequest { note: Some(note.into()), ..Default::default() }
}

/// The approvals of so many parallel calls, by their argument `n`.
async fn asked(stage: &Stage, calls: usize) -> Vec<String> {
    let input: Vec<Value> = (0..calls).map(|n| json!(["pay", { "n": n }])).collect();
    stage.start("cashier", "s", Value::Array(input)).await;
    stage.nth("s", Kind::ToolApprovalRequested, calls).await;
    stage.approvals("s").await
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_calls_are_decided_each_for_itself() {
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let timeout =
            json!({ "kind": "agent", "name": "cashier", "tools": ["pay"], "approval_timeout_ms": 12_000 });
        let worker = crew.define(&timeout).hire(&stage);
        let ids = asked(&stage, 3).await;
        assert_eq!(stage.status("s").await, Status::WaitingForApproval);
        let edited = DecideRequest { arguments: Some(json!({ "n": 70 })), ..approve() };
        stage.control.decide(&ids[0], edited, Some("ann".into())).await.unwrap();
        let Payload::ToolCallStarted(started) = stage.wait("s", Kind::ToolCallStarted).await else {
            panic!()
        };
        assert_eq!(started.tool_input, json!({ "n": 70 }));
        stage.wait("s", Kind::ToolCallCompleted).await;
        let waiting = stage.control.pending(&session("s")).await.unwrap();
        assert!(waiting.iter().all(|call| call.status == CallStatus::WaitingForApproval), "{waiting:?}");
        assert_eq!(waiting.len(), 2);
        assert_eq!(stage.status("s").await, Status::WaitingForApproval, "two still wait");
        stage.control.decide(&ids[1], reject("too dear"), Some("bob".into())).await.unwrap();
        let output = stage.output("s").await;
        assert_eq!(
            output,
            r#"results: pay {"n":70} | <rejected: too dear> | <expired: nobody approved the call in time>"#
        );
        assert_eq!(paid.all(), [json!({ "n": 70 })]);
        let mut standing = Vec::new();
        for id in &ids {
            standing.push(stage.control.approval(id).await.unwrap().status);
        }
        assert_eq!(standing, [Standing::Consumed, Standing::Rejected, Standing::Expired]);
        // The audit trail.
        let Payload::ToolApprovalDecided(first) = stage.wait("s", Kind::ToolApprovalDecided).await else {
            panic!()
        };
        assert_eq!((first.approved, first.decided_by.as_deref()), (true, Some("ann")));
        let second = stage.nth("s", Kind::ToolApprovalDecided, 2).await;
        let Payload::ToolApprovalDecided(second) = second else { panic!() };
        assert_eq!((second.approved, second.note.as_deref()), (false, Some("too dear")));
        let Payload::ToolApprovalExpired(third) = stage.wait("s", Kind::ToolApprovalExpired).await else {
            panic!()
        };
        assert_eq!(third.approval_id, ids[2]);
        let late = stage.control.decide(&ids[2], approve(), None).await.unwrap_err();
        let Error::Conflict { standing, .. } = late else { panic!("{late:?}") };
        assert_eq!(standing["status"], "expired");
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deciders_one_is_first() {
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let worker = crew.hire(&stage);
        let ids = asked(&stage, 1).await;
        let deciders = (0..24).map(|n| {
            let (control, id) = (stage.control.clone(), ids[0].clone());
            tokio::spawn(async move {
                let request = DecideRequest { approved: n % 2 == 0, ..Default::default() };
                (n, control.decide(&id, request, Some(n.to_string())).await)
            })
        });
        let (mut won, mut standing) = (Vec::new(), Vec::new());
        for decider in deciders.collect::<Vec<_>>() {
            match decider.await.unwrap() {
                (n, Ok(_)) => won.push(n),
                (_, Err(Error::Conflict { standing: stands, .. })) => standing.push(stands),
                (_, Err(error)) => panic!("{error:?}"),
            }
        }
        let [winner] = won[..] else { panic!("{won:?} all won") };
        for stands in standing {
            assert_eq!(stands["decided_by"], winner.to_string(), "every decider learns the first one");
        }
        stage.output("s").await;
        assert_eq!(paid.count(), usize::from(winner % 2 == 0));
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_bound_to_its_arguments_and_counts_once() {
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let worker = crew.hire(&stage);
        let ids = asked(&stage, 1).await;
        let (control, id) = (&stage.control, ids[0].as_str());
        let stale = DecideRequest { arguments_digest: Some("sha256:0".into()), ..approve() };
        let refused = control.decide(id, stale, None).await.unwrap_err();
        assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");
        let edited_no = DecideRequest { arguments: Some(json!({})), ..reject("no") };
        let refused = control.decide(id, edited_no, None).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid { path: "arguments", .. }), "{refused:?}");
        let long = control.decide(id, reject(&"x".repeat(5000)), None).await.unwrap_err();
        assert!(matches!(long, Error::Invalid { path: "note", .. }), "{long:?}");
        for unknown in ["", "nonsense", "0123456789abcdef@s", "0123456789abcdef@nobody"] {
            let refused = control.decide(unknown, approve(), None).await.unwrap_err();
            assert!(matches!(refused, Error::NotFound { .. }), "{unknown}: {refused:?}");
        }
        assert_eq!(control.approval(id).await.unwrap().status, Standing::Pending);
        let digest = control.approval(id).await.unwrap().arguments_digest;
        let decision_id = Some(EventId::generate());
        let seen = DecideRequest { arguments_digest: Some(digest), decision_id, ..approve() };
        control.decide(id, seen.clone(), None).await.unwrap();
        control.decide(id, seen.clone(), None).await.unwrap();
        stage.output("s").await;
        control.decide(id, seen, None).await.unwrap();
        assert_eq!(paid.count(), 1);
        worker.leave().await;
    })
    .await;
}

/// The worker need not be there: the journal has the schema.
#[tokio::test(flavor = "multi_thread")]
async fn edited_arguments_that_the_schema_refuses_leave_the_approval_pending() {
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let worker = crew.hire(&stage);
        let ids = asked(&stage, 1).await;
        worker.leave().await;
        for wrong in [json!({ "n": "many" }), json!({ "n": 1.5 }), json!({ "n": null }), json!({ "n": [1] })]
        {
            let edited = DecideRequest { arguments: Some(wrong.clone()), ..approve() };
            let refused = stage.control.decide(&ids[0], edited, None).await.unwrap_err();
            let Error::Invalid { path: "arguments", message } = refused else {
                panic!("{wrong}: {refused:?}")
            };
            assert!(message.contains("at `n`"), "{wrong}: {message}");
            assert_eq!(stage.control.approval(&ids[0]).await.unwrap().status, Standing::Pending, "{wrong}");
        }
        let edited = DecideRequest { arguments: Some(json!({ "n": 7 })), ..approve() };
        stage.control.decide(&ids[0], edited, None).await.unwrap();
        let worker = crew.hire(&stage);
        assert_eq!(stage.output("s").await, r#"results: pay {"n":7}"#);
        assert_eq!(paid.all(), [json!({ "n": 7 })]);
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_waits_for_a_person_holds_no_worker() {
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let worker = crew.config(|config| config.concurrency = 1).hire(&stage);
        let ids = asked(&stage, 1).await;
        stage.start("cashier", "other", "hello").await;
        assert_eq!(stage.output("other").await, "heard: hello");
        assert_eq!(stage.control.session(&session("s")).await.unwrap().owner, None);
        stage.control.decide(&ids[0], approve(), None).await.unwrap();
        assert_eq!(stage.output("s").await, r#"results: pay {"n":0}"#);
        assert_eq!(paid.count(), 1);
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_voids_requested_and_granted_approvals() {
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let worker = crew.hire(&stage);
        let ids = asked(&stage, 2).await;
        worker.leave().await;
        // One is granted, and not consumed yet: nobody is at work.
        stage.control.decide(&ids[0], approve(), None).await.unwrap();
        stage.control.cancel(&execution("s"), None, None, None).await.unwrap();
        let refused = stage.control.decide(&ids[1], approve(), None).await.unwrap_err();
        assert!(matches!(refused, Error::Conflict { .. }), "{refused:?}");
        let worker = crew.hire(&stage);
        assert!(matches!(stage.end("s").await, Payload::ExecutionCancelled(_)));
        for id in &ids {
            assert_eq!(stage.control.approval(id).await.unwrap().status, Standing::Cancelled);
        }
        assert!(stage.approvals("s").await.is_empty());
        stage.send("s", "after", "hello").await.unwrap();
        assert_eq!(stage.output("after").await, "heard: hello");
        assert_eq!(paid.count(), 0);
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}

/// The time is up while nobody is at work, and longer than a worker waits in place.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_expires_by_itself() {
    on_each(async |stage| {
        let (crew, paid) = cashier();
        let timeout =
            json!({ "kind": "agent", "name": "cashier", "tools": ["pay"], "approval_timeout_ms": 6500 });
        let worker = crew.define(&timeout).hire(&stage);
        let begun = tokio::time::Instant::now();
        asked(&stage, 1).await;
        assert_eq!(stage.output("s").await, "results: <expired: nobody approved the call in time>");
        assert!(begun.elapsed() >= Duration::from_millis(6500), "{:?}", begun.elapsed());
        assert_eq!(paid.count(), 0);
        worker.leave().await;
    })
    .await;
}
