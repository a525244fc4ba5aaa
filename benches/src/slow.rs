//! Slow readers: 5,000 readers of which half read 1 KiB a second. Memory that the gateway holds for them, and the effect on
//! the others.

use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use runbus::bus::Bus;
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Source};
use runbus::id::ExecutionId;
use runbus::time::Clock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;

use crate::gateway::Limits;
use crate::idle::settled;
use crate::nats::Server;
use crate::process::{Child, rss_kib};
use crate::raw::Raw;
use crate::receivers;
use crate::report::{Report, Table, column, progress};
use crate::sample::{self, median, percentile};
use crate::{Setup, append, embedded, gateway, machine, raw};

/// Readers, half of them slow.
const READERS: usize = 5000;
const EXECUTIONS: usize = 50;
/// Bytes of text in an event, and events of an execution a second: sixteen times what a slow reader takes.
const TEXT: usize = 4000;
const PER_SECOND: u32 = 4;
/// The read rate of a slow reader, in bytes a second.
const SLOW_BYTES: usize = 1024;
/// The receive buffer of its socket, in bytes.
const SLOW_BUFFER: u32 = 4096;
/// Handshakes at the same time.
const AT_ONCE: usize = 64;
/// The allowed slowdown of the fast readers, as a ratio of the same percentile without slow ones, and the noise floor, in
/// microseconds.
const GOAL_RATIO: f64 = 1.5;
const NOISE_US: f64 = 2_000.0;
/// How often each is measured, in turns.
const TURNS: usize = 3;
/// Descriptors beside the connections.
const SPARE_FILES: usize = 300;

/// Small ones, so that a minute is enough to fill them.
const LIMITS: Limits =
    Limits { held_bytes: 32 << 20, hub_buffer_bytes: 64 << 10, socket_buffer_bytes: 8 << 10 };
/// The least buffer of a slow client, in bytes.
const LEAST: usize = runbus_gateway::limits::LEAST_BYTES;

/// The result of one run.
#[derive(Debug, Default)]
struct Found {
    /// From publish to fast readers.
    p50_us: f64,
    p99_us: f64,
    before_kib: f64,
    highest_kib: u64,
    held: u64,
    behind: u64,
    spills: u64,
    cut: u64,
}

impl Found {
    /// How much memory the gateway took more than before, in KiB.
    fn grown(&self) -> f64 {
        self.highest_kib as f64 - self.before_kib
    }

    /// Over all turns: the median of times, the memory of the last, the most of everything else.
    fn over(mut turns: Vec<Self>) -> anyhow::Result<Self> {
        let times = |time: fn(&Self) -> f64| median(&mut turns.iter().map(time).collect::<Vec<_>>());
        let most = |count: fn(&Self) -> u64| turns.iter().map(count).max().unwrap_or_default();
        let (p50_us, p99_us) = (times(|found| found.p50_us), times(|found| found.p99_us));
        let (held, behind) = (most(|found| found.held), most(|found| found.behind));
        let (spills, cut) = (most(|found| found.spills), most(|found| found.cut));
        let last = turns.pop().context("no turn")?;
        Ok(Self { p50_us, p99_us, held, behind, spills, cut, ..last })
    }
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let readers = setup.scaled(READERS, 400).min(machine::open_files()?.saturating_sub(SPARE_FILES));
    let seconds = setup.scaled(45, 10) as u32;
    let half = readers / 2;
    let turns = setup.scaled(TURNS, 1);
    let (mut none, mut both) = (Vec::new(), Vec::new());
    for turn in 1..=turns {
        progress(&format!("slow: half of them, none slow, turn {turn}"));
        none.push(measure(setup, half, 0, seconds).await?);
        progress(&format!("slow: half fast, half slow, turn {turn}"));
        both.push(measure(setup, half, half, seconds).await?);
    }
    // Against us: the least growth without slow ones, the most with them.
    none.sort_by(|a, b| b.grown().total_cmp(&a.grown()));
    both.sort_by(|a, b| a.grown().total_cmp(&b.grown()));
    let (none, both) = (Found::over(none)?, Found::over(both)?);
    let mut table = Table::new(
        format!("Slow readers: {half} that read at once, and as many that read {SLOW_BYTES} bytes a second"),
        &[
            column("p50, ms", 2),
            column("p99, ms", 2),
            column("RSS idle, MiB", 1),
            column("RSS highest, MiB", 1),
            column("held at most, MiB", 2),
            column("behind at most", 0),
            column("spilled", 0),
            column("closed as too slow", 0),
        ],
    );
    for (name, found) in [("no slow readers", &none), ("half of them slow", &both)] {
        table.row(
            name,
            &[
                Some(found.p50_us / 1000.0),
                Some(found.p99_us / 1000.0),
                Some(found.before_kib / 1024.0),
                Some(found.highest_kib as f64 / 1024.0),
                Some(found.held as f64 / f64::from(1 << 20)),
                Some(found.behind as f64),
                Some(found.spills as f64),
                Some(found.cut as f64),
            ],
        );
    }
    let bound = LIMITS.held_bytes + half * LEAST;
    table.goal(
        format!(
            "prepared for clients: at most {} MiB (gateway.held_bytes, and {} KiB for each slow one)",
            bound >> 20,
            LEAST >> 10
        ),
        both.held as usize <= bound,
    );
    let grown = (both.grown() - none.grown()) * 1024.0;
    table.goal(
        format!("resident memory grows by at most that, {} MiB, more than without slow ones", bound >> 20),
        grown <= bound as f64,
    );
    for (name, without, with) in [("p50", none.p50_us, both.p50_us), ("p99", none.p99_us, both.p99_us)] {
        table.goal(
            format!("{name} of the fast ones at most {GOAL_RATIO} times that without slow ones"),
            with <= without * GOAL_RATIO || with <= without + NOISE_US,
        );
    }
    table.goal("slow readers are kept, and are behind", both.cut == 0 && both.behind > 0);
    table.note(format!(
        "{EXECUTIONS} executions of {PER_SECOND} events a second of {TEXT} bytes, for {seconds} s, {turns} turns: the median of times, of memory \
         the turn in which it grew most (without slow ones: least), the most of everything else; rings of {} KiB, send buffers of {} KiB",
        LIMITS.hub_buffer_bytes >> 10,
        LIMITS.socket_buffer_bytes >> 10
    ));
    report.table(&table);
    Ok(())
}

async fn measure(setup: &Setup, fast: usize, slow: usize, seconds: u32) -> anyhow::Result<Found> {
    let server = Server::start(setup).await?;
    let child = gateway::start_with(&server, Some(LIMITS)).await?;
    let address = raw::address(&child.ready)?;
    let executions: Vec<Source> = (0..EXECUTIONS)
        .map(|_| Source::execution(sample::stream(), ExecutionId::generate(), Clock::System))
        .collect();
    let open = |count: usize, buffer: Option<u32>| {
        let executions = &executions;
        futures_util::stream::iter(0..count)
            .map(move |n| {
                let execution = executions[n % EXECUTIONS].execution_id.clone();
                let filter = json!({ "stream_id": sample::stream(), "execution_id": execution });
                let subscribe =
                    json!({ "type": "subscribe", "id": "a", "filter": filter, "coalesce": false });
                async move { Raw::subscribe(address, "runbus.v1", &subscribe, buffer).await }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
    };
    let (fast, slow) = (open(fast, None).await?, open(slow, Some(SLOW_BUFFER)).await?);
    let before_kib = settled(child.pid()?).await?;
    let ages = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for raw in fast {
        let ages = ages.clone();
        tasks.spawn(receivers::ages(raw.socket, move |age| {
            ages.lock().unwrap_or_else(PoisonError::into_inner).push(age);
            true
        }));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let slow: Vec<_> = slow.into_iter().map(|raw| raw.socket.into_std()).collect::<Result<_, _>>()?;
    let sipping = tokio::task::spawn_blocking({
        let stop = stop.clone();
        move || sip(&slow, &stop)
    });
    let _stopped = Stop(stop);
    let nats = append::connect(&server.url, append::SHARDS).await?;
    let folder = tempfile::tempdir_in(server.folder())?;
    let bus = Bus::new(nats.log(), embedded::open(folder.path())?.store);
    let watching = AbortOnDropHandle::new(tokio::spawn(publish(bus, executions, seconds)));
    let mut found = Found { before_kib, ..Found::default() };
    let end = Instant::now() + Duration::from_secs(u64::from(seconds) + 1);
    while Instant::now() < end {
        look(&child, address, &mut found).await?;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    watching.await??;
    ensure!(tasks.try_join_next().is_none() && !sipping.is_finished(), "a reader has ended");
    drop(tasks);
    let mut sorted = std::mem::take(&mut *ages.lock().unwrap_or_else(PoisonError::into_inner));
    sorted.sort_unstable();
    ensure!(!sorted.is_empty(), "nothing has come");
    (found.p50_us, found.p99_us) = (percentile(&sorted, 0.5) as f64, percentile(&sorted, 0.99) as f64);
    Ok(found)
}

/// Ends the slow readers' thread when it is dropped.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Each execution publishes in turn, evenly over the second.
async fn publish(bus: Bus, executions: Vec<Source>, seconds: u32) -> anyhow::Result<()> {
    let mut ticks = interval(Duration::from_secs(1) / (PER_SECOND * u32::try_from(EXECUTIONS)?));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let text = "x".repeat(TEXT);
    for _ in 0..seconds * PER_SECOND {
        for source in &executions {
            ticks.tick().await;
            let event: Event = source.llm_text_delta(TextDelta { content: text.clone(), snapshot: None });
            bus.publish(event).await?;
        }
    }
    Ok(())
}

/// Reads a little from each, once a second, evenly over it, until the end of `stop`. In a thread of its own: readers that are measured
/// do not wait for these.
fn sip(sockets: &[std::net::TcpStream], stop: &AtomicBool) -> anyhow::Result<()> {
    const STEPS: u32 = 20;
    let mut buffer = [0; SLOW_BYTES];
    let (begin, period) = (Instant::now(), Duration::from_secs(1) / STEPS);
    for (step, tick) in (0..STEPS as usize).cycle().zip(1..) {
        std::thread::sleep((begin + period * tick).saturating_duration_since(Instant::now()));
        if stop.load(Ordering::SeqCst) {
            break;
        }
        for mut socket in sockets.iter().skip(step).step_by(STEPS as usize) {
            match socket.read(&mut buffer) {
                Ok(0) => anyhow::bail!("a slow reader was closed"),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Notes what the gateway says of itself now.
async fn look(child: &Child, address: SocketAddr, found: &mut Found) -> anyhow::Result<()> {
    found.highest_kib = found.highest_kib.max(rss_kib(child.pid()?)?);
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET /v1/stats HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let body = answer.split_once("\r\n\r\n").context("no body")?.1;
    let stats: Value = serde_json::from_str(body)?;
    let number = |name: &str| stats["gateway"][name].as_u64().unwrap_or_default();
    found.held = found.held.max(number("held_bytes"));
    found.behind = found.behind.max(number("behind"));
    (found.spills, found.cut) = (number("spills"), number("cut"));
    Ok(())
}
