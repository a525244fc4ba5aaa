//! Conversations: continuation, pending inputs while calls run, resume and abort, the effects of closing.

use runbus::control::{Error, SendRequest};
use runbus::event::{Kind, Payload};
use runbus::session::view::{CallStatus, SessionStatus};
use serde_json::json;

use super::kit::{Crew, execution, on_each, say, session};
use super::tools::Probe;

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_created_and_remembered() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &[]);
        let worker = crew.hire(&stage);
        let first =
            SendRequest { definition: Some("clerk".into()), input: "one".into(), ..Default::default() };
        let started = stage.control.send(first, None).await.unwrap();
        let name = started.session_id.as_str();
        assert_eq!(stage.output(started.execution_id.as_str()).await, "heard: one");
        // Another worker knows what was said to the first.
        worker.leave().await;
        let worker = crew.hire(&stage);
        stage.send(name, "second", "two").await.unwrap();
        assert_eq!(stage.output("second").await, "heard: two");
        let said = ["user: one", "assistant: heard: one", "user: two", "assistant: heard: two"];
        assert_eq!(stage.said(name).await, said);
        let asked = crew.obedient.asked("clerk");
        let read: Vec<String> = asked[1].iter().map(super::kit::short).collect();
        assert_eq!(read, said[..3]);
        let seen = stage.control.session(&started.session_id).await.unwrap();
        assert_eq!((seen.status, seen.messages, seen.usage.total_tokens), (SessionStatus::Idle, 4, 200));
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_session_is_a_typed_error() {
    on_each(async |stage| {
        let (control, nobody) = (&stage.control, session("nobody"));
        let errors = [
            stage.send("nobody", "e", "hi").await.unwrap_err(),
            control.resume(&nobody, None).await.unwrap_err(),
            control.abort_pending(&nobody, "no", None).await.unwrap_err(),
            control.close_session(&nobody, true, None, None).await.unwrap_err(),
            control.messages(&nobody, true).await.unwrap_err(),
            control.pending(&nobody).await.unwrap_err(),
            control.pause(&execution("nobody"), None, None).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        }
        let without = SendRequest { input: "hi".into(), ..Default::default() };
        let error = control.send(without, None).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { path: "definition", .. }), "{error:?}");
        assert_eq!(control.status(&execution("e")).await.unwrap(), None, "a refused send leaves no trace");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_lists_exactly_the_unanswered_requests() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool);
        let worker = crew.hire(&stage);
        let calls = json!([["work", {"n": 0}], ["work", {"n": 1}], ["work", {"n": 2}], ["work", {"n": 3}]]);
        stage.start("clerk", "s", calls).await;
        let mut begun = begins.some(4).await;
        let pending = async || {
            let calls = stage.control.pending(&session("s")).await.unwrap();
            assert!(calls.iter().all(|call| call.status == CallStatus::Running), "{calls:?}");
            calls.into_iter().map(|call| call.arguments).collect::<Vec<_>>()
        };
        assert_eq!(pending().await, [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":2}"#, r#"{"n":3}"#]);
        // Out of order: each result removes its own call.
        begun.remove(2).answer("c");
        stage.nth("s", Kind::ToolCallCompleted, 1).await;
        assert_eq!(pending().await, [r#"{"n":0}"#, r#"{"n":1}"#, r#"{"n":3}"#]);
        begun.remove(0).answer("a");
        stage.nth("s", Kind::ToolCallCompleted, 2).await;
        assert_eq!(pending().await, [r#"{"n":1}"#, r#"{"n":3}"#]);
        begun.remove(1).fail("d");
        stage.nth("s", Kind::ToolCallCompleted, 3).await;
        assert_eq!(pending().await, [r#"{"n":1}"#]);
        begun.remove(0).answer("b");
        assert_eq!(stage.output("s").await, "results: c | a | d | b");
        assert!(pending().await.is_empty());
        stage.said("s").await;
        worker.leave().await;
    })
    .await;
}

/// Calls of unknown outcome: their worker died while two unsafe tools ran, and a third had answered.
#[tokio::test(flavor = "multi_thread")]
async fn unresolved_calls_are_resumed_or_aborted() {
    for abort in [false, true] {
        on_each(async |stage| {
            let (tool, mut begins) = Probe::held("act");
            let crew = Crew::new().agent("clerk", &["act"]).tool(tool);
            let worker = crew.hire(&stage);
            stage.start("clerk", "s", json!([["act", {"n": 0}], ["act", {"n": 1}], ["act", {"n": 2}]])).await;
            let mut begun = begins.some(3).await;
            begun.remove(1).answer("done");
            stage.wait("s", Kind::ToolCallCompleted).await;
            worker.die().await;
            let worker = crew.hire(&stage);
            stage.wait("s", Kind::ExecutionPaused).await;
            let name = session("s");
            let Err(Error::Pending { calls, session_id }) = stage.send("s", "late", "hello?").await else {
                panic!("a send must be refused");
            };
            assert_eq!(session_id, name);
            let standing: Vec<_> = calls.iter().map(|call| (call.arguments.as_str(), call.status)).collect();
            assert_eq!(standing, [(r#"{"n":0}"#, CallStatus::Unknown), (r#"{"n":2}"#, CallStatus::Unknown)]);
            assert_eq!(stage.control.session(&name).await.unwrap().status, SessionStatus::Pending);
            assert_eq!(stage.control.status(&execution("late")).await.unwrap(), None);
            if abort {
                let aborted = stage.control.abort_pending(&name, "too risky", None).await.unwrap();
                assert_eq!(aborted.len(), 2);
                assert_eq!(
                    stage.output("s").await,
                    "results: done | <aborted: too risky> | <aborted: too risky>"
                );
                assert!(stage.control.abort_pending(&name, "again", None).await.unwrap().is_empty());
            } else {
                let resumed = stage.control.resume(&name, None).await.unwrap();
                assert_eq!((resumed.execution_id.as_str(), resumed.created), ("s", false));
                let mut again = begins.some(2).await;
                again.remove(1).answer("second");
                stage.nth("s", Kind::ToolCallCompleted, 2).await;
                again.remove(0).answer("first");
                assert_eq!(stage.output("s").await, "results: done | second | first");
            }
            stage.said("s").await;
            stage.send("s", "after", "hello").await.unwrap();
            assert_eq!(stage.output("after").await, "heard: hello");
            worker.leave().await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resume_with_nothing_pending_is_one_more_round() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &[]);
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", "hi").await;
        assert_eq!(stage.output("s").await, "heard: hi");
        let resumed = stage.control.resume(&session("s"), None).await.unwrap();
        assert!(resumed.created);
        assert_eq!(stage.output(resumed.execution_id.as_str()).await, "going on");
        assert_eq!(stage.said("s").await, ["user: hi", "assistant: heard: hi", "assistant: going on"]);
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_ends_everything_and_takes_nothing() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &[]);
        let worker = crew.hire(&stage);
        stage.start("clerk", "s", "stream").await;
        crew.obedient.begun(1).await;
        for n in 0..2 {
            stage.send("s", &format!("queued {n}"), "later").await.unwrap();
        }
        let why = Some("over".to_owned());
        let closed = stage.control.close_session(&session("s"), false, why.clone(), None).await.unwrap();
        assert!(closed.closed_at.is_some());
        crew.obedient.dropped(1).await;
        for id in ["s", "queued 0", "queued 1"] {
            let Payload::ExecutionCancelled(cancelled) = stage.end(id).await else { panic!("{id}") };
            assert_eq!(cancelled.reason, why, "{id}");
        }
        stage.closed(&session("s")).await;
        let refused = stage.send("s", "late", "hello?").await.unwrap_err();
        assert!(matches!(refused, Error::Closed { .. }), "{refused:?}");
        let refused = stage.control.resume(&session("s"), None).await.unwrap_err();
        assert!(matches!(refused, Error::Closed { .. }), "{refused:?}");
        assert_eq!(stage.control.session(&session("s")).await.unwrap().status, SessionStatus::Closed);
        // Closing what is closed is no error.
        stage.control.close_session(&session("s"), true, None, None).await.unwrap();
        worker.leave().await;
    })
    .await;
}

/// A race of a send with the close: the first one taken counts, and both end clearly.
#[tokio::test(flavor = "multi_thread")]
async fn a_send_that_races_a_close_ends_clearly() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &[]);
        stage.start("clerk", "s", "hi").await;
        let worker = crew.hire(&stage);
        stage.output("s").await;
        let (name, request) = (session("s"), say("s", "racer", "quick"));
        let (sent, closed) = tokio::join!(
            stage.control.send(request, None),
            stage.control.close_session(&name, false, None, None)
        );
        closed.unwrap();
        match sent {
            Ok(_) => {
                stage.end("racer").await;
            }
            Err(error) => assert!(matches!(error, Error::Closed { .. }), "{error:?}"),
        }
        worker.leave().await;
    })
    .await;
}
