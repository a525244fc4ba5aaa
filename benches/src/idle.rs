//! Memory of an idle WebSocket connection or event stream in the gateway, beside axum's own WebSocket with its default and with
//! small buffers.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use futures_util::{StreamExt as _, TryStreamExt as _};
use runbus::id::ExecutionId;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::{self, Client};
use crate::nats::Server;
use crate::process::{Child, rss_kib};
use crate::report::{Report, Table, column, progress, say};
use crate::{Setup, machine, raw};

/// KiB of resident memory that a WebSocket connection is to stay below.
const GOAL_KIB: f64 = 8.0;

/// The same of an event stream.
const GOAL_STREAM_KIB: f64 = 32.0;

/// Connections before the first measurement, so that one-time allocations are made.
const WARM_UP: usize = 50;

/// Handshakes at the same time.
const AT_ONCE: usize = 64;

/// Descriptors that this process needs beside its connections.
const SPARE_FILES: usize = 200;

/// Memory stands still when it did for this long.
const SETTLED: Duration = Duration::from_secs(2);

/// The server that holds the connections.
#[derive(Debug, Clone, Copy)]
enum Held {
    Echo(Option<usize>),
    Gateway {
        subscribed: Subscribed,
    },
    /// Callers say who they are.
    Secured,
    /// An event stream of one execution.
    Stream,
}

/// To what each connection is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subscribed {
    Nothing,
    OneForAll,
    OneOfItsOwn,
}

const ALL: [(Held, &str); 7] = [
    (Held::Echo(None), "baseline: axum, default buffers"),
    (Held::Echo(Some(4096)), "baseline: axum, read buffer of 4 KiB"),
    (Held::Gateway { subscribed: Subscribed::Nothing }, "gateway, no subscription"),
    (Held::Secured, "gateway, authenticated, no subscription"),
    (Held::Gateway { subscribed: Subscribed::OneForAll }, "gateway, all to one execution"),
    (Held::Gateway { subscribed: Subscribed::OneOfItsOwn }, "gateway, each to an execution of its own"),
    (Held::Stream, "gateway, event stream of one execution"),
];

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let wanted = setup.scaled(2000, 200);
    let allowed = machine::open_files()?.saturating_sub(SPARE_FILES + WARM_UP);
    let connections = wanted.min(allowed);
    ensure!(connections > 0, "the limit of open files (ulimit -n) is too low");
    let server = Server::start(setup).await?;
    let mut table = Table::new(
        format!("Idle: gateway memory with {connections} connections"),
        &[
            column("KiB/connection", 1),
            column("RSS before, MiB", 1),
            column("RSS after, MiB", 1),
            column("ratio", 3),
        ],
    );
    let (mut floor, mut idle, mut stream) = (0.0, f64::INFINITY, f64::INFINITY);
    for (held, name) in ALL {
        progress(&format!("idle: {name}"));
        let [before, after] = measure(held, &server, connections).await.context(name)?;
        let each = (after - before) / connections as f64;
        if floor == 0.0 {
            floor = each;
        }
        match held {
            Held::Secured => idle = each,
            Held::Stream => stream = each,
            Held::Echo(_) | Held::Gateway { .. } => {}
        }
        table.row(name, &[Some(each), Some(before / 1024.0), Some(after / 1024.0), Some(each / floor)]);
    }
    table.goal(format!("an idle authenticated WebSocket takes at most {GOAL_KIB} KiB"), idle <= GOAL_KIB);
    table
        .goal(format!("an idle event stream takes at most {GOAL_STREAM_KIB} KiB"), stream <= GOAL_STREAM_KIB);
    table.note("resident memory of the process; the kernel's, 3 to 5 KiB a socket, comes on top everywhere");
    if connections < wanted {
        table.note(format!(
            "{wanted} connections were wanted, the limit of open files (ulimit -n) is too low"
        ));
    }
    report.table(&table);
    Ok(())
}

/// An open connection.
#[expect(dead_code, reason = "held, never looked at")]
enum Open {
    Socket(Box<Client>),
    Stream(TcpStream),
}

/// An event stream, behind its first frame.
async fn stream(address: &str, execution: &ExecutionId) -> anyhow::Result<TcpStream> {
    let address = raw::address(address)?;
    let mut socket = TcpStream::connect(address).await?;
    let path = format!("/v1/executions/{execution}/events/stream");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: text/event-stream\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let (mut found, mut buffer) = (Vec::new(), [0; 512]);
    while !found.windows(10).any(|window| window == b"caught_up\"") {
        let read = socket.read(&mut buffer).await?;
        ensure!(read > 0, "closed: {}", String::from_utf8_lossy(&found));
        found.extend_from_slice(&buffer[..read]);
    }
    Ok(socket)
}

/// KiB before and after.
async fn measure(held: Held, server: &Server, connections: usize) -> anyhow::Result<[f64; 2]> {
    let child = match held {
        Held::Echo(None) => Child::start(&["echo"]).await?,
        Held::Echo(Some(bytes)) => Child::start(&["echo", "--read-buffer", &bytes.to_string()]).await?,
        Held::Gateway { .. } | Held::Stream => gateway::start(server).await?,
        Held::Secured => gateway::start_secured(server).await?,
    };
    let shared = ExecutionId::generate();
    let open = |count: usize| {
        let (address, shared) = (child.ready.clone(), shared.clone());
        futures_util::stream::iter(0..count)
            .map(move |_| {
                let (address, shared) = (address.clone(), shared.clone());
                async move {
                    if matches!(held, Held::Stream) {
                        return Ok(Open::Stream(stream(&address, &shared).await?));
                    }
                    let key = matches!(held, Held::Secured).then_some(gateway::KEY);
                    let mut client = Client::connect_as(&address, key).await?;
                    match held {
                        Held::Gateway { subscribed: Subscribed::OneForAll } => {
                            client.subscribe(None, &shared).await?
                        }
                        Held::Gateway { subscribed: Subscribed::OneOfItsOwn } => {
                            client.subscribe(None, &ExecutionId::generate()).await?;
                        }
                        _ => {}
                    }
                    anyhow::Ok(Open::Socket(Box::new(client)))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<_>>()
    };
    let pid = child.pid()?;
    let first = open(WARM_UP).await?;
    let before = settled(pid).await?;
    let rest = open(connections).await?;
    let after = settled(pid).await?;
    drop((first, rest));
    Ok([before, after])
}

/// Memory of a process once it stands still, in KiB.
pub(crate) async fn settled(pid: u32) -> anyhow::Result<f64> {
    let mut last = rss_kib(pid)?;
    for _ in 0..10 {
        tokio::time::sleep(SETTLED).await;
        let now = rss_kib(pid)?;
        if now.abs_diff(last) < 64 {
            last = now;
            break;
        }
        last = now;
    }
    Ok(last as f64)
}

/// The baseline: sends back what it gets.
pub(crate) async fn echo(read_buffer: Option<usize>) -> anyhow::Result<()> {
    let upgrade = move |upgrade: WebSocketUpgrade| async move {
        let upgrade = match read_buffer {
            Some(bytes) => upgrade.read_buffer_size(bytes),
            None => upgrade,
        };
        upgrade.on_upgrade(|mut socket| async move {
            while let Some(Ok(message)) = socket.recv().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        })
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(&format!("ws://{}/v1/ws", listener.local_addr()?));
    axum::serve(listener, Router::new().route("/v1/ws", get(upgrade))).await?;
    Ok(())
}
