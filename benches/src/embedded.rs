//! The embedded backend: durable events a second, beside a bare file that is synced as often.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::ensure;
use runbus::adapters::embedded::{Config, Embedded};
use runbus::bus::Bus;
use runbus::log::Log;
use runbus::subject::{Lane, Shard};
use runbus::time::Clock;
use tokio::task::JoinSet;

use crate::Setup;
use crate::process::Meter;
use crate::report::{Report, Table, column, progress};
use crate::sample::{self, Execution};
use crate::streaming::{Cost, Pace, middle, stream_all};

/// Durable events a second to reach.
const GOAL: f64 = 50_000.0;

/// Publishers of open events, and events in each of their batches.
pub(crate) const PUBLISHERS: usize = 8;
pub(crate) const BATCH: usize = 1000;

/// Callers that publish one event after the other, each awaited.
const CALLERS: usize = 2000;

/// Executions with a writer each.
const EXECUTIONS: usize = 100;

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let events = setup.scaled(200_000, 16_000);
    let rounds = setup.scaled(5, 1);
    let [mut raw_100, mut raw_1000, mut single, mut open, mut owned] = [const { Vec::new() }; 5];
    // In turns, so that other load of the machine disturbs all alike.
    for round in 1..=rounds {
        progress(&format!("embedded: round {round} of {rounds}"));
        let folder = setup.folder()?;
        raw_100.push(raw(&folder.path().join("raw-100"), events / 4, 100)?);
        raw_1000.push(raw(&folder.path().join("raw-1000"), events, 1000)?);
        single.push(publish(&folder.path().join("single"), CALLERS, 1, events).await?);
        open.push(publish(&folder.path().join("open"), PUBLISHERS, BATCH, events).await?);
        owned.push(stream(&folder.path().join("owned"), events).await?);
    }
    let spread = |runs: &[Cost]| {
        let rates = runs.iter().map(Cost::rate);
        (rates.clone().fold(f64::INFINITY, f64::min), rates.fold(0.0, f64::max))
    };
    let mut table = Table::new(
        format!("Embedded: durable events a second ({} bytes each)", sample::line_bytes()?),
        &[
            column("events/s", 0),
            column("lowest", 0),
            column("highest", 0),
            column("CPU us/event", 2),
            column("ratio", 3),
        ],
    );
    let floor = middle(raw_1000.clone()).rate();
    let mut rate = |name: &str, runs: Vec<Cost>| {
        let ((lowest, highest), found) = (spread(&runs), middle(runs));
        let ratio = found.rate() / floor;
        table.row(name, &[Some(found.rate()), Some(lowest), Some(highest), found.cpu_us(0), Some(ratio)]);
        found.rate()
    };
    rate("baseline: file, fdatasync every 100", raw_100);
    rate("baseline: file, fdatasync every 1,000", raw_1000);
    rate(&format!("Bus::publish, {CALLERS} callers, each event awaited"), single);
    let open = rate(&format!("Bus::publish_batch, {PUBLISHERS} x {BATCH}"), open);
    let owned = rate(&format!("Writer, {EXECUTIONS} executions"), owned);
    table.goal(format!("open events at least {GOAL:.0} a second"), open >= GOAL);
    table.goal(format!("an owner's events at least {GOAL:.0} a second"), owned >= GOAL);
    table.note(format!(
        "median of {rounds} runs of {events} events; lines are encoded inside the measured time, for the files before it; \
         the ratio is to the file synced every 1,000"
    ));
    report.table(&table);
    Ok(())
}

pub(crate) fn open(dir: &Path) -> anyhow::Result<Embedded> {
    let config = Config { data_dir: dir.into(), ..Config::default() };
    Ok(Embedded::open(&config, Clock::System)?)
}

fn raw(path: &Path, events: usize, batch: usize) -> anyhow::Result<Cost> {
    let mut execution = Execution::new();
    let mut lines = Vec::new();
    for _ in 0..batch {
        lines.extend_from_slice(&execution.line()?);
        lines.push(b'\n');
    }
    let mut file = File::create_new(path)?;
    let meter = Meter::start(&[])?;
    for _ in 0..events / batch {
        file.write_all(&lines)?;
        file.sync_data()?;
    }
    let (wall, cpu) = meter.stop()?;
    Ok(Cost { events: events / batch * batch, wall, cpu, frames: None })
}

/// Open events into a database that is there, as many as `publishers` whole batches make.
pub(crate) async fn publish_all(
    bus: &Bus,
    publishers: usize,
    batch: usize,
    events: usize,
) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for _ in 0..publishers {
        let bus = bus.clone();
        tasks.spawn(async move {
            let mut execution = Execution::new();
            for _ in 0..events / publishers / batch {
                let batch = (0..batch).map(|_| execution.event()).collect();
                for answer in bus.publish_batch(batch).await? {
                    answer?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

async fn publish(dir: &Path, publishers: usize, batch: usize, events: usize) -> anyhow::Result<Cost> {
    let events = events / publishers / batch * publishers * batch;
    let embedded = open(dir)?;
    let bus = Bus::new(embedded.log.clone(), embedded.store.clone());
    let meter = Meter::start(&[])?;
    publish_all(&bus, publishers, batch, events).await?;
    let (wall, cpu) = meter.stop()?;
    let bounds = embedded.log.bounds(Lane::Events, Shard(0)).await?;
    ensure!(bounds.frames == events as u64, "{} frames instead of {events}", bounds.frames);
    Ok(Cost { events, wall, cpu, frames: Some(bounds.frames) })
}

async fn stream(dir: &Path, events: usize) -> anyhow::Result<Cost> {
    let log: Arc<dyn Log> = open(dir)?.log;
    stream_all(&log, EXECUTIONS, events / EXECUTIONS, Pace::BackPressure, &[]).await
}
