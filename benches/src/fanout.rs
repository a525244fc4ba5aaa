//! What a delivery costs the gateway: one execution, 500 readers, beside a loop that does nothing but write.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use runbus::log::Log;
use runbus::writer::{Start, Writer};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::nats::Server;
use crate::process::{Child, Meter};
use crate::raw::Raw;
use crate::report::{Report, Table, column, progress, say};
use crate::sample::{self, Execution};
use crate::{Setup, append, gateway, machine};

/// To reach: CPU of a delivery, one event at a time, over that of the loop; microseconds with sixteen queued.
const GOAL_RATIO: f64 = 1.6;
const GOAL_QUEUED_US: f64 = 1.0;

const READERS: usize = 500;

/// Events that are not counted.
const WARM_UP: usize = 64;

/// Handshakes at the same time.
const AT_ONCE: usize = 64;

/// Descriptors that this process needs beside its connections.
const SPARE_FILES: usize = 200;

/// Bytes of a frame that the loop writes: of one event in a message of the gateway's.
const FRAME_HEADER: usize = 4;

/// From one burst to the next: everybody has the one before by then.
const PERIOD: Duration = Duration::from_millis(20);

/// Events that come together.
#[derive(Debug, Clone, Copy)]
struct Burst(usize);

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let readers = setup.scaled(READERS, 50).min(machine::open_files()?.saturating_sub(SPARE_FILES));
    let rounds = setup.scaled(500, 50);
    let mut table = Table::new(
        format!("Fan-out: CPU of a delivery, {readers} readers of one execution"),
        &[
            column("CPU us/delivery", 2),
            column("ratio", 2),
            column("bytes/delivery", 0),
            column("deliveries/s", 0),
        ],
    );
    let mut found = Vec::new();
    for (burst, what) in [(Burst(1), "one event at a time"), (Burst(16), "sixteen at a time")] {
        progress(&format!("fanout: floor, {what}"));
        let floor = floor(burst, readers, rounds).await.context("floor")?;
        let name = format!("baseline: a loop that writes frames that are ready, {what}");
        table.row(name, &floor.row(&floor));
        progress(&format!("fanout: gateway, {what}"));
        let gateway = through(setup, burst, readers, rounds).await.context("gateway")?;
        table.row(format!("gateway, {what}"), &gateway.row(&floor));
        found.push((gateway.cpu_us(), floor.cpu_us()));
    }
    if let [(one, floor), (sixteen, _)] = found.as_slice() {
        table.goal(
            format!("one event at a time: at most {GOAL_RATIO} times the loop"),
            one / floor <= GOAL_RATIO,
        );
        table.goal(format!("sixteen queued: at most {GOAL_QUEUED_US} us"), *sixteen <= GOAL_QUEUED_US);
    }
    table.note(format!(
        "{rounds} bursts, one every {} ms, after {WARM_UP} events to warm up; the process's user and system time, that \
         of the kernel's sending included; readers only count; the loop's frames hold {} bytes",
        PERIOD.as_millis(),
        frame()?.len()
    ));
    report.table(&table);
    Ok(())
}

/// What deliveries took.
#[derive(Debug)]
struct Cost {
    deliveries: usize,
    bytes: usize,
    cpu: Duration,
    wall: Duration,
}

impl Cost {
    fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.deliveries as f64
    }

    fn row(&self, floor: &Self) -> [Option<f64>; 4] {
        [
            Some(self.cpu_us()),
            Some(self.cpu_us() / floor.cpu_us()),
            Some(self.bytes as f64 / self.deliveries as f64),
            Some(self.deliveries as f64 / self.wall.as_secs_f64()),
        ]
    }
}

/// Lets every reader take `events` in all; gives them back with the bytes that they took meanwhile.
async fn all_take(readers: Vec<Raw>, events: usize) -> anyhow::Result<(Vec<Raw>, usize)> {
    let mut tasks = JoinSet::new();
    for mut reader in readers {
        tasks.spawn(async move {
            let before = reader.bytes;
            reader.until(events).await?;
            anyhow::Ok((reader.bytes - before, reader))
        });
    }
    let (mut readers, mut bytes) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (taken, reader) = done??;
        bytes += taken;
        readers.push(reader);
    }
    Ok((readers, bytes))
}

/// Measures a process while `send` makes bursts.
async fn measure(
    child: &Child,
    readers: Vec<Raw>,
    burst: Burst,
    rounds: usize,
    mut send: impl AsyncFnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<Cost> {
    let count = readers.len();
    let (warmed, _) = tokio::try_join!(all_take(readers, WARM_UP), async { send(WARM_UP).await })?;
    let meter = Meter::start(&[child.pid()?])?;
    let total = WARM_UP + rounds * burst.0;
    let bursts = async {
        let mut ticks = interval_at(Instant::now() + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..rounds {
            ticks.tick().await;
            send(burst.0).await?;
        }
        anyhow::Ok(())
    };
    let ((_, bytes), ()) = tokio::try_join!(all_take(warmed.0, total), bursts)?;
    let (wall, cpu) = meter.stop()?;
    let cpu = cpu.get(1).copied().context("a process was measured")?;
    Ok(Cost { deliveries: count * rounds * burst.0, bytes, cpu, wall })
}

async fn through(setup: &Setup, burst: Burst, readers: usize, rounds: usize) -> anyhow::Result<Cost> {
    let server = Server::start(setup).await?;
    let child = gateway::start(&server).await?;
    let nats = append::connect(&server.url, append::SHARDS).await?;
    let mut execution = Execution::new();
    let log: Arc<dyn Log> = nats.log();
    let start = Start { epoch: 1, ..Start::default() };
    let id = execution.id.clone();
    let writer = Writer::open(log, sample::stream(), id.clone(), start, CancellationToken::new());
    let opened = futures_util::stream::iter(0..readers)
        .map(|_| Raw::follow(&child.ready, &STREAM, &id))
        .buffer_unordered(AT_ONCE)
        .try_collect::<Vec<_>>()
        .await?;
    let send = async |events: usize| {
        let lines = (0..events).map(|_| execution.line()).collect::<anyhow::Result<Vec<_>>>()?;
        writer.append(Some(sample::node()), lines, None).await?.durable().await?;
        Ok(())
    };
    measure(&child, opened, burst, rounds, send).await
}

static STREAM: std::sync::LazyLock<runbus::id::StreamId> = std::sync::LazyLock::new(sample::stream);

async fn floor(burst: Burst, readers: usize, rounds: usize) -> anyhow::Result<Cost> {
    let child = Child::start(&["floor", "--readers", &readers.to_string()]).await?;
    let address = child.ready.clone();
    let mut opened = Vec::with_capacity(readers);
    for _ in 0..readers {
        opened.push(Raw::of(TcpStream::connect(&address).await?));
    }
    // The last connection says how many frames to write.
    let mut control = TcpStream::connect(&address).await?;
    control.set_nodelay(true)?;
    let send = async |events: usize| Ok(control.write_u32(u32::try_from(events)?).await?);
    measure(&child, opened, burst, rounds, send).await
}

/// A WebSocket frame with one event, as the gateway sends it.
fn frame() -> anyhow::Result<Bytes> {
    let line = Execution::new().line()?;
    let text = String::from_utf8(line.to_vec())?;
    let message = format!("{{\"type\":\"events\",\"id\":\"a\",\"events\":[{text}]}}");
    let mut frame = Vec::with_capacity(message.len() + FRAME_HEADER);
    frame.extend([0x81, 126]);
    frame.extend(u16::try_from(message.len())?.to_be_bytes());
    frame.extend(message.as_bytes());
    Ok(frame.into())
}

/// The baseline: writes frames that are ready to every socket, in one thread, as often as the last connection says.
pub(crate) async fn loop_of(readers: usize) -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(&listener.local_addr()?.to_string());
    let mut sockets = Vec::with_capacity(readers);
    for _ in 0..readers {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        sockets.push(socket);
    }
    let (mut control, _) = listener.accept().await?;
    let frame = frame()?;
    while let Ok(frames) = control.read_u32().await {
        let frames = frame.repeat(frames as usize);
        for socket in &mut sockets {
            socket.write_all(&frames).await?;
        }
    }
    Ok(())
}
