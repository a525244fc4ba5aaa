//! Memory of sessions: parked ones, which wait for a person, and running ones, which wait for the model.

use std::time::Duration;

use anyhow::Context as _;
use runbus::execution::Status;
use runbus::id::{ExecutionId, SessionId};
use runbus::subject::Lane;

use crate::Setup;
use crate::idle::settled;
use crate::ports::{Ports, Servers};
use crate::process::rss_kib;
use crate::report::{Report, Table, column, progress};
use crate::sessions::start;
use crate::worker::{self, MUMBLES, Options, SIGNS};

/// KiB of a worker's resident memory that a running session is to stay below.
const GOAL_KIB: f64 = 64.0;

/// The model's time for a token, in milliseconds: the sessions wait nearly always.
const PACE_MS: u64 = 10_000;

/// How often it is looked whether a session is where it should be.
const LOOK: Duration = Duration::from_millis(20);

/// Longest time until all sessions are where they should be.
const LONGEST: Duration = Duration::from_secs(600);

/// A sample of the processes: KiB of the worker, the broker and the store, and bytes of the log.
#[derive(Debug, Clone, Copy)]
struct Moment {
    worker: f64,
    broker: u64,
    store: u64,
    log: u64,
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let mut table = Table::new(
        "Sessions: memory of one worker",
        &[
            column("KiB/session", 2),
            column("RSS before, MiB", 1),
            column("RSS after, MiB", 1),
            column("KiB/session, nats-server", 2),
            column("KiB/session, Redis", 2),
            column("bytes of log/session", 0),
        ],
    );
    let few = setup.scaled(1000, 100);
    progress(&format!("memory: {few} parked sessions"));
    let servers = Servers::start(setup).await?;
    let process = worker::start(&servers.nats.url, &servers.redis.url, &Options::default()).await?;
    let ports = servers.ports(None).await?;
    let look = async || look(&ports, &servers, process.pid()?).await;
    // One, so that one-time allocations are made.
    park(&ports, 1).await?;
    let mut before = look().await?;
    for (count, name) in
        [(few, "parked"), (few, "parked, as many more"), (setup.scaled(10_000, 100), "parked, in addition")]
    {
        progress(&format!("memory: {count} {name}"));
        park(&ports, count).await?;
        let after = look().await?;
        row(&mut table, &format!("{count} sessions {name}"), count, before, after);
        before = after;
    }
    drop(process);
    progress(&format!("memory: {few} running sessions"));
    let servers = Servers::start(setup).await?;
    let options = Options { concurrency: Some(few + 1), pace_ms: PACE_MS, ..Options::default() };
    let process = worker::start(&servers.nats.url, &servers.redis.url, &options).await?;
    let ports = servers.ports(None).await?;
    let begin =
        async |count| wait(&ports, &start(&ports.control(), MUMBLES, count).await?, Status::Running).await;
    begin(1).await?;
    let before = self::look(&ports, &servers, process.pid()?).await?;
    begin(few).await?;
    let after = self::look(&ports, &servers, process.pid()?).await?;
    let each =
        row(&mut table, &format!("{few} sessions running, each in a call of the model"), few, before, after);
    table.goal(format!("a running session takes at most {GOAL_KIB} KiB of the worker"), each <= GOAL_KIB);
    table.note(
        "resident memory once it stands still, one session each before; the default of 16 at a time for parked ones, whose only \
         call waits for an approval; of Redis without its connections' buffers as of the rest, all that the process holds",
    );
    table.note("the allocator keeps the memory after the first thousand, and uses it again");
    report.table(&table);
    Ok(())
}

fn row(table: &mut Table, name: &str, count: usize, before: Moment, after: Moment) -> f64 {
    let count = count as f64;
    let each = (after.worker - before.worker) / count;
    let grown = |before: u64, after: u64| (after as f64 - before as f64) / count;
    table.row(
        name,
        &[
            Some(each),
            Some(before.worker / 1024.0),
            Some(after.worker / 1024.0),
            Some(grown(before.broker, after.broker)),
            Some(grown(before.store, after.store)),
            Some(grown(before.log, after.log)),
        ],
    );
    each
}

async fn look(ports: &Ports, servers: &Servers, worker: u32) -> anyhow::Result<Moment> {
    let worker = settled(worker).await?;
    let mut log = 0;
    for lane in Lane::ALL {
        for shard in ports.log.layout().all() {
            log += ports.log.bounds(lane, shard).await?.bytes;
        }
    }
    let [broker, store] = servers.pids()?;
    Ok(Moment { worker, broker: rss_kib(broker)?, store: rss_kib(store)?, log })
}

async fn park(ports: &Ports, count: usize) -> anyhow::Result<()> {
    let sessions = start(&ports.control(), SIGNS, count).await?;
    wait(ports, &sessions, Status::WaitingForApproval).await
}

/// Waits until every execution is in a state.
async fn wait(ports: &Ports, all: &[(ExecutionId, SessionId)], wanted: Status) -> anyhow::Result<()> {
    let control = ports.control();
    let every = async {
        for (execution, _) in all {
            while control.status(execution).await?.is_none_or(|known| known.status != wanted) {
                tokio::time::sleep(LOOK).await;
            }
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(LONGEST, every).await.context("the sessions do not get there")?
}
