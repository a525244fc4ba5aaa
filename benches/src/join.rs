//! From connecting to the first event with many executions stored.

use std::time::Instant;

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use runbus::bus::Bus;
use runbus::id::ExecutionId;
use serde_json::json;

use crate::nats::Server;
use crate::process::Child;
use crate::report::{Report, Table, column, progress};
use crate::sample::{self, Execution, percentile};
use crate::{Setup, append, embedded, gateway};

/// Milliseconds to stay below.
const GOAL_MS: f64 = 20.0;

/// Events of each execution.
const EVENTS: usize = 3;

/// Executions that are written at the same time.
const WRITTEN_AT_ONCE: usize = 512;

/// Clients that join at the same time.
const AT_ONCE: [usize; 2] = [1, 8];

/// The end of a client's wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The gateway's greeting.
    Hello,
    /// The first event of one execution.
    Event {
        /// Whether the client says the stream, too.
        names_stream: bool,
    },
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let stored = setup.scaled(100_000, 2_000);
    let joins = setup.scaled(2_000, 200);
    let server = Server::start(setup).await?;
    progress(&format!("join: {stored} executions are written"));
    let executions = write(setup, &server, stored).await?;
    let child = gateway::start(&server).await?;
    let mut table = Table::new(
        format!("Join: connect to first event, {stored} executions stored"),
        &[column("p50, ms", 2), column("p90, ms", 2), column("p99, ms", 2), column("highest, ms", 2)],
    );
    let mut goal = f64::INFINITY;
    for at_once in AT_ONCE {
        for (until, name) in [
            (Until::Hello, "baseline: connect to greeting"),
            (Until::Event { names_stream: true }, "stream and execution, since all"),
            (Until::Event { names_stream: false }, "execution only, since all"),
        ] {
            progress(&format!("join: {name}, {at_once} at a time"));
            // Spread over all of them: nothing is warm.
            let step = (executions.len() / joins).max(1);
            let mut times: Vec<u64> = futures_util::stream::iter(executions.iter().step_by(step).take(joins))
                .map(|id| join(&child, id, until))
                .buffer_unordered(at_once)
                .try_collect()
                .await?;
            times.sort_unstable();
            let ms = |share: f64| percentile(&times, share) as f64 / 1000.0;
            table.row(
                format!("{name}, {at_once} at a time"),
                &[Some(ms(0.5)), Some(ms(0.9)), Some(ms(0.99)), Some(ms(1.0))],
            );
            if (until, at_once) == (Until::Event { names_stream: true }, 1) {
                goal = ms(0.99);
            }
        }
    }
    table.goal(format!("p99 under {GOAL_MS} ms, one at a time"), goal < GOAL_MS);
    table.note(format!(
        "{joins} joins a row, each a connection of its own to an execution of its own with {EVENTS} events"
    ));
    report.table(&table);
    Ok(())
}

/// Stores executions; says which.
async fn write(setup: &Setup, server: &Server, count: usize) -> anyhow::Result<Vec<ExecutionId>> {
    let folder = setup.folder()?;
    let nats = append::connect(&server.url, append::SHARDS).await?;
    let bus = Bus::new(nats.log(), embedded::open(folder.path())?.store);
    futures_util::stream::iter(0..count)
        .map(|_| {
            let (bus, mut execution) = (bus.clone(), Execution::new());
            async move {
                let events = (0..EVENTS).map(|_| execution.event()).collect();
                for stored in bus.publish_batch(events).await? {
                    stored?;
                }
                anyhow::Ok(execution.id)
            }
        })
        .buffer_unordered(WRITTEN_AT_ONCE)
        .try_collect()
        .await
}

/// Microseconds.
async fn join(child: &Child, id: &ExecutionId, until: Until) -> anyhow::Result<u64> {
    let begun = Instant::now();
    let mut client = gateway::Client::connect(&child.ready).await?;
    if let Until::Event { names_stream } = until {
        let mut filter = json!({ "execution_id": id });
        if names_stream {
            filter["stream_id"] = json!(sample::stream());
        }
        client.send(json!({ "type": "subscribe", "id": "a", "filter": filter, "since": "all" })).await?;
        client.until("events").await.context("no event came")?;
    } else {
        client.until("hello").await?;
    }
    let micros = u64::try_from(begun.elapsed().as_micros())?;
    ensure!(micros > 0, "the clock stands still");
    Ok(micros)
}
