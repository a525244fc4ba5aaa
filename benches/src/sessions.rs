//! Steps of sessions a second: agents that call a trivial tool round after round, beside the appends that a step consists
//! of at the least.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use runbus::control::Control;
use runbus::control::StartRequest as Request;
use runbus::id::{ExecutionId, SessionId};
use runbus::log::{Expect, Frame, Log};
use runbus::subject::{Lane, Topic};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Setup;
use crate::counted::Calls;
use crate::ports::{Ports, Servers};
use crate::process::Meter;
use crate::report::{Report, Table, column, progress};
use crate::sample::{self, Execution};
use crate::worker::{self, Options, STEPS};

/// Sessions at work at the same time, and how many there are in all.
const SIZES: [(usize, usize, usize); 3] = [(1, 30, 4), (16, 160, 16), (256, 512, 256)];

/// Rounds of each session with a call; one more ends it.
const ROUNDS: u32 = 20;

/// Starts at the same time, before the clock runs.
const STARTS: usize = 64;

/// How often it is looked whether all are done.
const LOOK: Duration = Duration::from_millis(2);

/// Longest time for one measurement.
const LONGEST: Duration = Duration::from_secs(600);

/// The cost of a number of steps.
#[derive(Debug, Default, Clone)]
struct Cost {
    steps: u64,
    wall: Duration,
    /// Processor time of this process, then of the servers.
    cpu: Vec<Duration>,
    /// Appends, reads, projections kept, other calls of the store.
    calls: [u64; 4],
}

impl Cost {
    fn rate(&self) -> f64 {
        self.steps as f64 / self.wall.as_secs_f64()
    }

    fn cpu_us(&self, process: usize) -> Option<f64> {
        Some(self.cpu.get(process)?.as_secs_f64() * 1e6 / self.steps as f64)
    }

    fn cells(&self, floor: Option<&Self>) -> Vec<Option<f64>> {
        let each = |calls: u64| Some(calls as f64 / self.steps as f64);
        let own = self.cpu_us(0).unwrap_or_default();
        let floor_rate = floor.map_or_else(|| self.rate(), Self::rate);
        let floor_cpu = floor.and_then(|floor| floor.cpu_us(0)).unwrap_or(own);
        let servers = self.cpu.iter().skip(1).map(Duration::as_secs_f64).sum::<f64>();
        vec![
            Some(self.rate()),
            Some(self.rate() / floor_rate),
            Some(1e6 / own),
            Some(own),
            Some(own / floor_cpu),
            (self.cpu.len() > 1).then_some(servers * 1e6 / self.steps as f64),
            each(self.calls[0]),
            each(self.calls[1]),
            each(self.calls[2]),
            each(self.calls[3]),
        ]
    }
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let mut table = Table::new(
        format!("Sessions: steps a second, {ROUNDS} rounds with one tool call each"),
        &[
            column("steps/s", 0),
            column("ratio", 2),
            column("steps/CPU s", 0),
            column("CPU us/step", 0),
            column("CPU ratio", 2),
            column("servers' CPU us/step", 0),
            column("appends/step", 2),
            column("reads/step", 2),
            column("kept/step", 2),
            column("other store calls/step", 2),
        ],
    );
    for brokers in [false, true] {
        for (concurrency, full, quick) in SIZES {
            let sessions = setup.scaled(full, quick);
            let name = if brokers { "NATS and Redis" } else { "embedded" };
            progress(&format!("sessions: {concurrency} at a time, {name}"));
            let (floor, found) = both(setup, brokers, concurrency, sessions).await.context(name)?;
            table.row(format!("baseline: appends, {name}, {concurrency} at a time"), &floor.cells(None));
            table.row(format!("sessions, {name}, {concurrency} at a time"), &found.cells(Some(&floor)));
        }
    }
    table.note(
        "a step is a journalled fact: a turn, a tool's begin, its result, a begin or an end; one session in all has about \
         three a round",
    );
    table.note(
        "the baseline appends a journal entry and an event for each step, each awaited, with compare-and-set, by as many \
         tasks; ratio: steps/s to it, CPU ratio: processor time to it; the worker's process alone, its model and tool included",
    );
    report.table(&table);
    Ok(())
}

/// The baseline with as many steps as the sessions had, and the sessions; each on fresh backends.
async fn both(
    setup: &Setup,
    brokers: bool,
    concurrency: usize,
    sessions: usize,
) -> anyhow::Result<(Cost, Cost)> {
    let mut costs = Vec::new();
    for baseline in [false, true] {
        let folder = setup.folder()?;
        let servers = if brokers { Some(Servers::start(setup).await?) } else { None };
        let (ports, pids) = match &servers {
            Some(servers) => (servers.ports(None).await?, servers.pids()?.to_vec()),
            None => (Ports::embedded(&folder.path().join("data"))?, Vec::new()),
        };
        let measured = async {
            match costs.first().map(|found: &Cost| found.steps) {
                Some(steps) if baseline => appends(&ports.log, concurrency, steps, &pids).await,
                _ => steps(&ports, concurrency, sessions, &pids).await,
            }
        };
        costs.push(tokio::time::timeout(LONGEST, measured).await.context("it takes too long")??);
    }
    let [found, floor] = costs.try_into().ok().context("both were measured")?;
    Ok((floor, found))
}

/// Sessions that wait, then a worker.
async fn steps(ports: &Ports, concurrency: usize, sessions: usize, others: &[u32]) -> anyhow::Result<Cost> {
    let ids = start(&ports.control(), STEPS, sessions).await?;
    let calls = Arc::new(Calls::default());
    let counted = ports.counted(&calls);
    let options = Options { concurrency: Some(concurrency), rounds: ROUNDS, ..Options::default() };
    let (worker, _name) = worker::build(&counted, &options)?;
    let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
    let _end = cut.clone().drop_guard();
    let meter = Meter::start(others)?;
    let running = tokio::spawn(worker.run(drain.clone(), cut));
    let journals = |log: Arc<dyn Log>| async move {
        let mut frames = 0;
        for shard in log.layout().all() {
            frames += log.bounds(Lane::Journal, shard).await?.frames;
        }
        anyhow::Ok(frames)
    };
    // Looked at only when it must be near the end: looking costs too.
    let expected = sessions as u64 * 3 * u64::from(ROUNDS);
    while journals(ports.log.clone()).await? < expected {
        tokio::time::sleep(LOOK * 25).await;
    }
    for (execution, _) in &ids {
        while !ports.control().status(execution).await?.is_some_and(|known| known.status.is_terminal()) {
            tokio::time::sleep(LOOK).await;
        }
    }
    drain.cancel();
    running.await?;
    let (wall, cpu) = meter.stop()?;
    let calls = calls.read();
    let mut steps = 0;
    for (execution, session) in ids {
        let state = ports.control().state(&session).await?.context("a session has a journal")?;
        let known = ports.control().status(&execution).await?.context("an execution has a status")?;
        ensure!(known.status == runbus::execution::Status::Completed, "{execution} ended as {known:?}");
        steps += state.entries;
    }
    Ok(Cost { steps, wall, cpu, calls })
}

/// Starts executions of an agent, in a session of its own each.
pub(crate) async fn start(
    control: &Control,
    agent: &str,
    count: usize,
) -> anyhow::Result<Vec<(ExecutionId, SessionId)>> {
    futures_util::stream::iter(0..count)
        .map(|_| async {
            let started = control.start(Request::new(agent, "Go on.")).await?;
            anyhow::Ok((started.execution_id, started.session_id))
        })
        .buffer_unordered(STARTS)
        .try_collect()
        .await
}

/// The minimal appends of a step.
async fn appends(log: &Arc<dyn Log>, tasks: usize, steps: u64, others: &[u32]) -> anyhow::Result<Cost> {
    let each = steps / tasks as u64;
    let meter = Meter::start(others)?;
    let mut running = JoinSet::new();
    for _ in 0..tasks {
        let log = log.clone();
        running.spawn(async move {
            let mut execution = Execution::new();
            let journal = Topic::Journal(SessionId::generate());
            let events = Topic::Events {
                stream: sample::stream(),
                node: Some(sample::node()),
                execution: Some(execution.id.clone()),
            };
            let mut ends = [None, None];
            for n in 0..each {
                for (topic, end) in [&journal, &events].into_iter().zip(&mut ends) {
                    let frame = Frame::owned(1, n, n + 1, &[execution.line()?]);
                    *end = Some(log.append(topic, &frame, Expect::Last(*end)).await?);
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    let (wall, cpu) = meter.stop()?;
    let steps = each * tasks as u64;
    Ok(Cost { steps, wall, cpu, calls: [2 * steps, 0, 0, 0] })
}
