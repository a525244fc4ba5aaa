//! Many executions at once: 2,000 that stream 20 tokens a second each, with one reader each, and who has what of the
//! processor.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use runbus::id::ExecutionId;
use runbus::log::Log;
use runbus::writer::{Start, Writer};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::nats::Server;
use crate::process::{Child, Meter};
use crate::raw::{self, Raw};
use crate::report::{Report, Table, column, progress, say};
use crate::sample::{self, Execution, percentile};
use crate::{Setup, append, gateway, machine, receivers};

/// Milliseconds that the p99 is to stay below.
const GOAL_P99_MS: f64 = 20.0;

/// Tokens of an execution a second.
const PER_SECOND: usize = 20;

/// Tokens of each execution that are not counted.
const WARM_UP: usize = 2 * PER_SECOND;

/// Handshakes at the same time.
const AT_ONCE: usize = 64;

/// Descriptors that this process needs beside its connections.
const SPARE_FILES: usize = 200;

/// Longest wait for the last token.
const PATIENCE: Duration = Duration::from_secs(60);

/// The execution with this number.
fn id(n: usize) -> anyhow::Result<ExecutionId> {
    Ok(ExecutionId::new(format!("many-{n}"))?)
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let count = setup.scaled(2000, 100).min(machine::open_files()?.saturating_sub(SPARE_FILES));
    let each = WARM_UP + setup.scaled(20, 3) * PER_SECOND;
    let mut table = Table::new(
        format!("{count} executions at once, {PER_SECOND} tokens/s each, one WebSocket client each"),
        &[
            column("p50, ms", 2),
            column("p90, ms", 2),
            column("p99, ms", 2),
            column("highest, ms", 2),
            column("events/s", 0),
            column("gateway, % of a core", 0),
            column("nats-server, %", 0),
            column("producers, %", 0),
            column("readers, %", 0),
            column("CPU us/event, all", 1),
        ],
    );
    let mut goal = f64::INFINITY;
    // The baseline is a tenth of the load: what is more there is queueing for the machine's cores.
    for (executions, name) in [
        (count / 10, "baseline: a tenth of them"),
        (count / 4, "a quarter of them"),
        (count / 2, "half of them"),
        (count * 3 / 4, "three quarters of them"),
        (count, "all"),
    ] {
        progress(&format!("many: {executions} executions"));
        let (sorted, wall, cpu) = measure(setup, executions, each).await?;
        let ms = |share: f64| Some(percentile(&sorted, share) as f64 / 1000.0);
        let part = |n: usize| cpu.get(n).map(|cpu| 100.0 * cpu.as_secs_f64() / wall.as_secs_f64());
        let rate = (executions * each) as f64 / wall.as_secs_f64();
        let all = cpu.iter().sum::<Duration>().as_secs_f64() * 1e6 / (executions * each) as f64;
        let row =
            [ms(0.5), ms(0.9), ms(0.99), ms(1.0), Some(rate), part(2), part(1), part(3), part(0), Some(all)];
        table.row(name, &row);
        goal = percentile(&sorted, 0.99) as f64 / 1000.0;
    }
    table.goal(format!("p99 under {GOAL_P99_MS} ms with all"), goal < GOAL_P99_MS);
    table.note(
        "producers, nats-server, gateway and readers have a process each and share the machine's cores",
    );
    report.table(&table);
    Ok(())
}

async fn measure(
    setup: &Setup,
    executions: usize,
    each: usize,
) -> anyhow::Result<(Vec<u64>, Duration, Vec<Duration>)> {
    let server = Server::start(setup).await?;
    let gateway = gateway::start(&server).await?;
    let address = raw::address(&gateway.ready)?;
    let clients: Vec<Raw> = futures_util::stream::iter(0..executions)
        .map(|n| async move {
            let filter = json!({ "stream_id": sample::stream(), "execution_id": id(n)? });
            let subscribe = json!({ "type": "subscribe", "id": "a", "filter": filter, "coalesce": false });
            Raw::subscribe(address, "runbus.v1", &subscribe, None).await
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let args = [executions.to_string(), each.to_string()];
    let args = ["produce", "--nats", &server.url, "--executions", &args[0], "--each", &args[1]];
    let producers = Child::start(&args).await?;
    let meter = Meter::start(&[server.pid()?, gateway.pid()?, producers.pid()?])?;
    let mut readers = JoinSet::new();
    let longest = Duration::from_secs(u64::try_from(each / PER_SECOND)?) + PATIENCE;
    for client in clients {
        readers.spawn(tokio::time::timeout(longest, receive(client, each)));
    }
    let mut sorted = Vec::new();
    while let Some(done) = readers.join_next().await {
        sorted.extend(done?.context("events are missing")??);
    }
    let (wall, cpu) = meter.stop()?;
    sorted.sort_unstable();
    Ok((sorted, wall, cpu))
}

/// How old each event is when it comes, in microseconds, without those that warm up.
async fn receive(client: Raw, each: usize) -> anyhow::Result<Vec<u64>> {
    let mut ages = Vec::with_capacity(each);
    receivers::ages(client.socket, |age| {
        ages.push(age);
        ages.len() < each
    })
    .await?;
    Ok(ages.split_off(WARM_UP))
}

/// The producers' process: says when it begins, and stays until it is not needed any more.
pub(crate) async fn produce(nats: &str, executions: usize, each: usize) -> anyhow::Result<()> {
    let nats = append::connect(nats, append::SHARDS).await?;
    say("ready");
    let period = Duration::from_secs(1) / u32::try_from(PER_SECOND)?;
    let (begin, all) = (Instant::now() + period, u32::try_from(executions)?);
    let mut tasks = JoinSet::new();
    for (n, name) in (0..all).zip(0..executions) {
        let log: Arc<dyn Log> = nats.log();
        let mut execution = Execution::named(id(name)?);
        tasks.spawn(async move {
            let start = Start { epoch: 1, ..Start::default() };
            let stop = CancellationToken::new();
            let writer = Writer::open(log, sample::stream(), execution.id.clone(), start, stop);
            // Spread evenly: independent models do not tick together.
            let mut ticks = interval_at(begin + period * n / all, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for _ in 0..each {
                ticks.tick().await;
                drop(writer.append(Some(sample::node()), vec![execution.line()?], None).await?);
            }
            anyhow::Ok(writer)
        });
    }
    // Writers that are dropped may not have written everything.
    let mut writers = Vec::new();
    while let Some(done) = tasks.join_next().await {
        writers.push(done??);
    }
    std::future::pending().await
}
