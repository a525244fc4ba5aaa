//! Publishing through a gateway: single events pipelined on one connection, single events of 64 connections that wait for each
//! answer, batches; beside plain pipelined JetStream publishes of the same bytes. On the embedded backend beside a bare file.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_nats::jetstream;
use bytes::Bytes;
use runbus::event::Event;
use runbus::id::ExecutionId;
use runbus::log::{Direction, Log, Read, Sequence};
use runbus::subject::{Lane, Scope, Shard};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::nats::Server;
use crate::process::{Child, cpu};
use crate::raw::{Finder, Raw};
use crate::report::{Report, Table, column, progress};
use crate::{Setup, append, embedded, gateway, raw, sample};

/// Bytes of an event's own text.
const TEXT_BYTES: usize = 160;

/// Commands of a pipelined client that are not answered.
const IN_FLIGHT: usize = 512;

/// Connections that wait for each answer.
const CONNECTIONS: usize = 64;

/// Events of a batch: a message of at most 64 KiB.
const BATCH: usize = 200;

/// Batches of a client that are not answered.
const BATCHES_IN_FLIGHT: usize = 8;

/// Unacknowledged messages of the plain publisher.
const PLAIN_IN_FLIGHT: usize = 4096;

/// How much more than the plain publish a single event may take.
const GOAL_RATIO: f64 = 2.0;

/// Events a second of a pipelined connection.
const GOAL_RATE: f64 = 40_000.0;

/// Microseconds of processor time of an event of a batch.
const GOAL_BATCH_US: f64 = 12.0;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// The compared ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// JetStream alone.
    Plain,
    /// One connection; `ids`: each event has an id of its publisher's.
    Pipelined {
        ids: bool,
    },
    Waiting,
    Batches {
        ids: bool,
    },
}

const WAYS: [Way; 6] = [
    Way::Plain,
    Way::Pipelined { ids: false },
    Way::Pipelined { ids: true },
    Way::Waiting,
    Way::Batches { ids: false },
    Way::Batches { ids: true },
];

impl Way {
    fn name(self) -> String {
        let whose = |ids| if ids { ", ids of the publisher" } else { "" };
        match self {
            Self::Plain => "baseline: JetStream publish, pipelined".into(),
            Self::Pipelined { ids } => format!("gateway, one connection, pipelined{}", whose(ids)),
            Self::Waiting => format!("gateway, {CONNECTIONS} connections, each answer awaited"),
            Self::Batches { ids } => format!("gateway, one connection, batches of {BATCH}{}", whose(ids)),
        }
    }
}

/// The cost of an event.
#[derive(Debug, Clone, Copy)]
struct Cost {
    rate: f64,
    /// Microseconds of an event: of the gateway, or the plain publisher; of the broker.
    own_us: f64,
    server_us: Option<f64>,
}

impl Cost {
    fn us(&self) -> f64 {
        self.own_us + self.server_us.unwrap_or_default()
    }
}

fn median(mut runs: Vec<Cost>) -> anyhow::Result<Cost> {
    runs.sort_by(|a, b| a.us().total_cmp(&b.us()));
    runs.get(runs.len() / 2).copied().context("nothing was measured")
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let rounds = setup.scaled(3, 1);
    let events = setup.scaled(150_000, 6_000);
    let mut runs = vec![Vec::new(); WAYS.len()];
    // In turns, so that other load of the machine disturbs all alike.
    for round in 1..=rounds {
        for (way, runs) in WAYS.iter().zip(&mut runs) {
            progress(&format!("publish: {}, round {round} of {rounds}", way.name()));
            runs.push(on_nats(setup, *way, events).await.with_context(|| way.name())?);
        }
    }
    let found: Vec<Cost> = runs.into_iter().map(median).collect::<anyhow::Result<_>>()?;
    let mut table = Table::new(
        format!("Publish: one nats-server and a gateway ({TEXT_BYTES} bytes of text an event)"),
        &[
            column("events/s", 0),
            column("CPU us/event", 2),
            column("ratio", 2),
            column("gateway CPU us/event", 2),
            column("server CPU us/event", 2),
        ],
    );
    let plain = found[0].us();
    for (way, cost) in WAYS.iter().zip(&found) {
        let own = (*way != Way::Plain).then_some(cost.own_us);
        table.row(
            way.name(),
            &[Some(cost.rate), Some(cost.us()), Some(cost.us() / plain), own, cost.server_us],
        );
    }
    let of = |wanted: Way| WAYS.iter().zip(&found).find(|(way, _)| **way == wanted).map(|(_, cost)| *cost);
    let (single, batches) = (of(Way::Pipelined { ids: false }), of(Way::Batches { ids: false }));
    let (single, batches) = single.zip(batches).context("nothing was measured")?;
    table.goal(
        format!("single events: at most {GOAL_RATIO} times the plain publish ({:.2})", single.us() / plain),
        single.us() <= GOAL_RATIO * plain,
    );
    table.goal(
        format!("single events, pipelined on one connection: at least {GOAL_RATE:.0} a second, in order"),
        single.rate >= GOAL_RATE,
    );
    table.goal(
        format!("batches of {BATCH}: at most {GOAL_BATCH_US} us an event ({:.1})", batches.us()),
        batches.us() <= GOAL_BATCH_US,
    );
    table.note(format!(
        "median of {rounds} runs of {events} events of one execution, each on a fresh server; CPU is that of nats-server and the \
         gateway, without the client's; of the baseline that of nats-server and the publisher"
    ));
    table
        .note("the log is read after each run: every event is there once, in the order in which it was sent");
    report.table(&table);
    on_a_file(setup, report, events, rounds).await
}

/// The commands of a client, ready to be written, and the bytes of the event lines.
struct Commands {
    frames: VecDeque<Bytes>,
}

impl Commands {
    /// Commands with `each` events numbered from `first`.
    fn new(first: usize, events: usize, each: usize, ids: bool) -> anyhow::Result<Self> {
        let mut frames = VecDeque::with_capacity(events / each);
        for at in (first..first + events).step_by(each) {
            let drafts: Vec<_> = (at..at + each).map(|n| draft(n, ids)).collect();
            let command = json!({ "type": "publish", "id": at.to_string(), "events": drafts });
            frames.push_back(raw::masked("runbus.v1", &command)?.into());
        }
        Ok(Self { frames })
    }
}

fn execution() -> ExecutionId {
    ExecutionId::new("published").expect("a plain word is an id")
}

fn draft(n: usize, ids: bool) -> serde_json::Value {
    let mut draft = json!({
        "type": "custom",
        "stream_id": sample::stream(),
        "execution_id": execution(),
        "data": { "n": n, "text": "x".repeat(TEXT_BYTES) },
    });
    if ids {
        draft["id"] = json!(runbus::id::EventId::generate());
    }
    draft
}

async fn on_nats(setup: &Setup, way: Way, events: usize) -> anyhow::Result<Cost> {
    let server = Server::start(setup).await?;
    if way == Way::Plain {
        return plain(&server, events).await;
    }
    let gateway = gateway::start(&server).await?;
    let pids = [gateway.pid()?, server.pid()?];
    let cost = measure(&gateway, &pids, way, events).await?;
    let log = append::connect(&server.url, append::SHARDS).await?.log();
    check_order(&log, way, events).await?;
    Ok(cost)
}

async fn plain(server: &Server, events: usize) -> anyhow::Result<Cost> {
    let client = async_nats::connect(&server.url).await?;
    let context = jetstream::context::ContextBuilder::new().max_ack_inflight(PLAIN_IN_FLIGHT).build(client);
    append::like_ours(server, &context, true).await?;
    let subject = append::plain_subject(&sample::Execution::named(execution()));
    let drafts = (0..events).map(|n| runbus::json::from_value::<runbus::event::Draft>(draft(n, false)));
    let now = runbus::time::Clock::System.now();
    let lines = drafts.map(|draft| Ok(draft?.into_event(now).encode()?));
    let lines: Vec<Bytes> = lines.collect::<anyhow::Result<_>>()?;
    let pids = [std::process::id(), server.pid()?];
    let before = times(&pids)?;
    let begun = Instant::now();
    let (sender, mut sent) = tokio::sync::mpsc::channel(PLAIN_IN_FLIGHT);
    let acknowledged = tokio::spawn(async move {
        while let Some(ack) = sent.recv().await {
            let ack: jetstream::context::PublishAckFuture = ack;
            ack.await?;
        }
        anyhow::Ok(())
    });
    for line in lines {
        sender.send(context.publish(subject.clone(), line).await?).await?;
    }
    drop(sender);
    acknowledged.await??;
    cost(&pids, &before, begun, events)
}

fn times(pids: &[u32]) -> anyhow::Result<Vec<Duration>> {
    pids.iter().map(|pid| cpu(*pid)).collect()
}

fn cost(pids: &[u32], before: &[Duration], begun: Instant, events: usize) -> anyhow::Result<Cost> {
    let wall = begun.elapsed();
    let used = times(pids)?.into_iter().zip(before).map(|(now, before)| now.saturating_sub(*before));
    let mut us = used.map(|time| time.as_secs_f64() * 1e6 / events as f64);
    let own_us = us.next().context("no process")?;
    Ok(Cost { rate: events as f64 / wall.as_secs_f64(), own_us, server_us: us.next() })
}

async fn measure(gateway: &Child, pids: &[u32], way: Way, events: usize) -> anyhow::Result<Cost> {
    let address = raw::address(&gateway.ready)?;
    let (clients, each, window, ids) = match way {
        Way::Plain => anyhow::bail!("it has no gateway"),
        Way::Pipelined { ids } => (1, 1, IN_FLIGHT, ids),
        Way::Waiting => (CONNECTIONS, 1, 1, false),
        Way::Batches { ids } => (1, BATCH, BATCHES_IN_FLIGHT, ids),
    };
    let share = events / clients / each * each;
    let mut ready = Vec::new();
    for client in 0..clients {
        let socket = Raw::connect(address, "runbus.v1").await?.socket;
        ready.push((socket, Commands::new(client * share, share, each, ids)?));
    }
    let before = times(pids)?;
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (socket, commands) in ready {
        tasks.spawn(publish(socket, commands, window));
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    cost(pids, &before, begun, share * clients)
}

/// Sends all commands, `window` of them unanswered.
async fn publish(mut socket: TcpStream, commands: Commands, window: usize) -> anyhow::Result<()> {
    let mut frames = commands.frames;
    let (mut answers, mut faults) = (Finder::new(b"\"ok"), Finder::new(b"\"err"));
    let (mut unanswered, mut buffer, mut out) = (0, vec![0; 64 * 1024], Vec::new());
    loop {
        while unanswered < window
            && let Some(frame) = frames.pop_front()
        {
            out.extend_from_slice(&frame);
            unanswered += 1;
        }
        if unanswered == 0 {
            return Ok(());
        }
        socket.write_all(&out).await?;
        out.clear();
        let read = tokio::time::timeout(PATIENCE, socket.read(&mut buffer)).await.context("no answer")??;
        ensure!(read > 0, "the gateway closed");
        let text = &buffer[..read];
        ensure!(faults.count(text) == 0, "refused: {}", String::from_utf8_lossy(text));
        unanswered -= answers.count(text);
    }
}

/// Whether all events are in the log once, those of each client in its order.
async fn check_order(log: &Arc<impl Log + ?Sized>, way: Way, events: usize) -> anyhow::Result<()> {
    let scope = Scope::Events { stream: Some(sample::stream()), node: None, execution: Some(execution()) };
    let shards: Vec<Shard> = scope.shards(&log.layout());
    let mut numbers = Vec::with_capacity(events);
    for shard in shards {
        let mut read = Read {
            scope: scope.clone(),
            shard,
            from: Sequence(0),
            direction: Direction::Forward,
            max_frames: runbus::limits::PAGE_FRAMES,
            max_bytes: runbus::limits::PAGE_BYTES,
        };
        loop {
            let page = log.read(&read).await?;
            for stored in &page.frames {
                for line in stored.frame.lines() {
                    let event = Event::decode(&line)?;
                    let data: serde_json::Value = serde_json::from_str(event.data.get())?;
                    numbers.push(data["n"].as_u64().context("an event without its number")?);
                }
                read.from = stored.sequence.next();
            }
            if page.done {
                break;
            }
        }
    }
    let clients = if way == Way::Waiting { CONNECTIONS } else { 1 };
    let each = if let Way::Batches { .. } = way { BATCH } else { 1 };
    let share = (events / clients / each * each) as u64;
    ensure!(numbers.len() as u64 == share * clients as u64, "{} events are stored", numbers.len());
    for client in 0..clients as u64 {
        let own = client * share..(client + 1) * share;
        let found = numbers.iter().copied().filter(|n| own.contains(n));
        ensure!(found.eq(own.clone()), "events of one connection are not in its order");
    }
    Ok(())
}

/// The same on the embedded backend, whose commits are on the disk.
async fn on_a_file(setup: &Setup, report: &mut Report, events: usize, rounds: usize) -> anyhow::Result<()> {
    let ways = [
        Way::Pipelined { ids: false },
        Way::Pipelined { ids: true },
        Way::Waiting,
        Way::Batches { ids: false },
    ];
    let mut runs = vec![Vec::new(); ways.len() + 1];
    for round in 1..=rounds {
        progress(&format!("publish: a file, round {round} of {rounds}"));
        let folder = setup.folder()?;
        runs[0].push(file(&folder.path().join("lines"), events)?);
        for (n, way) in ways.iter().enumerate() {
            progress(&format!("publish, embedded: {}, round {round} of {rounds}", way.name()));
            runs[n + 1].push(on_embedded(&folder.path().join(n.to_string()), *way, events).await?);
        }
    }
    let found: Vec<Cost> = runs.into_iter().map(median).collect::<anyhow::Result<_>>()?;
    let mut table = Table::new(
        format!(
            "Publish: a gateway on the embedded backend, each commit synced ({TEXT_BYTES} bytes of text an event)"
        ),
        &[column("events/s", 0), column("CPU us/event", 2), column("ratio", 2)],
    );
    let floor = found[0].rate;
    let names = ways.iter().map(|way| way.name());
    let names = std::iter::once(format!("baseline: file, fdatasync every {IN_FLIGHT}")).chain(names);
    for (name, cost) in names.zip(&found) {
        table.row(name, &[Some(cost.rate), Some(cost.us()), Some(cost.rate / floor)]);
    }
    table.goal(
        format!("pipelined on one connection: at least {GOAL_RATE:.0} a second, in order"),
        found[1].rate >= GOAL_RATE,
    );
    table.note("CPU is that of the gateway, which holds the log; the ratio is of events a second");
    report.table(&table);
    Ok(())
}

async fn on_embedded(dir: &Path, way: Way, events: usize) -> anyhow::Result<Cost> {
    let folder = dir.to_str().context("the folder's name is no text")?;
    let gateway = Child::start(&["gateway", "--dir", folder]).await?;
    let cost = measure(&gateway, &[gateway.pid()?], way, events).await?;
    gateway.kill().await?;
    let log = embedded::open(dir)?.log;
    let bounds = log.bounds(Lane::Events, Shard(0)).await?;
    ensure!(bounds.frames > 0, "nothing is stored");
    check_order(&log, way, events).await?;
    Ok(cost)
}

fn file(path: &Path, events: usize) -> anyhow::Result<Cost> {
    use std::io::Write as _;
    let mut lines = Vec::new();
    for n in 0..IN_FLIGHT {
        lines.extend_from_slice(draft(n, true).to_string().as_bytes());
        lines.push(b'\n');
    }
    let mut file = std::fs::File::create_new(path)?;
    let pids = [std::process::id()];
    let before = times(&pids)?;
    let begun = Instant::now();
    for _ in 0..events / IN_FLIGHT {
        file.write_all(&lines)?;
        file.sync_data()?;
    }
    cost(&pids, &before, begun, events / IN_FLIGHT * IN_FLIGHT)
}
