//! Restart of the embedded backend: a process that holds 1,000,000 events is killed, another one opens them.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use runbus::bus::Bus;
use runbus::bus::history::{Order, Query};
use runbus::log::Log as _;
use runbus::subject::{Lane, Shard};
use serde_json::{Value, json};

use crate::process::Child;
use crate::report::{Report, Table, column, progress, say};
use crate::sample::Execution;
use crate::{Setup, embedded};

/// Milliseconds to stay below from process start until history was read and a write was answered.
const GOAL_MS: f64 = 2000.0;

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let events = setup.scaled(1_000_000, 40_000);
    let folder = setup.folder()?;
    let dir = folder.path().join("data");
    let dir = dir.to_str().context("the folder's name is no text")?;
    progress(&format!("embedded: writing {events} events, to be killed and reopened"));
    let child = Child::start(&["fill", "--dir", dir, "--events", &events.to_string()]).await?;
    child.kill().await?;
    let mut times = Vec::new();
    for _ in 0..setup.scaled(5, 1) {
        let begun = Instant::now();
        let child = Child::start(&["reopen", "--dir", dir]).await?;
        let until_done = begun.elapsed().as_secs_f64() * 1000.0;
        let found: Value = serde_json::from_str(&child.ready)?;
        ensure!(found["frames"] == json!(events), "{found} after the restart instead of {events} events");
        let ms = |name: &str| found[name].as_f64().unwrap_or_default();
        times.push([ms("open_ms"), ms("newest_ms"), ms("oldest_ms"), ms("write_ms"), until_done]);
        child.kill().await?;
    }
    let scan = scan(folder.path(), events)?;
    let mut table = Table::new(
        format!("Embedded: restart with {events} events after kill -9"),
        &[column("first, ms", 1), column("median, ms", 1)],
    );
    table.row("baseline: file, read lines once for an index", &[None, Some(scan)]);
    let mut total = 0.0_f64;
    for (n, name) in [
        "Embedded::open",
        "first page, newest",
        "first page, oldest",
        "first write",
        "process start to all of these",
    ]
    .into_iter()
    .enumerate()
    {
        let first = times.first().map(|row| row[n]);
        let mut column: Vec<f64> = times.iter().map(|row| row[n]).collect();
        total = column.iter().copied().fold(0.0, f64::max);
        table.row(name, &[first, Some(crate::sample::median(&mut column))]);
    }
    table.goal(
        format!("a restart in under {} s (slowest of all: {total:.0} ms)", GOAL_MS / 1000.0),
        total < GOAL_MS,
    );
    table.note(
        "the first restart recovers the write-ahead log that the killed process left; the page cache is warm",
    );
    report.table(&table);
    Ok(())
}

/// The child that is killed: fills a database, says so, waits.
pub(crate) async fn fill(dir: &Path, events: usize) -> anyhow::Result<()> {
    let embedded = embedded::open(dir)?;
    let bus = Bus::new(embedded.log.clone(), embedded.store.clone());
    embedded::publish_all(&bus, embedded::PUBLISHERS, embedded::BATCH, events).await?;
    say("filled");
    std::future::pending().await
}

/// The child that opens it.
pub(crate) async fn reopen(dir: &Path) -> anyhow::Result<()> {
    let ms = |begun: Instant| begun.elapsed().as_secs_f64() * 1000.0;
    let begun = Instant::now();
    let embedded = embedded::open(dir)?;
    let open_ms = ms(begun);
    let bus = Bus::new(embedded.log.clone(), embedded.store.clone());
    let mut read_ms = [0.0; 2];
    for (at, order) in [Order::Newest, Order::Oldest].into_iter().enumerate() {
        let begun = Instant::now();
        let page = bus.history(&Query { order, ..Query::default() }).await?;
        ensure!(page.events.len() == Query::default().limit, "a page has {} events", page.events.len());
        read_ms[at] = ms(begun);
    }
    let begun = Instant::now();
    embedded.log.ready().await?;
    let write_ms = ms(begun);
    let frames = embedded.log.bounds(Lane::Events, Shard(0)).await?.frames;
    let [newest_ms, oldest_ms] = read_ms;
    say(&json!({ "open_ms": open_ms, "newest_ms": newest_ms, "oldest_ms": oldest_ms, "write_ms": write_ms, "frames": frames })
        .to_string());
    std::future::pending().await
}

/// The opening time of a log without an index on disk. Milliseconds.
fn scan(folder: &Path, events: usize) -> anyhow::Result<f64> {
    let path = folder.join("lines");
    let mut execution = Execution::new();
    let lines = (0..1000).map(|_| execution.line()).collect::<anyhow::Result<Vec<_>>>()?;
    let block = [lines.join(&b'\n'), vec![b'\n']].concat();
    std::fs::write(&path, block.repeat(events / 1000))?;
    let begun = Instant::now();
    let mut file = BufReader::with_capacity(1024 * 1024, File::open(&path)?);
    let (mut index, mut at, mut line) = (Vec::new(), 0_u64, Vec::new());
    loop {
        line.clear();
        let bytes = file.read_until(b'\n', &mut line)?;
        if bytes == 0 {
            break;
        }
        index.push(at);
        at += bytes as u64;
    }
    ensure!(index.len() == events, "{} lines instead of {events}", index.len());
    Ok(begun.elapsed().as_secs_f64() * 1000.0)
}
