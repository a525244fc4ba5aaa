//! The floor of `many`: the same tokens through JetStream alone and a loop that copies the republished messages to one socket
//! each. No checks, no order, no history: the limit of the machine.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream;
use async_nats::jetstream::context::PublishAckFuture;
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::append;
use crate::report::say;
use crate::sample::Execution;

/// Messages that wait in the relay's subscription, and acknowledgements in the producers'.
const QUEUED: usize = 65_536;

/// The relay's answer when it has a connection's subject.
const TAKEN: &[u8] = b"taken";

type Sockets = Arc<Mutex<HashMap<String, TcpStream>>>;

/// Relays until the process ends; says its address.
pub(crate) async fn serve(nats: &str) -> anyhow::Result<()> {
    let client = async_nats::ConnectOptions::new().subscription_capacity(QUEUED).connect(nats).await?;
    let mut messages = client.subscribe(append::plain_live("plain.>")).await?;
    client.flush().await?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    say(&listener.local_addr()?.to_string());
    let sockets = Sockets::default();
    let accepting = accept(listener, sockets.clone());
    let relaying = async {
        while let Some(message) = messages.next().await {
            let sockets = sockets.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(socket) = sockets.get(message.subject.as_str()) else { continue };
            let mut frame = Vec::with_capacity(message.payload.len() + 4);
            frame.extend_from_slice(&[0x81, 126]);
            frame.extend_from_slice(&u16::try_from(message.payload.len())?.to_be_bytes());
            frame.extend_from_slice(&message.payload);
            anyhow::ensure!(socket.try_write(&frame)? == frame.len(), "a reader is slow");
        }
        anyhow::Ok(())
    };
    tokio::try_join!(accepting, relaying).map(drop)
}

async fn accept(listener: TcpListener, sockets: Sockets) -> anyhow::Result<()> {
    loop {
        let (mut socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let mut subject = String::new();
        BufReader::new(&mut socket).read_line(&mut subject).await?;
        socket.write_all(TAKEN).await?;
        sockets.lock().unwrap_or_else(PoisonError::into_inner).insert(subject.trim().into(), socket);
    }
}

/// A connection that gets what an execution publishes.
pub(crate) async fn connect(address: SocketAddr, execution: &Execution) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let subject = append::plain_live(&append::plain_subject(execution));
    socket.write_all(format!("{subject}\n").as_bytes()).await?;
    socket.read_exact(&mut [0; TAKEN.len()]).await?;
    Ok(socket)
}

/// The producers: one task an execution, one connection, every acknowledgement awaited by another task.
pub(crate) async fn produce(
    nats: &str,
    executions: Vec<Execution>,
    each: usize,
    period: Duration,
) -> anyhow::Result<()> {
    let client = async_nats::connect(nats).await?;
    let context = jetstream::context::ContextBuilder::new().max_ack_inflight(QUEUED).build(client);
    say("ready");
    let (acks, mut sent) = mpsc::channel::<PublishAckFuture>(QUEUED);
    let (begin, all) = (Instant::now() + period, u32::try_from(executions.len())?);
    let mut tasks = JoinSet::new();
    for (n, mut execution) in (0..all).zip(executions) {
        let (context, acks) = (context.clone(), acks.clone());
        let subject = append::plain_subject(&execution);
        tasks.spawn(async move {
            let mut ticks = interval_at(begin + period * n / all, period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for _ in 0..each {
                ticks.tick().await;
                acks.send(context.publish(subject.clone(), execution.line()?).await?).await?;
            }
            anyhow::Ok(())
        });
    }
    drop(acks);
    while let Some(ack) = sent.recv().await {
        ack.await.context("a publish was not acknowledged")?;
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    std::future::pending().await
}
