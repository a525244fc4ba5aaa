//! The first page of the list of executions, with very many of them stored.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use runbus::bus::Bus;
use runbus::directory::{Bounds, Directory, Everything, Query};
use runbus::event::Source;
use runbus::event::family::execution::Queued;
use runbus::id::{ExecutionId, SessionId, StreamId};
use runbus::store::Store;
use runbus::time::Clock;

use crate::process::rss_kib;
use crate::report::{Report, Table, column, progress};
use crate::{Setup, embedded, redis};

/// Target for the first page, in milliseconds.
const GOAL_MS: f64 = 100.0;

/// How often each page is read.
const READS: usize = 300;

/// Executions in one stream of ten.
const STREAMS: usize = 10;

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let executions = setup.scaled(1_000_000, 5000);
    let mut table = Table::new(
        format!("Lists: the first page, {executions} executions stored, in ms"),
        &[column("p50", 2), column("p99", 2), column("bytes/entry", 0)],
    );
    let folder = setup.folder()?;
    let opened = embedded::open(folder.path())?;
    let log = Bus::new(opened.log.clone(), opened.store.clone());
    progress(&format!("lists: {executions} executions into the log"));
    fill(&log, executions).await?;
    let mut worst: f64 = 0.0;
    {
        let before = size(folder.path())?;
        let directory = index("SQLite", log.clone()).await?;
        let bytes = size(folder.path())?.saturating_sub(before);
        worst = worst.max(pages("SQLite", &directory, bytes, executions, &mut table).await?);
    }
    let server = redis::Server::start(setup).await?;
    let store: Arc<dyn Store> = Arc::new(redis::connect(&server.url)?);
    let before = rss_kib(server.pid()?)?;
    let directory = index("Redis", Bus::new(opened.log.clone(), store)).await?;
    let bytes = rss_kib(server.pid()?)?.saturating_sub(before) * 1024;
    worst = worst.max(pages("Redis", &directory, bytes, executions, &mut table).await?);
    table.goal(format!("p99 of every first page under {GOAL_MS} ms"), worst < GOAL_MS);
    table.note("an entry: an execution and its session, with labels; SQLite: growth of the file, Redis: of its resident memory");
    report.table(&table);
    Ok(())
}

async fn fill(bus: &Bus, executions: usize) -> anyhow::Result<()> {
    let mut publishing = Vec::new();
    for part in 0..8 {
        let bus = bus.clone();
        publishing.push(tokio::spawn(async move {
            let mut sent = Vec::new();
            for n in (part..executions).step_by(8) {
                let id = ExecutionId::generate();
                let source = Source {
                    session_id: Some(SessionId::new(id.as_str())?),
                    ..Source::execution(StreamId::new(format!("stream-{}", n % STREAMS))?, id, Clock::System)
                };
                let labels = [("team".to_owned(), (n % 1000).to_string())].into();
                let definition = Some("council".to_owned());
                sent.push(bus.record(source.event(Queued { definition, labels, ..Queued::default() })));
                if sent.len() == 500 {
                    futures_util::future::try_join_all(sent.drain(..)).await?;
                }
            }
            futures_util::future::try_join_all(sent).await?;
            anyhow::Ok(())
        }));
    }
    for part in publishing {
        part.await??;
    }
    Ok(())
}

async fn index(name: &str, bus: Bus) -> anyhow::Result<Directory> {
    progress(&format!("lists: the index on {name}"));
    let bounds = Bounds { max_entries: 10_000_000, keep: Duration::from_secs(3_600_000) };
    let directory = Directory::new(bus, Clock::System, bounds);
    directory.catch_up(Duration::from_secs(3600)).await?;
    ensure!(directory.standing().await?.is_complete, "the index on {name} is not complete");
    Ok(directory)
}

async fn pages(
    name: &str,
    directory: &Directory,
    bytes: u64,
    executions: usize,
    table: &mut Table,
) -> anyhow::Result<f64> {
    let all = Query { limit: 50, counts: true, ..Query::default() };
    let text = |text: &str| Some(text.to_owned());
    let cases = [
        ("all", all.clone()),
        ("one stream", Query { stream: text("stream-3"), ..all.clone() }),
        (
            "status and definition",
            Query { definition: text("council"), statuses: ["queued".to_owned()].into(), ..all.clone() },
        ),
        ("one label", Query { labels: ["team=7".parse()?].into(), ..all.clone() }),
        ("a text that nothing has", Query { text: text("nowhere"), ..all }),
    ];
    let mut worst: f64 = 0.0;
    for (case, query) in cases {
        let mut times = Vec::with_capacity(READS);
        for _ in 0..READS {
            let begun = Instant::now();
            directory.executions(&query, &Everything).await?;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied();
        worst = worst.max(at(99).unwrap_or(f64::INFINITY));
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let each = (case == "all").then(|| bytes as f64 / executions as f64);
        table.row(format!("{name}: {case}"), &[at(50), at(99), each]);
    }
    Ok(worst)
}

/// Bytes of the files of a folder.
fn size(folder: &std::path::Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
