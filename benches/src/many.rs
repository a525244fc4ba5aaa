//! Many executions at once: 2,000 that stream 20 tokens a second each, with one reader each, and the share of each
//! process in processor time.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use runbus::id::ExecutionId;
use runbus::log::Log;
use runbus::writer::{Start, Writer};
use serde_json::json;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::nats::Server;
use crate::process::{Child, Meter};
use crate::raw::{self, Raw};
use crate::report::{Report, Table, column, progress, say};
use crate::sample::{self, Execution, percentile};
use crate::{Setup, append, gateway, machine, receivers, relay};

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

/// The carrier of the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The messages that [`relay`] reads.
    Plain,
    /// Writers and a gateway.
    Runbus,
}

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
            column("ratio", 2),
        ],
    );
    let mut floors = Vec::new();
    let (mut goal, mut floor) = (f64::INFINITY, f64::INFINITY);
    for (executions, way, name) in [
        (count / 2, Way::Plain, "floor: half of them"),
        (count, Way::Plain, "floor: all"),
        (count / 10, Way::Runbus, "a tenth of them"),
        (count / 4, Way::Runbus, "a quarter of them"),
        (count / 2, Way::Runbus, "half of them"),
        (count * 3 / 4, Way::Runbus, "three quarters of them"),
        (count, Way::Runbus, "all"),
    ] {
        progress(&format!("many: {name}"));
        let (sorted, wall, cpu) = measure(setup, way, executions, each).await.context(name)?;
        let ms = |share: f64| percentile(&sorted, share) as f64 / 1000.0;
        let part = |n: usize| cpu.get(n).map(|cpu| 100.0 * cpu.as_secs_f64() / wall.as_secs_f64());
        let rate = (executions * each) as f64 / wall.as_secs_f64();
        let all = cpu.iter().sum::<Duration>().as_secs_f64() * 1e6 / (executions * each) as f64;
        match way {
            Way::Plain => {
                floors.push((executions, all));
                floor = ms(0.99);
            }
            Way::Runbus => goal = ms(0.99),
        }
        let same = floors.iter().find(|(others, _)| *others == executions);
        let ratio = same.map(|(_, floor)| all / floor);
        let [p50, p90, p99, most] = [0.5, 0.9, 0.99, 1.0].map(|share| Some(ms(share)));
        let row = [p50, p90, p99, most, Some(rate), part(2), part(1), part(3), part(0), Some(all), ratio];
        table.row(name, &row);
    }
    table.goal(
        format!("p99 under {GOAL_P99_MS} ms with all (the floor's: {floor:.0} ms)"),
        goal < GOAL_P99_MS,
    );
    table.note(
        "producers, nats-server, gateway and readers have a process each and share the machine's cores; ratio: processor time to the \
         floor's with as many executions",
    );
    table.note(
        "the floor is the least that stores each token as a message of its own and writes it to one socket: plain JetStream publishes, \
         no checks, and a relay that copies what is published again, with no order, history or protocol",
    );
    report.table(&table);
    Ok(())
}

async fn measure(
    setup: &Setup,
    way: Way,
    executions: usize,
    each: usize,
) -> anyhow::Result<(Vec<u64>, Duration, Vec<Duration>)> {
    let server = Server::start(setup).await?;
    let gateway = match way {
        Way::Plain => {
            let context = jetstream::new(async_nats::connect(&server.url).await?);
            append::like_ours(&server, &context, true).await?;
            Child::start(&["relay", "--nats", &server.url]).await?
        }
        Way::Runbus => gateway::start(&server).await?,
    };
    let address = match way {
        Way::Plain => gateway.ready.parse()?,
        Way::Runbus => raw::address(&gateway.ready)?,
    };
    let clients: Vec<TcpStream> = futures_util::stream::iter(0..executions)
        .map(|n| async move {
            if way == Way::Plain {
                return relay::connect(address, &Execution::named(id(n)?)).await;
            }
            let filter = json!({ "stream_id": sample::stream(), "execution_id": id(n)? });
            let subscribe = json!({ "type": "subscribe", "id": "a", "filter": filter, "coalesce": false });
            Ok(Raw::subscribe(address, "runbus.v1", &subscribe, None).await?.socket)
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let args = [executions.to_string(), each.to_string()];
    let mut args = vec!["produce", "--nats", &server.url, "--executions", &args[0], "--each", &args[1]];
    if way == Way::Plain {
        args.push("--plain");
    }
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
async fn receive(client: TcpStream, each: usize) -> anyhow::Result<Vec<u64>> {
    let mut ages = Vec::with_capacity(each);
    receivers::ages(client, |age| {
        ages.push(age);
        ages.len() < each
    })
    .await?;
    Ok(ages.split_off(WARM_UP))
}

/// The producers' process: says when it begins, and stays until it is not needed any more.
pub(crate) async fn produce(nats: &str, executions: usize, each: usize, plain: bool) -> anyhow::Result<()> {
    let period = Duration::from_secs(1) / u32::try_from(PER_SECOND)?;
    if plain {
        let executions = (0..executions).map(|n| Ok(Execution::named(id(n)?)));
        return relay::produce(nats, executions.collect::<anyhow::Result<_>>()?, each, period).await;
    }
    let nats = append::connect(nats, append::SHARDS).await?;
    say("ready");
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
