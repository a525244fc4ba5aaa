//! A step that kills its worker every time: it ends, it is listed, and it can be tried again.

use bytes::Bytes;
use runbus::control::Error;
use runbus::event::{Kind, Payload};
use runbus::execution::Status;
use runbus::log::{Expect, Frame};
use runbus::subject::Topic;
use serde_json::json;

use super::kit::{Crew, execution, on_each, session};
use super::tools::Probe;

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_kills_its_workers_is_given_up_and_can_be_tried_again() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("lethal");
        let crew = Crew::new()
            .agent("clerk", &["lethal"])
            .tool(tool.safe())
            .config(|config| config.max_attempts = 2);
        stage.start("clerk", "s", json!([["lethal", { "n": 1 }]])).await;
        stage.send("s", "next", "hello").await.unwrap();
        // The first worker, and one that takes over: both die of it.
        for _ in 0..2 {
            let worker = crew.hire(&stage);
            let lost = begins.next().await;
            worker.die().await;
            lost.dropped().await;
        }
        let worker = crew.hire(&stage);
        assert_eq!(stage.failure("s").await, "dead_letter");
        assert_eq!(stage.status("s").await, Status::Failed);
        let filter = runbus::bus::Filter::all().types([Kind::SessionDeadLettered]);
        super::kit::within(stage.bus.wait_for(
            filter,
            runbus::log::Since::All,
            std::time::Duration::from_secs(30),
        ))
        .await
        .unwrap()
        .unwrap();
        let letters = stage.control.dead_letters(10).await.unwrap();
        let [letter] = letters.as_slice() else { panic!("{letters:?}") };
        assert_eq!((&letter.execution_id, &letter.session_id), (&execution("s"), &session("s")));
        assert_eq!((letter.definition.as_str(), letter.retried_as.as_ref()), ("clerk", None));
        assert!(letter.reason.contains("2 workers"), "{}", letter.reason);
        let none = stage.control.dead_letter_of(&execution("next")).await.unwrap_err();
        assert!(matches!(none, Error::NotFound { .. }), "{none:?}");
        // The execution behind it does not run the call that it left: it waits for a decision.
        assert_eq!(stage.status("next").await, Status::Queued);

        // It behaves now.
        let again = stage.control.retry_dead_letter(&execution("s"), Some("ann".into())).await.unwrap();
        assert!(again.created);
        assert_eq!(stage.output("next").await, "heard: hello");
        begins.next().await.answer("alive");
        assert_eq!(stage.output(again.execution_id.as_str()).await, "results: alive");
        stage.said("s").await;
        let letter = stage.control.dead_letter_of(&execution("s")).await.unwrap();
        assert_eq!(letter.retried_as, Some(again.execution_id));
        let twice = stage.control.retry_dead_letter(&execution("s"), None).await.unwrap_err();
        assert!(matches!(twice, Error::Conflict { .. }), "{twice:?}");
        worker.leave().await;
    })
    .await;
}

/// Workers that die now and then, at different steps, are no reason to give up.
#[tokio::test(flavor = "multi_thread")]
async fn deaths_at_different_steps_are_not_counted_together() {
    on_each(async |stage| {
        let (tool, mut begins) = Probe::held("risky");
        let crew =
            Crew::new().agent("clerk", &["risky"]).tool(tool.safe()).config(|config| config.max_attempts = 2);
        stage
            .start("clerk", "s", json!([["risky", { "n": 0 }], ["risky", { "n": 1 }], ["risky", { "n": 2 }]]))
            .await;
        // Each worker ends one call and dies.
        let mut keys = std::collections::BTreeSet::new();
        for left in (1..=3).rev() {
            let worker = crew.hire(&stage);
            let mut begun = begins.some(left).await;
            keys.extend(begun.iter().map(|begun| begun.key.clone()));
            begun.remove(0).answer("done");
            stage.nth("s", Kind::ToolCallCompleted, 4 - left).await;
            worker.die().await;
            for lost in begun {
                lost.dropped().await;
            }
        }
        let worker = crew.hire(&stage);
        assert_eq!(stage.output("s").await, "results: done | done | done");
        assert_eq!(keys.len(), 3, "a call's key is the same in every try");
        let Payload::AttemptSuperseded(superseded) = stage.nth("s", Kind::AttemptSuperseded, 2).await else {
            panic!()
        };
        assert_eq!(superseded.attempt, 3);
        assert!(stage.control.dead_letters(10).await.unwrap().is_empty());
        worker.leave().await;
    })
    .await;
}

/// An unreadable journal: its start request is listed and can be tried again, in a session of its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_execution_with_an_unreadable_journal_can_be_tried_again() {
    on_each(async |stage| {
        let crew = Crew::new().agent("clerk", &[]).config(|config| config.max_attempts = 1);
        stage.start("clerk", "s", json!([])).await;
        let log = stage.backend.log.clone();
        let damage = Frame::open(&[Bytes::from_static(b"{\"at\":\"never\"}")]);
        log.append(&Topic::Journal(session("s")), &damage, Expect::Last(None)).await.unwrap();
        let worker = crew.hire(&stage);
        assert_eq!(stage.failure("s").await, "dead_letter");
        let letter = super::kit::within(async {
            loop {
                if let Ok(letter) = stage.control.dead_letter_of(&execution("s")).await {
                    return letter;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
        assert_eq!((letter.definition.as_str(), letter.attempts), ("clerk", 1));

        let again = stage.control.retry_dead_letter(&execution("s"), None).await.unwrap();
        assert_eq!((again.execution_id.as_str(), again.session_id.as_str()), ("s-again", "s-again"));
        stage.output("s-again").await;
        worker.leave().await;
    })
    .await;
}
