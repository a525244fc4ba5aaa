//! The parts that run as processes of their own, so that their memory and processor time are theirs alone.

use std::path::PathBuf;

use clap::Subcommand;
use tokio::io::AsyncReadExt as _;

use crate::{fanout, gateway, idle, many, relay, restart, worker};

/// The task of a child process.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Fills an embedded database and waits to be killed.
    Fill {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        events: usize,
    },
    /// Opens it and says how long that took.
    Reopen {
        #[arg(long)]
        dir: PathBuf,
    },
    /// A gateway on a nats-server; says its address.
    Gateway {
        #[arg(long)]
        nats: String,
        /// Where its store lies.
        #[arg(long)]
        dir: PathBuf,
        #[command(flatten)]
        limits: gateway::Limits,
        /// Callers must say who they are.
        #[arg(long)]
        secured: bool,
    },
    /// Writes frames of so many bytes to each connection; says its address.
    Floor {
        #[arg(long)]
        bytes: usize,
    },
    /// An axum WebSocket server that sends back what it gets; says its address.
    Echo {
        /// Bytes of the read buffer of each connection; axum's default when absent.
        #[arg(long)]
        read_buffer: Option<usize>,
    },
    /// Executions that stream; says when it begins.
    Produce {
        #[arg(long)]
        nats: String,
        #[arg(long)]
        executions: usize,
        /// Events of each.
        #[arg(long)]
        each: usize,
        /// Through JetStream alone.
        #[arg(long)]
        plain: bool,
    },
    /// Copies what JetStream publishes again to the connections that ask for it; says its address.
    Relay {
        #[arg(long)]
        nats: String,
    },
    /// A worker on a nats-server and a redis-server; says its name.
    Worker {
        #[arg(long)]
        nats: String,
        #[arg(long)]
        redis: String,
        #[command(flatten)]
        options: worker::Options,
    },
}

/// Does it until stdin ends: the parent is gone then.
pub(crate) async fn run(role: Role) -> anyhow::Result<()> {
    let work = async {
        match role {
            Role::Fill { dir, events } => restart::fill(&dir, events).await,
            Role::Reopen { dir } => restart::reopen(&dir).await,
            Role::Gateway { nats, dir, limits, secured } => {
                gateway::serve(&nats, &dir, limits, secured).await
            }
            Role::Floor { bytes } => fanout::floor(bytes).await,
            Role::Echo { read_buffer } => idle::echo(read_buffer).await,
            Role::Produce { nats, executions, each, plain } => {
                many::produce(&nats, executions, each, plain).await
            }
            Role::Relay { nats } => relay::serve(&nats).await,
            Role::Worker { nats, redis, options } => worker::serve(&nats, &redis, &options).await,
        }
    };
    let orphaned = async {
        let mut stdin = tokio::io::stdin();
        let mut byte = [0];
        while matches!(stdin.read(&mut byte).await, Ok(1)) {}
    };
    tokio::select! {
        done = work => {
            if let Err(error) = done {
                // A read of stdin cannot be cut short: the parent would wait for ever for this process.
                crate::report::progress(&format!("{error:?}"));
                std::process::exit(1);
            }
            Ok(())
        }
        () = orphaned => Ok(()),
    }
}
