//! The cost of a delivery to the gateway: 500 readers of one execution, one event at a time and sixteen at once, beside a loop
//! that writes one frame to each socket.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use runbus::bus::Bus;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::nats::Server;
use crate::process::{Child, times};
use crate::raw::{Finder, Raw};
use crate::receivers::{self, Manner};
use crate::report::{Report, Table, column, progress, say};
use crate::sample::{self, Execution};
use crate::{Setup, append, embedded, gateway, raw};

const READERS: usize = 500;
/// Events that are queued at once.
const QUEUED: usize = 16;
/// How much more than the floor one event at a time may take.
const GOAL_RATIO: f64 = 1.6;
/// Microseconds of processor time of a delivery when sixteen are queued.
const GOAL_QUEUED_US: f64 = 1.0;
/// Longest wait for a round.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often each is measured, in turns; the median counts.
const TURNS: usize = 5;
/// Rounds that are not counted.
const WARM_UP: usize = 10;

/// The writer of the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Floor,
    Gateway { protocol: &'static str, batch: usize },
}

/// One row.
#[derive(Debug, Clone, Copy)]
struct Case {
    writer: Writer,
    at_once: usize,
    manner: Manner,
    name: &'static str,
}

impl Case {
    const fn new(writer: Writer, at_once: usize, name: &'static str) -> Self {
        Self { writer, at_once, manner: Manner::Look, name }
    }

    const fn woken(writer: Writer, at_once: usize, name: &'static str) -> Self {
        Self { manner: Manner::Woken, ..Self::new(writer, at_once, name) }
    }

    /// The case that is this one's floor.
    fn is_floor_of(&self, other: &Self) -> bool {
        self.writer == Writer::Floor && self.at_once == other.at_once && self.manner == other.manner
    }
}

const TEXT: &str = "runbus.v1";
const CBOR: &str = "runbus.v1.cbor";
const JSON_EACH: Writer = Writer::Gateway { protocol: TEXT, batch: 1 };
const CBOR_EACH: Writer = Writer::Gateway { protocol: CBOR, batch: 1 };
const JSON: Writer = Writer::Gateway { protocol: TEXT, batch: 256 };
const CBOR_ALL: Writer = Writer::Gateway { protocol: CBOR, batch: 256 };

const ALL: [Case; 10] = [
    Case::new(Writer::Floor, 1, "floor: one frame a write"),
    Case::new(JSON, 1, "gateway, one event at a time, JSON"),
    Case::new(CBOR_ALL, 1, "gateway, one event at a time, CBOR"),
    Case::new(Writer::Floor, QUEUED, "floor: 16 frames a write"),
    Case::new(JSON, QUEUED, "gateway, 16 queued, one message, JSON"),
    Case::new(CBOR_ALL, QUEUED, "gateway, 16 queued, one message, CBOR"),
    Case::new(JSON_EACH, QUEUED, "gateway, 16 queued, 16 messages, JSON"),
    Case::new(CBOR_EACH, QUEUED, "gateway, 16 queued, 16 messages, CBOR"),
    Case::woken(Writer::Floor, 1, "floor: one frame a write, readers woken"),
    Case::woken(JSON, 1, "gateway, one event at a time, JSON, readers woken"),
];

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let rounds = setup.scaled(300, 30);
    let server = Server::start(setup).await?;
    let title = format!("Fan-out: processor time of a delivery, {READERS} readers of one execution");
    let mut table = Table::new(
        title,
        &[
            column("CPU us/delivery", 2),
            column("ratio to floor", 2),
            column("outside the kernel, us", 2),
            column("bytes/event", 0),
        ],
    );
    let mut runs = vec![Vec::new(); ALL.len()];
    for turn in 1..=setup.scaled(TURNS, 1) {
        for (case, runs) in ALL.iter().zip(&mut runs) {
            progress(&format!("fanout: {}, turn {turn}", case.name));
            runs.push(measure(&server, case, rounds).await.context(case.name)?);
        }
    }
    let medians: Vec<Found> = runs.into_iter().map(median).collect();
    let floor_of = |case: &Case| {
        let floor = ALL.iter().zip(&medians).find(|(other, _)| other.is_floor_of(case));
        floor.map_or(f64::NAN, |(_, found)| found.us)
    };
    let (mut single, mut woken, mut queued) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
    for (case, found) in ALL.iter().zip(&medians) {
        let ratio = found.us / floor_of(case);
        match (case.writer, case.at_once, case.manner) {
            (JSON, 1, Manner::Look) => single = ratio,
            (JSON, 1, Manner::Woken) => woken = ratio,
            (JSON, QUEUED, Manner::Look) => queued = found.us,
            _ => {}
        }
        table.row(case.name, &[Some(found.us), Some(ratio), Some(found.own), Some(found.bytes)]);
    }
    table.goal(format!("one event at a time: at most {GOAL_RATIO} times the floor"), single <= GOAL_RATIO);
    table.goal(
        format!("one event at a time, readers woken: at most {GOAL_RATIO} times the floor"),
        woken <= GOAL_RATIO,
    );
    table.goal(format!("{QUEUED} queued: at most {GOAL_QUEUED_US} us"), queued <= GOAL_QUEUED_US);
    table.note(format!(
        "user and system time of the process that writes; over loopback it includes the receiver's part of TCP, and where readers \
         are woken the waking, which over a network is the other machine's work: the others look at their sockets every {} ms",
        receivers::PAUSE.as_millis()
    ));
    table.note(format!("the gateway reads the events from nats-server, once for all; {rounds} rounds, each begins when all have the one before; the median of {TURNS} turns"));
    report.table(&table);
    Ok(())
}

/// The cost of a delivery.
#[derive(Debug, Clone, Copy, Default)]
struct Found {
    /// Microseconds of the processor.
    us: f64,
    /// Of these, outside the kernel.
    own: f64,
    bytes: f64,
}

fn median(mut runs: Vec<Found>) -> Found {
    runs.sort_by(|a, b| a.us.total_cmp(&b.us));
    runs.get(runs.len() / 2).copied().unwrap_or_default()
}

async fn measure(server: &Server, case: &Case, rounds: usize) -> anyhow::Result<Found> {
    let Case { writer, at_once, .. } = *case;
    let mut execution = Execution::new();
    let child = match writer {
        Writer::Floor => {
            Child::start(&["floor", "--bytes", &(sample::line_bytes()? + 100).to_string()]).await?
        }
        Writer::Gateway { .. } => gateway::start(server).await?,
    };
    let nats = append::connect(&server.url, append::SHARDS).await?;
    let folder = tempfile::tempdir_in(server.folder())?;
    let bus = Bus::new(nats.log(), embedded::open(folder.path())?.store);
    let mut control = None;
    let mut sockets = Vec::new();
    for _ in 0..READERS {
        let (socket, finder) = match writer {
            Writer::Floor => {
                (TcpStream::connect(child.ready.parse::<SocketAddr>()?).await?, Finder::new(b"\"cursor"))
            }
            Writer::Gateway { protocol, batch } => {
                let filter = json!({ "stream_id": sample::stream(), "execution_id": execution.id });
                let subscribe = json!({ "type": "subscribe", "id": "a", "filter": filter, "batch": batch, "coalesce": false });
                let address = raw::address(&child.ready)?;
                let raw = Raw::subscribe(address, protocol, &subscribe, None).await?;
                let wanted: &[u8] = if protocol == CBOR { b"\x66cursor" } else { b"\"cursor" };
                (raw.socket, Finder::new(wanted))
            }
        };
        if matches!(writer, Writer::Floor) && control.is_none() {
            control = Some(TcpStream::connect(child.ready.parse::<SocketAddr>()?).await?);
        }
        sockets.push((socket, finder));
    }
    let (got, _readers) = receivers::start(sockets, case.manner)?;
    let pid = child.pid()?;
    // The first frames of a subscription do not count as events.
    tokio::time::sleep(Duration::from_millis(300)).await;
    got.clear();
    let mut before = times(pid)?;
    let mut warm = 0;
    for round in 0..WARM_UP + rounds {
        if round == WARM_UP {
            before = times(pid)?;
            warm = got.bytes();
        }
        match &mut control {
            Some(control) => control.write_all(&[u8::try_from(at_once)?]).await?,
            None => {
                let events = (0..at_once).map(|_| execution.event()).collect();
                for answer in bus.publish_batch(events).await? {
                    answer?;
                }
            }
        }
        let wanted = (round + 1) * at_once * READERS;
        tokio::time::timeout(PATIENCE, got.reach(wanted)).await.context("events are missing")?;
    }
    let after = times(pid)?;
    let deliveries = (rounds * at_once * READERS) as f64;
    let (own, kernel) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    let us = |time: Duration| time.as_secs_f64() * 1e6 / deliveries;
    Ok(Found { us: us(own + kernel), own: us(own), bytes: (got.bytes() - warm) as f64 / deliveries })
}

/// The floor: one task that writes a frame that was made before to each socket, as often as the byte says that comes over the
/// second connection, in one write.
pub(crate) async fn floor(bytes: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(&listener.local_addr()?.to_string());
    let text = format!("\"cursor{}", "x".repeat(bytes));
    let mut frame = vec![0x81, 126];
    frame.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
    frame.extend_from_slice(text.as_bytes());
    let mut sockets = Vec::new();
    let mut control = None;
    for at in 0..=READERS {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        if at == 1 { control = Some(socket) } else { sockets.push(socket) }
    }
    let mut control = control.context("no control")?;
    loop {
        let count = control.read_u8().await?;
        let frames = frame.repeat(usize::from(count));
        for socket in &mut sockets {
            socket.write_all(&frames).await?;
        }
    }
}
