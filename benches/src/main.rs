//! `runbus-bench`: the costs of Runbus, beside those of its comparison, measured in the same run.
//!
//! `runbus-bench` runs every topic, `runbus-bench append` one, `--quick` smaller. Nothing here fails because a number
//! is low: targets are printed as met or not met.
#![allow(
    clippy::disallowed_methods,
    reason = "measures by the clock, and reads JSON of the servers that it starts"
)]

mod append;
mod child;
mod claims;
mod counted;
mod embedded;
mod fanout;
mod gateway;
mod idle;
mod join;
mod latency;
mod lists;
mod machine;
mod many;
mod memory;
mod nats;
mod paths;
mod ports;
mod process;
mod provider;
mod raw;
mod receivers;
mod redis;
mod relay;
mod replay;
mod report;
mod restart;
mod sample;
mod sessions;
mod slow;
mod streaming;
mod takeover;
mod worker;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// As in the shipped binary: memory is only comparable with the same allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks with their baselines measured in the same run.
#[derive(Debug, Parser)]
#[command(name = "runbus-bench")]
struct Args {
    /// One topic; all when absent.
    topic: Option<Topic>,
    /// Fewer events, connections and rounds: to see that it works.
    #[arg(long)]
    quick: bool,
    /// The nats-server program.
    #[arg(long, env = "RUNBUS_NATS_SERVER", default_value = "nats-server")]
    nats_server: PathBuf,
    /// The redis-server program.
    #[arg(long, env = "RUNBUS_REDIS_SERVER", default_value = "redis-server")]
    redis_server: PathBuf,
    /// Where databases, segment files and the broker's store go; a folder on a real disk.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The same numbers for programs.
    #[arg(long, default_value = "benches/last.json")]
    json: PathBuf,
    #[command(subcommand)]
    child: Option<Hidden>,
}

#[derive(Debug, Subcommand)]
enum Hidden {
    /// A part that must be a process of its own; the benchmark starts it.
    #[command(hide = true, subcommand)]
    Child(child::Role),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Topic {
    /// The embedded backend: durable events a second, restart.
    Embedded,
    /// Appends through the bus on one nats-server.
    Append,
    /// From publish to WebSocket client.
    Latency,
    /// Memory of an idle WebSocket connection or event stream.
    Idle,
    /// Processor time of a delivery.
    Fanout,
    /// Readers that read little.
    Slow,
    /// Stored events to one client.
    Replay,
    /// From connecting to the first event.
    Join,
    /// Thousands of executions with a reader each.
    Many,
    /// Steps of sessions a second, and taking up long ones.
    Sessions,
    /// From a worker's death to the next one's first event.
    Takeover,
    /// Memory of parked and of running sessions.
    Memory,
    /// The first page of a list of very many executions.
    Lists,
    /// The reader of providers' streams.
    Provider,
}

impl Topic {
    /// In the order in which they run.
    const ALL: [Self; 14] = [
        Self::Embedded,
        Self::Append,
        Self::Latency,
        Self::Idle,
        Self::Fanout,
        Self::Slow,
        Self::Replay,
        Self::Join,
        Self::Many,
        Self::Sessions,
        Self::Takeover,
        Self::Memory,
        Self::Lists,
        Self::Provider,
    ];
}

/// The setup of every topic.
#[derive(Debug)]
struct Setup {
    quick: bool,
    nats_server: PathBuf,
    redis_server: PathBuf,
    dir: PathBuf,
}

impl Setup {
    /// `full`, or a part of it in a quick run.
    fn scaled(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// A fresh folder, removed when dropped.
    fn folder(&self) -> std::io::Result<tempfile::TempDir> {
        tempfile::Builder::new().prefix("runbus-bench-").tempdir_in(&self.dir)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(Hidden::Child(role)) = args.child {
        return child::run(role).await;
    }
    let dir = args.dir.unwrap_or_else(std::env::temp_dir);
    let (nats_server, redis_server) = (args.nats_server, args.redis_server);
    let setup = Setup { quick: args.quick, nats_server, redis_server, dir };
    let mut report = report::Report::start(machine::describe(&setup.dir)?, setup.quick);
    for topic in Topic::ALL {
        if args.topic.is_some_and(|wanted| wanted != topic) {
            continue;
        }
        match topic {
            Topic::Embedded => {
                embedded::run(&setup, &mut report).await?;
                restart::run(&setup, &mut report).await?;
            }
            Topic::Append => append::run(&setup, &mut report).await?,
            Topic::Latency => latency::run(&setup, &mut report).await?,
            Topic::Idle => idle::run(&setup, &mut report).await?,
            Topic::Fanout => fanout::run(&setup, &mut report).await?,
            Topic::Slow => slow::run(&setup, &mut report).await?,
            Topic::Replay => replay::run(&setup, &mut report).await?,
            Topic::Join => join::run(&setup, &mut report).await?,
            Topic::Many => many::run(&setup, &mut report).await?,
            Topic::Sessions => {
                sessions::run(&setup, &mut report).await?;
                claims::run(&setup, &mut report).await?;
            }
            Topic::Takeover => takeover::run(&setup, &mut report).await?,
            Topic::Memory => memory::run(&setup, &mut report).await?,
            Topic::Lists => lists::run(&setup, &mut report).await?,
            Topic::Provider => provider::run(&setup, &mut report)?,
        }
    }
    report.write(&args.json)
}
