//! The ways that an event can take from a producer to a reader, for the latency of each.

use std::sync::Arc;

use anyhow::Context as _;
use async_nats::jetstream::{self, context::PublishAckFuture};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, unfold};
use runbus::adapters::nats::Nats;
use runbus::bus::{Delivery, Filter, Reader};
use runbus::log::{Log, Since};
use runbus::writer::{Start, Ticket, Writer};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::nats::Server;
use crate::process::Child;
use crate::sample::{self, Execution};
use crate::{append, gateway};

/// Acknowledgements that wait for one execution.
const UNACKNOWLEDGED: usize = 1024;

/// On which way events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Path {
    /// Core NATS: published and received, nothing stored.
    Core,
    /// JetStream alone: published, stored, received as it is published again.
    JetStream,
    /// Through the writer until it is durable; nobody reads.
    Durable,
    /// Through the log to a reader of the library.
    Reader,
    /// Through the log and a gateway to a WebSocket client that names stream and execution.
    Gateway,
    /// The same to one that names the execution only: the gateway reads the log for each frame.
    GatewayById,
}

impl Path {
    /// The baselines and the common paths.
    pub(crate) const FEW: [(Self, &str); 3] = [Self::ALL[0], Self::ALL[1], Self::ALL[4]];

    pub(crate) const ALL: [(Self, &str); 6] = [
        (Self::Core, "baseline: core NATS, publish to subscriber"),
        (Self::JetStream, "baseline: JetStream, publish to republished"),
        (Self::Durable, "Writer, append to durable"),
        (Self::Reader, "Writer to bus::Reader"),
        (Self::Gateway, "Writer to WebSocket client"),
        (Self::GatewayById, "Writer to WebSocket client, by execution id only"),
    ];
}

/// Where a producer puts its events.
pub(crate) enum Sink {
    Core(async_nats::Client, String),
    JetStream(jetstream::Context, String, mpsc::Sender<PublishAckFuture>),
    Durable(Writer, mpsc::Sender<(Ticket, Bytes)>),
    Writer(Writer),
}

impl Sink {
    pub(crate) async fn put(&self, line: Bytes) -> anyhow::Result<()> {
        let node = || Some(sample::node());
        match self {
            Self::Core(client, subject) => client.publish(subject.clone(), line).await?,
            Self::JetStream(context, subject, acks) => {
                acks.send(context.publish(subject.clone(), line).await?).await?;
            }
            Self::Durable(writer, tickets) => {
                let ticket = writer.append(node(), vec![line.clone()], None).await?;
                tickets.send((ticket, line)).await?;
            }
            Self::Writer(writer) => drop(writer.append(node(), vec![line], None).await?),
        }
        Ok(())
    }
}

/// Lines as they come.
pub(crate) type Lines = BoxStream<'static, anyhow::Result<Vec<Bytes>>>;

/// Both ends of a path for some executions, and the processes between them.
pub(crate) struct Ends {
    pub(crate) executions: Vec<(Sink, Execution, Lines)>,
    pub(crate) gateway: Option<Child>,
    /// A client that is dropped may not send what it has buffered.
    clients: Vec<async_nats::Client>,
}

impl Ends {
    pub(crate) async fn open(path: Path, server: &Server, count: usize) -> anyhow::Result<Self> {
        let mut ends = Self { executions: Vec::with_capacity(count), gateway: None, clients: Vec::new() };
        match path {
            Path::Core => ends.core(server, count).await?,
            Path::JetStream => ends.jetstream(server, count).await?,
            Path::Durable | Path::Reader => {
                let nats = append::connect(&server.url, append::SHARDS).await?;
                for _ in 0..count {
                    let execution = Execution::new();
                    let writer = writer(&nats, &execution);
                    let (sink, lines) = if path == Path::Durable {
                        durable(writer)
                    } else {
                        let filter = Filter::execution_of(sample::stream(), execution.id.clone());
                        let reader = Reader::start(nats.log(), filter, Since::New).await?;
                        (Sink::Writer(writer), unfold(reader, read).boxed())
                    };
                    ends.executions.push((sink, execution, lines));
                }
            }
            Path::Gateway | Path::GatewayById => {
                let child = gateway::start(server).await?;
                let nats = append::connect(&server.url, append::SHARDS).await?;
                for _ in 0..count {
                    let execution = Execution::new();
                    let mut client = gateway::Client::connect(&child.ready).await?;
                    let stream = sample::stream();
                    let stream = (path == Path::Gateway).then_some(&stream);
                    client.subscribe(stream, &execution.id).await?;
                    let lines =
                        unfold(client, |mut client| async move { Some((client.events().await, client)) });
                    ends.executions.push((Sink::Writer(writer(&nats, &execution)), execution, lines.boxed()));
                }
                ends.gateway = Some(child);
            }
        }
        Ok(ends)
    }

    async fn core(&mut self, server: &Server, count: usize) -> anyhow::Result<()> {
        let (from, to) = (async_nats::connect(&server.url).await?, async_nats::connect(&server.url).await?);
        for n in 0..count {
            let subject = format!("core.{n}");
            let messages = to.subscribe(subject.clone()).await?;
            let lines = messages.map(|message| anyhow::Ok(vec![message.payload]));
            self.executions.push((Sink::Core(from.clone(), subject), Execution::new(), lines.boxed()));
        }
        to.flush().await?;
        self.clients.extend([from, to]);
        Ok(())
    }

    async fn jetstream(&mut self, server: &Server, count: usize) -> anyhow::Result<()> {
        let (from, to) = (async_nats::connect(&server.url).await?, async_nats::connect(&server.url).await?);
        let context = jetstream::new(from);
        append::like_ours(server, &context, true).await?;
        for _ in 0..count {
            let execution = Execution::new();
            let subject = append::plain_subject(&execution);
            let messages = to.subscribe(append::plain_live(&subject)).await?;
            let lines = messages.map(|message| anyhow::Ok(vec![message.payload]));
            let (acks, mut waiting) = mpsc::channel::<PublishAckFuture>(UNACKNOWLEDGED);
            tokio::spawn(async move {
                while let Some(ack) = waiting.recv().await {
                    // An event that is not stored is missing at the reader, which ends the run.
                    let _ = ack.await;
                }
            });
            self.executions.push((Sink::JetStream(context.clone(), subject, acks), execution, lines.boxed()));
        }
        to.flush().await?;
        self.clients.extend([context.client(), to]);
        Ok(())
    }
}

fn writer(nats: &Nats, execution: &Execution) -> Writer {
    let log: Arc<dyn Log> = nats.log();
    let start = Start { epoch: 1, ..Start::default() };
    Writer::open(log, sample::stream(), execution.id.clone(), start, CancellationToken::new())
}

fn durable(writer: Writer) -> (Sink, Lines) {
    let (sender, tickets) = mpsc::channel(UNACKNOWLEDGED);
    let lines = unfold(tickets, |mut tickets| async move {
        let (ticket, line): (Ticket, Bytes) = tickets.recv().await?;
        let stored = ticket.durable().await.map(|_place| vec![line]).context("an event was not stored");
        Some((stored, tickets))
    });
    (Sink::Durable(writer, sender), lines.boxed())
}

async fn read(mut reader: Reader) -> Option<(anyhow::Result<Vec<Bytes>>, Reader)> {
    let found = match reader.next().await {
        Ok(Delivery::Event(found)) => Ok(vec![found.line.into_bytes()]),
        Ok(Delivery::CaughtUp) => Ok(Vec::new()),
        other => Err(anyhow::anyhow!("instead of an event came {other:?}")),
    };
    Some((found, reader))
}
