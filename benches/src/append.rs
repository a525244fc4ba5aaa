//! Appends on one nats-server: 400 executions that stream at once, beside plain pipelined JetStream publishes of the
//! same events one by one.

use std::sync::Arc;

use anyhow::Context as _;
use async_nats::jetstream::{self, stream};
use runbus::adapters::nats::{Config, Nats, Shards};
use runbus::log::Log;
use runbus::subject::{Shard, Topic};
use tokio::task::JoinSet;

use crate::Setup;
use crate::nats::Server;
use crate::process::Meter;
use crate::report::{Report, Table, column, progress};
use crate::sample::{self, Execution};
use crate::streaming::{Cost, Pace, middle, stream_all};

/// How many times the baseline's events a second to reach.
const GOAL: f64 = 2.0;

/// Executions that stream at once.
const EXECUTIONS: usize = 400;

/// Shards as configured by default.
pub(crate) const SHARDS: u16 = 4;

/// Unacknowledged messages of the plain publishers.
const IN_FLIGHT: usize = 4096;

/// The compared subjects.
#[derive(Debug, Clone, Copy)]
enum Subject {
    /// JetStream alone: so many publishers over one connection.
    Plain { publishers: usize, republish: bool },
    /// The bus with so many shards.
    Bus { shards: u16, pace: Pace },
}

const SUBJECTS: [Subject; 6] = [
    Subject::Plain { publishers: 1, republish: true },
    Subject::Plain { publishers: 1, republish: false },
    Subject::Plain { publishers: EXECUTIONS, republish: true },
    Subject::Bus { shards: 1, pace: Pace::BackPressure },
    Subject::Bus { shards: SHARDS, pace: Pace::BackPressure },
    Subject::Bus { shards: SHARDS, pace: Pace::EachDurable },
];

impl Subject {
    fn name(self) -> String {
        match self {
            Self::Plain { publishers, republish } => {
                let without = if republish { "with" } else { "without" };
                format!("baseline: JetStream publish, {publishers} task(s), {without} republish")
            }
            Self::Bus { shards, pace: Pace::BackPressure } => format!("Writer, {shards} shard(s)"),
            Self::Bus { shards, pace: Pace::EachDurable } => {
                format!("Writer, {shards} shard(s), each event awaited")
            }
        }
    }
}

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let rounds = setup.scaled(3, 1);
    let mut runs: Vec<Vec<Cost>> = SUBJECTS.iter().map(|_| Vec::new()).collect();
    // In turns, so that other load of the machine disturbs all alike.
    for round in 1..=rounds {
        progress(&format!("append: round {round} of {rounds}"));
        for (subject, runs) in SUBJECTS.iter().zip(&mut runs) {
            runs.push(measure(setup, *subject).await.with_context(|| subject.name())?);
        }
    }
    let found: Vec<Cost> = runs.into_iter().map(middle).collect();
    let best = |wanted: fn(&Subject) -> bool| {
        let rates =
            SUBJECTS.iter().zip(&found).filter(|(subject, _)| wanted(subject)).map(|(_, cost)| cost.rate());
        rates.fold(0.0, f64::max)
    };
    let same = best(|subject| matches!(subject, Subject::Plain { republish: true, .. }));
    let bare = best(|subject| matches!(subject, Subject::Plain { republish: false, .. }));
    let mut table = Table::new(
        format!(
            "Append: one nats-server, {EXECUTIONS} executions ({} bytes an event)",
            sample::line_bytes()?
        ),
        &[
            column("events/s", 0),
            column("ratio", 2),
            column("events/message", 1),
            column("CPU us/event", 2),
            column("server CPU us/event", 2),
        ],
    );
    for (subject, cost) in SUBJECTS.iter().zip(&found) {
        let share = cost.frames.map(|frames| cost.events as f64 / frames as f64);
        table.row(
            subject.name(),
            &[Some(cost.rate()), Some(cost.rate() / same), share, cost.cpu_us(0), cost.cpu_us(1)],
        );
    }
    let bus = |shards: u16| {
        let wanted = |subject: &Subject| matches!(subject, Subject::Bus { shards: s, pace: Pace::BackPressure } if *s == shards);
        SUBJECTS.iter().zip(&found).find(|(subject, _)| wanted(subject)).map_or(0.0, |(_, cost)| cost.rate())
    };
    let ours = bus(SHARDS);
    table.goal(
        format!(
            "at least {GOAL} times the better baseline on a stream with the same configuration ({:.1}; {:.1} without \
             republish)",
            ours / same,
            ours / bare
        ),
        ours >= GOAL * same.max(bare),
    );
    table.note(format!(
        "median of {rounds} runs, each on a fresh server; events are encoded inside the measured time everywhere; \
         baselines have {IN_FLIGHT} messages in flight and no checks, no checksums, no deduplication ids"
    ));
    report.table(&table);
    Ok(())
}

async fn measure(setup: &Setup, subject: Subject) -> anyhow::Result<Cost> {
    let server = Server::start(setup).await?;
    match subject {
        Subject::Plain { publishers, republish } => {
            plain(&server, publishers, republish, setup.scaled(200_000, 20_000)).await
        }
        Subject::Bus { shards, pace } => {
            let log: Arc<dyn Log> = connect(&server.url, shards).await?.log();
            let each = match pace {
                Pace::BackPressure => setup.scaled(2_500, 100),
                Pace::EachDurable => setup.scaled(250, 25),
            };
            stream_all(&log, EXECUTIONS, each, pace, &[server.pid()?]).await
        }
    }
}

/// The adapter, set up.
pub(crate) async fn connect(url: &str, shards: u16) -> anyhow::Result<Nats> {
    let config = Config { servers: vec![url.into()], shards: Shards::Count(shards), ..Config::default() };
    let nats = Nats::connect(config).await?;
    nats.ready().await?;
    Ok(nats)
}

/// A subject of the baseline's stream.
pub(crate) fn plain_subject(execution: &Execution) -> String {
    let topic = Topic::Events {
        stream: sample::stream(),
        node: Some(sample::node()),
        execution: Some(execution.id.clone()),
    };
    topic.subject("plain", Shard(0))
}

/// Where it is published again.
pub(crate) fn plain_live(subject: &str) -> String {
    subject.replacen("plain.", "plain.live.", 1)
}

/// A stream configured as the adapter configures that of a shard.
pub(crate) async fn like_ours(
    server: &Server,
    context: &jetstream::Context,
    republish: bool,
) -> anyhow::Result<()> {
    connect(&server.url, 1).await?;
    let ours = context.get_stream("RB_EV_0").await?.cached_info().config.clone();
    let to_plain = |text: &str| text.replacen("rb.", "plain.", 1);
    let from = ours.republish.context("the adapter's streams republish")?;
    let again = stream::Republish {
        source: to_plain(&from.source),
        destination: to_plain(&from.destination),
        headers_only: from.headers_only,
    };
    context
        .create_stream(stream::Config {
            name: "PLAIN".into(),
            subjects: ours.subjects.iter().map(|subject| to_plain(subject)).collect(),
            republish: republish.then_some(again),
            metadata: std::collections::HashMap::new(),
            ..ours
        })
        .await?;
    Ok(())
}

async fn plain(server: &Server, publishers: usize, republish: bool, events: usize) -> anyhow::Result<Cost> {
    let client = async_nats::connect(&server.url).await?;
    let context = jetstream::context::ContextBuilder::new().max_ack_inflight(IN_FLIGHT).build(client);
    like_ours(server, &context, republish).await?;
    let meter = Meter::start(&[server.pid()?])?;
    let mut tasks = JoinSet::new();
    for _ in 0..publishers {
        let context = context.clone();
        let (executions, each) = (EXECUTIONS / publishers, events / publishers);
        tasks.spawn(async move { publish(context, executions, each).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let (wall, cpu) = meter.stop()?;
    let found = context.get_stream("PLAIN").await?.cached_info().state.messages;
    anyhow::ensure!(found == events as u64, "{found} messages instead of {events}");
    Ok(Cost { events, wall, cpu, frames: Some(found) })
}

/// One publisher: sends without waiting, and checks every acknowledgement.
async fn publish(context: jetstream::Context, executions: usize, events: usize) -> anyhow::Result<()> {
    let (sender, mut sent) = tokio::sync::mpsc::channel(IN_FLIGHT);
    let acknowledged = tokio::spawn(async move {
        while let Some(ack) = sent.recv().await {
            let ack: jetstream::context::PublishAckFuture = ack;
            ack.await?;
        }
        anyhow::Ok(())
    });
    let mut sources: Vec<(String, Execution)> = (0..executions)
        .map(|_| {
            let execution = Execution::new();
            (plain_subject(&execution), execution)
        })
        .collect();
    let count = sources.len();
    for n in 0..events {
        let (subject, execution) = &mut sources[n % count];
        let ack = context.publish(subject.clone(), execution.line()?).await?;
        sender.send(ack).await?;
    }
    drop(sender);
    acknowledged.await?
}
