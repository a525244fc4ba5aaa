//! Questions to people: parked without a worker, answered once, from the choices that there are.

use runbus::control::{AnswerRequest, Error};
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::id::EventId;
use runbus::session::view::{CallStatus, SessionStatus};
use runbus_workers::tool::ask_human;
use serde_json::{Value, json};

use super::kit::{Crew, Stage, on_each, session};

async fn asked(stage: &Stage, question: Value) -> String {
    stage.start("host", "s", json!([["ask_human", question]])).await;
    let Payload::ClientInputRequested(asked) = stage.wait("s", Kind::ClientInputRequested).await else {
        panic!()
    };
    asked.request_id.unwrap()
}

fn say(input: impl Into<Value>) -> AnswerRequest {
    AnswerRequest { input: input.into(), answer_id: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_taken_up_by_another_worker() {
    on_each(async |stage| {
        let crew = Crew::new().agent("host", &["ask_human"]).tool(ask_human());
        let worker = crew.hire(&stage);
        let id = asked(&stage, json!({ "prompt": "Which colour?", "choices": ["red", "blue"] })).await;
        worker.leave().await;
        assert_eq!(stage.status("s").await, Status::WaitingForInput);
        let seen = stage.control.session(&session("s")).await.unwrap();
        assert_eq!(seen.status, SessionStatus::WaitingForInput);
        assert_eq!(seen.pending[0].status, CallStatus::WaitingForInput);
        let (question, choices) = (&seen.questions[0], ["red", "blue"]);
        assert_eq!(
            (question.prompt.as_str(), question.choices.as_slice()),
            ("Which colour?", &choices.map(String::from)[..])
        );
        for wrong in [json!("green"), json!(1), json!({ "colour": "red" }), Value::Null] {
            let refused = stage.control.answer(&id, say(wrong), None).await.unwrap_err();
            assert!(matches!(refused, Error::Invalid { path: "input", .. }), "{refused:?}");
        }
        let first = AnswerRequest { answer_id: Some(EventId::generate()), ..say("red") };
        stage.control.answer(&id, first.clone(), Some("ann".into())).await.unwrap();
        let second = stage.control.answer(&id, say("blue"), None).await.unwrap_err();
        assert!(matches!(second, Error::Conflict { .. }), "{second:?}");
        stage.control.answer(&id, first, None).await.unwrap();
        let worker = crew.hire(&stage);
        assert_eq!(stage.output("s").await, "results: red");
        let Payload::ClientInputReceived(heard) = stage.wait("s", Kind::ClientInputReceived).await else {
            panic!()
        };
        assert_eq!((heard.input, heard.answered_by.as_deref()), (json!("red"), Some("ann")));
        let late = stage.control.answer(&id, say("blue"), None).await.unwrap_err();
        assert!(matches!(late, Error::Conflict { .. }), "{late:?}");
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_answers_one_is_first() {
    on_each(async |stage| {
        let crew = Crew::new().agent("host", &["ask_human"]).tool(ask_human());
        let worker = crew.hire(&stage);
        let id = asked(&stage, json!({ "prompt": "How many?" })).await;
        let people = (0..16).map(|n| {
            let (control, id) = (stage.control.clone(), id.clone());
            tokio::spawn(async move { (n, control.answer(&id, say(json!({ "n": n })), None).await) })
        });
        let mut won = Vec::new();
        for person in people.collect::<Vec<_>>() {
            match person.await.unwrap() {
                (n, Ok(_)) => won.push(n),
                (_, Err(error)) => assert!(matches!(error, Error::Conflict { .. }), "{error:?}"),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!(stage.output("s").await, format!(r#"results: {{"n":{}}}"#, won[0]));
        worker.leave().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_questions_and_huge_answers_are_refused() {
    on_each(async |stage| {
        let crew = Crew::new().agent("host", &["ask_human"]).tool(ask_human());
        let worker = crew.hire(&stage);
        let id = asked(&stage, json!({ "prompt": "How many?" })).await;
        for unknown in ["", "nonsense", "0123456789abcdef@s", "0123456789abcdef@nobody"] {
            let refused = stage.control.answer(unknown, say(1), None).await.unwrap_err();
            assert!(matches!(refused, Error::NotFound { .. }), "{unknown}: {refused:?}");
        }
        let refused = stage.control.answer(&id, say("x".repeat(70_000)), None).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid { path: "input", .. }), "{refused:?}");
        // Nobody answers: the caller aborts, and the question is void.
        stage.control.abort_pending(&session("s"), "nobody there", None).await.unwrap();
        assert_eq!(stage.output("s").await, "results: <aborted: nobody there>");
        let late = stage.control.answer(&id, say(1), None).await.unwrap_err();
        assert!(matches!(late, Error::Conflict { .. }), "{late:?}");
        worker.leave().await;
    })
    .await;
}
