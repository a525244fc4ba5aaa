//! Several callers at once: what each is told is what the log decided.

use std::time::Duration;

use futures_util::future::join_all;
use runbus::bus::history::Query;
use runbus::bus::{Delivery, Filter};
use runbus::control::{CancelState, Error, StartRequest};
use runbus::event::Kind;
use runbus::execution::Status;
use runbus::id::{ExecutionId, SessionId, StreamId};
use serde_json::{Value, json};

use crate::api::Bench;
use crate::backends;

fn id(text: impl Into<String>) -> ExecutionId {
    ExecutionId::new(text.into()).unwrap()
}

/// Racers that differ in input, definition, stream and session, in every combination of "mine" and "the same as another's".
fn racer(execution: &ExecutionId, number: usize) -> StartRequest {
    let definition = if number.is_multiple_of(5) { "other" } else { "talker" };
    let mut request = StartRequest::new(definition, json!({ "b": number % 3, "a": 1 }));
    request.execution_id = Some(execution.clone());
    if number.is_multiple_of(2) {
        request.session_id = Some(SessionId::new(format!("{execution}-session-{}", number % 4)).unwrap());
    }
    if number.is_multiple_of(3) {
        request.stream_id = Some(StreamId::new(format!("stream-{}", number % 6)).unwrap());
    }
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_starts_creates_and_the_others_learn_what_stands() {
    for backend in backends::all().await {
        for round in 0..6 {
            let execution = id(format!("raced-{round}"));
            let racers = (0..12).map(|number| {
                let (control, request) = (backend.control(), racer(&execution, number));
                tokio::spawn(async move { (request.clone(), control.start(request).await) })
            });
            let mut answers = Vec::new();
            for answer in join_all(racers).await {
                let (request, started) = answer.unwrap();
                answers.push((request, started.unwrap()));
            }
            let created: Vec<_> = answers.iter().filter(|(_, started)| started.created).collect();
            assert_eq!(created.len(), 1, "{} {round}: {answers:?}", backend.name);
            let (winner, stands) = created[0];
            assert_eq!(stands.same_request, None);
            for (asked, started) in answers.iter().filter(|(_, started)| !started.created) {
                assert_eq!(
                    (&started.stream_id, &started.session_id),
                    (&stands.stream_id, &stands.session_id),
                    "{}: {asked:?}",
                    backend.name
                );
                let same = (&asked.definition, &asked.input) == (&winner.definition, &winner.input);
                assert_eq!(started.same_request, Some(same), "{}: {asked:?}", backend.name);
            }
            // One start, in one session, of one stream.
            let query = Query { filter: Filter::execution(execution.clone()), ..Query::default() };
            let page = backend.bus().history(&query).await.unwrap();
            let queued = page.events.iter().filter(
                |found| matches!(found, Delivery::Event(found) if found.event.kind == Kind::ExecutionQueued),
            );
            assert_eq!(queued.count(), 1, "{}", backend.name);
            let starts = backend.control().starts(&stands.session_id).await.unwrap();
            let begun: Vec<&Value> = starts
                .iter()
                .filter(|start| start.execution_id == execution)
                .map(|start| &start.input)
                .collect();
            assert_eq!(begun, [&winner.input], "{}", backend.name);
            // Later callers learn the same.
            let again = backend.control().start(winner.clone()).await.unwrap();
            assert_eq!((again.created, again.same_request), (false, Some(true)));
            let mut other = winner.clone();
            other.input = json!({ "b": 9 });
            let again = backend.control().start(other).await.unwrap();
            assert_eq!((again.created, again.same_request), (false, Some(false)));
            // A session that was named, and in which nothing began, is none.
            let home = SessionId::new(execution.as_str()).unwrap();
            let known = backend.control().state(&home).await.unwrap().is_some();
            assert_eq!(known, home == stands.session_id, "{}", backend.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_followed_or_a_conflict() {
    for backend in backends::all().await {
        let bench = Bench::new(backend);
        let running = bench.worker();
        let control = bench.backend.control();
        let (mut late, mut in_time) = (0, 0);
        for round in 0..30_u64 {
            let execution = id(format!("hurried-{round}"));
            let request =
                StartRequest { execution_id: Some(execution.clone()), ..StartRequest::new("talker", "go") };
            control.start(request).await.unwrap();
            // Before it begins, while it is at work, as it ends, behind its end.
            tokio::time::sleep(Duration::from_millis(round * 3)).await;
            let answer = control.cancel(&execution, None, None, None).await;
            bench.ends(execution.as_str()).await;
            let status = control.status(&execution).await.unwrap().unwrap().status;
            match answer {
                Ok(answer) => {
                    assert_eq!(answer.cancel, Some(CancelState::Requested));
                    assert_eq!(status, Status::Cancelled, "{}: {round}", bench.backend.name);
                    in_time += 1;
                }
                Err(Error::Conflict { standing, .. }) => {
                    assert_eq!(status, Status::Completed, "{}: {round}", bench.backend.name);
                    assert_eq!(standing, json!({ "status": "completed" }));
                    late += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        println!("{}: {in_time} in time, {late} too late", bench.backend.name);
        running.drain.cancel();
        running.task.await.unwrap();
    }
}
