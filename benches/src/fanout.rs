//! What a delivery costs the gateway: 500 readers of one execution, one event at a time and sixteen at once, beside a loop that
//! writes one frame to each socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use runbus::bus::Bus;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::nats::Server;
use crate::process::{Child, times};
use crate::raw::{Finder, Raw};
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

/// Who writes what.
#[derive(Debug, Clone, Copy)]
enum Writer {
    Floor,
    Gateway { protocol: &'static str, batch: usize },
}

const TEXT: &str = "runbus.v1";
const CBOR: &str = "runbus.v1.cbor";
/// Each with events at once.
const ALL: [(Writer, usize, &str); 8] = [
    (Writer::Floor, 1, "floor: one frame a write"),
    (Writer::Gateway { protocol: TEXT, batch: 256 }, 1, "gateway, one event at a time, JSON"),
    (Writer::Gateway { protocol: CBOR, batch: 256 }, 1, "gateway, one event at a time, CBOR"),
    (Writer::Floor, QUEUED, "floor: 16 frames a write"),
    (Writer::Gateway { protocol: TEXT, batch: 256 }, QUEUED, "gateway, 16 queued, one message, JSON"),
    (Writer::Gateway { protocol: CBOR, batch: 256 }, QUEUED, "gateway, 16 queued, one message, CBOR"),
    (Writer::Gateway { protocol: TEXT, batch: 1 }, QUEUED, "gateway, 16 queued, 16 messages, JSON"),
    (Writer::Gateway { protocol: CBOR, batch: 1 }, QUEUED, "gateway, 16 queued, 16 messages, CBOR"),
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
    let (mut floor, mut single, mut queued) = (0.0, 0.0, f64::INFINITY);
    let mut runs = vec![Vec::new(); ALL.len()];
    for turn in 1..=setup.scaled(TURNS, 1) {
        for ((writer, at_once, name), runs) in ALL.into_iter().zip(&mut runs) {
            progress(&format!("fanout: {name}, turn {turn}"));
            runs.push(measure(&server, writer, at_once, rounds).await.context(name)?);
        }
    }
    for ((writer, at_once, name), mut runs) in ALL.into_iter().zip(runs) {
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (us, own, bytes) = runs.get(runs.len() / 2).copied().unwrap_or_default();
        match (writer, at_once) {
            (Writer::Floor, _) => floor = us,
            (Writer::Gateway { protocol: TEXT, .. }, 1) => single = us / floor,
            (Writer::Gateway { protocol: TEXT, batch: 256 }, _) => queued = us,
            _ => {}
        }
        table.row(name, &[Some(us), Some(us / floor), Some(own), Some(bytes)]);
    }
    table.goal(format!("one event at a time: at most {GOAL_RATIO} times the floor"), single <= GOAL_RATIO);
    table.goal(format!("{QUEUED} queued: at most {GOAL_QUEUED_US} us"), queued <= GOAL_QUEUED_US);
    table.note("user and system time of the process that writes; over loopback it includes the kernel's work for the receiver");
    table.note(format!("the gateway reads the events from nats-server, once for all; {rounds} rounds, each begins when all have the one before; the median of {TURNS} turns"));
    report.table(&table);
    Ok(())
}

/// Microseconds, those outside the kernel, and bytes of a delivery.
async fn measure(
    server: &Server,
    writer: Writer,
    at_once: usize,
    rounds: usize,
) -> anyhow::Result<(f64, f64, f64)> {
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
    let mut readers = JoinSet::new();
    let got = Arc::new(Got::default());
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
        readers.spawn(read(socket, finder, got.clone()));
    }
    let pid = child.pid()?;
    // What a subscription says first does not count as an event.
    tokio::time::sleep(Duration::from_millis(300)).await;
    got.events.store(0, Ordering::SeqCst);
    got.bytes.store(0, Ordering::SeqCst);
    let mut before = times(pid)?;
    for round in 0..WARM_UP + rounds {
        if round == WARM_UP {
            before = times(pid)?;
            got.bytes.store(0, Ordering::SeqCst);
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
    Ok((us(own + kernel), us(own), got.bytes.load(Ordering::SeqCst) as f64 / deliveries))
}

/// What all readers have got.
#[derive(Debug, Default)]
struct Got {
    events: AtomicUsize,
    bytes: AtomicUsize,
    wanted: AtomicUsize,
    reached: Notify,
}

impl Got {
    fn add(&self, events: usize, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        let all = self.events.fetch_add(events, Ordering::SeqCst) + events;
        if all >= self.wanted.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }

    async fn reach(&self, wanted: usize) {
        self.wanted.store(wanted, Ordering::SeqCst);
        while self.events.load(Ordering::SeqCst) < wanted {
            self.reached.notified().await;
        }
    }
}

async fn read(mut socket: TcpStream, mut finder: Finder, got: Arc<Got>) -> anyhow::Result<()> {
    let mut buffer = vec![0; 8192];
    loop {
        let read = socket.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        got.add(finder.count(&buffer[..read]), read);
    }
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
