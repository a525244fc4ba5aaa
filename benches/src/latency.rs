//! From publish to reader at 5,000 and 10,000 events a second: executions stream 100 events a second each, one reader each.
//!
//! Both ends are in this process and read one clock: an event carries the time when it was made, the reader compares.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::StreamExt as _;
use runbus::event::Event;
use runbus::time::Clock;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::Setup;
use crate::nats::Server;
use crate::paths::{Ends, Lines, Path, Sink};
use crate::process::Meter;
use crate::report::{Report, Table, column, progress};
use crate::sample::{Execution, percentile};
use crate::streaming::Cost;

/// Events of an execution a second.
const PER_SECOND: usize = 100;

/// A load, and its goals.
#[derive(Debug)]
struct Load {
    executions: usize,
    paths: &'static [(Path, &'static str)],
    /// Microseconds.
    goal_p50: u64,
    goal_p99: u64,
}

const LOADS: [Load; 2] = [
    Load { executions: 50, paths: &Path::ALL, goal_p50: 2_000, goal_p99: 10_000 },
    Load { executions: 100, paths: &Path::FEW, goal_p50: 1_500, goal_p99: 10_000 },
];

/// Events of each execution that are not counted: connections, caches and allocators warm up.
const WARM_UP: usize = PER_SECOND;

/// Longest wait for the last event.
const PATIENCE: Duration = Duration::from_secs(30);

/// The times of one path.
#[derive(Debug, Default)]
struct Times {
    /// Microseconds, sorted.
    sorted: Vec<u64>,
    cost: Cost,
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    for load in &LOADS {
        one(setup, load, report).await?;
    }
    Ok(())
}

async fn one(setup: &Setup, load: &Load, report: &mut Report) -> anyhow::Result<()> {
    let each = WARM_UP + setup.scaled(20, 3) * PER_SECOND;
    let rate = load.executions * PER_SECOND;
    let mut table = Table::new(
        format!("Latency: publish to reader at {rate} events/s"),
        &[
            column("p50, ms", 2),
            column("p90, ms", 2),
            column("p99, ms", 2),
            column("p99.9, ms", 2),
            column("highest, ms", 2),
            column("CPU us/event", 1),
            column("server CPU us/event", 1),
            column("gateway CPU us/event", 1),
        ],
    );
    let mut last = Times::default();
    for (path, name) in load.paths {
        progress(&format!("latency: {name}, {rate} events/s"));
        let found = measure(setup, *path, load.executions, each).await.context(*name)?;
        let ms = |share: f64| Some(percentile(&found.sorted, share) as f64 / 1000.0);
        let cpu = |process| found.cost.cpu_us(process);
        table.row(*name, &[ms(0.5), ms(0.9), ms(0.99), ms(0.999), ms(1.0), cpu(0), cpu(1), cpu(2)]);
        last = found;
    }
    let (p50, p99) = (percentile(&last.sorted, 0.5), percentile(&last.sorted, 0.99));
    table.goal(format!("p50 under {} ms", load.goal_p50 as f64 / 1000.0), p50 < load.goal_p50);
    table.goal(format!("p99 under {} ms", load.goal_p99 as f64 / 1000.0), p99 < load.goal_p99);
    table.note(format!(
        "{} events a path after {WARM_UP} of each execution to warm up; publishers and readers share a process, the \
         server and the gateway have theirs, all share the machine; goals: the last row",
        last.sorted.len()
    ));
    report.table(&table);
    Ok(())
}

async fn measure(setup: &Setup, path: Path, executions: usize, each: usize) -> anyhow::Result<Times> {
    let server = Server::start(setup).await?;
    let mut opened = Ends::open(path, &server, executions).await?;
    let ends = std::mem::take(&mut opened.executions);
    let mut others = vec![server.pid()?];
    if let Some(gateway) = &opened.gateway {
        others.push(gateway.pid()?);
    }
    let mut readers = JoinSet::new();
    let mut producers = JoinSet::new();
    let meter = Meter::start(&others)?;
    let period = Duration::from_secs(1) / u32::try_from(PER_SECOND)?;
    let count = u32::try_from(ends.len())?;
    for (n, (sink, execution, lines)) in (0..count).zip(ends) {
        readers.spawn(tokio::time::timeout(period * u32::try_from(each)? + PATIENCE, async move {
            receive(lines, each).await
        }));
        // Spread evenly: independent models do not tick together.
        producers.spawn(produce(sink, execution, each, Instant::now() + period * n / count, period));
    }
    while let Some(done) = producers.join_next().await {
        done??;
    }
    let mut sorted = Vec::new();
    while let Some(done) = readers.join_next().await {
        sorted.extend(done?.context("events are missing")??);
    }
    let (wall, cpu) = meter.stop()?;
    drop(opened);
    sorted.sort_unstable();
    Ok(Times { sorted, cost: Cost { events: each * count as usize, wall, cpu, frames: None } })
}

async fn produce(
    sink: Sink,
    mut execution: Execution,
    each: usize,
    start: Instant,
    period: Duration,
) -> anyhow::Result<()> {
    let mut ticks = interval_at(start, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..each {
        ticks.tick().await;
        let line = execution.line()?;
        sink.put(line).await?;
    }
    Ok(())
}

/// How old each event is when it comes, in microseconds, without those that warm up.
async fn receive(mut lines: Lines, each: usize) -> anyhow::Result<Vec<u64>> {
    let mut ages = Vec::with_capacity(each);
    while ages.len() < each {
        for line in lines.next().await.context("the feed has ended")?? {
            let event = Event::decode(&line)?;
            let age = Clock::System.now().since(event.timestamp);
            ages.push(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
        }
    }
    Ok(ages.split_off(WARM_UP))
}
