//! A thousand sessions at once on one worker.

use runbus::bus::{Delivery, Filter};
use runbus::control::{Error, StartRequest};
use runbus::event::Kind;
use runbus::id::StreamId;
use runbus::log::Since;
use serde_json::json;

use super::kit::{Crew, Stage, execution};
use super::tools::Probe;
use crate::backends;

const SESSIONS: usize = 1000;

/// Growth that is far too much, in bytes.
const TOO_MUCH: u64 = 1 << 30;

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_sessions_are_at_work_at_once() {
    for backend in backends::patient().await {
        let stage = Stage::from(backend);
        let (tool, mut begins) = Probe::held("work");
        let crew = Crew::new().agent("clerk", &["work"]).tool(tool).config(|config| {
            config.concurrency = SESSIONS;
            config.lease_ttl_ms = 20_000;
        });
        let worker = crew.hire(&stage);
        let (before, begun_at) = (resident(), tokio::time::Instant::now());
        let starts = (0..SESSIONS).map(|n| {
            let control = stage.control.clone();
            let id = execution(&n.to_string());
            let request = StartRequest {
                execution_id: Some(id),
                ..StartRequest::new("clerk", json!([["work", { "n": n }]]))
            };
            super::kit::within(async move {
                // A busy broker's answer may come too late: the same start again is the same execution.
                while let Err(error) = control.start(request.clone()).await {
                    assert!(matches!(error, Error::Unavailable(_)), "{error}");
                }
            })
        });
        let starts = futures(starts);
        // All at once: nobody's tool answers before everybody's has begun.
        let (_, at_work) = tokio::join!(starts, begins.some(SESSIONS));
        let (together, in_flight) = (begun_at.elapsed(), resident());
        for begun in at_work {
            begun.answer("done");
        }
        let filter = Filter::stream(StreamId::new("clerk").unwrap());
        let filter = filter.types([Kind::ExecutionCompleted, Kind::ExecutionFailed]);
        let mut reader = stage.bus.read(filter, Since::All).await.unwrap();
        let mut completed = std::collections::BTreeSet::new();
        super::kit::within(async {
            while completed.len() < SESSIONS {
                if let Delivery::Event(found) = reader.next().await.unwrap() {
                    assert_eq!(found.event.kind, Kind::ExecutionCompleted, "{:?}", found.event);
                    completed.insert(found.event.execution_id.unwrap());
                }
            }
        })
        .await;
        worker.leave().await;
        let (grown, took) = (in_flight.saturating_sub(before), begun_at.elapsed());
        super::kit::show(&format!(
            "{}: {SESSIONS} sessions at work after {together:?}, done after {took:?}; {} MiB more memory",
            stage.name,
            grown >> 20
        ));
        assert!(grown < TOO_MUCH, "{grown} bytes");
    }
}

/// Awaits them, 50 at a time.
async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    use futures_util::StreamExt;
    futures_util::stream::iter(all).buffer_unordered(50).collect().await
}
