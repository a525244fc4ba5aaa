//! The shared parts of the long-running commands: a worker, a gateway, and how they end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use runbus::lifecycle::{Drained, Shutdown};
use runbus::time::Clock;
use runbus_gateway::readiness::WorkerProbe;
use runbus_gateway::{Gateway, Scrape};
use runbus_workers::definition::Definitions;
use runbus_workers::mcp::Servers;
use runbus_workers::mcp::limits::START_WAIT;
use runbus_workers::pool::Worker;
use runbus_workers::session::actor::Dependencies;
use runbus_workers::tool::Registry;
use runbus_workers::webhook::Webhooks;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};

/// The dependencies of a worker, wherever the log is. Dropping them ends the MCP servers.
pub(super) struct Runtime {
    pub(super) servers: Servers,
    definitions: Arc<Definitions>,
    registry: Arc<Registry>,
}

impl Runtime {
    /// Names of tools and guards that cover no tool, as far as the tools of the MCP servers are known by now.
    pub(super) fn faults(&self) -> Vec<String> {
        let definitions = self.definitions.faults(&self.registry).map(|fault| fault.to_string());
        self.servers.faults().into_iter().chain(definitions).collect()
    }
}

/// A worker with the dependencies of its agents.
pub(super) struct Work {
    worker: Worker,
    runtime: Runtime,
}

/// Reads the definitions.
///
/// # Errors
/// A definition cannot be read.
pub(super) fn definitions(configuration: &Configuration) -> Result<Definitions, Error> {
    let usage = |error: &dyn std::fmt::Display| Error::Usage(error.to_string());
    let mut definitions = Definitions::builtin().map_err(|error| usage(&error))?;
    for path in &configuration.worker.definitions {
        definitions.load(path.as_ref()).map_err(|error| usage(&error))?;
    }
    Ok(definitions)
}

/// Reads definitions and starts MCP servers.
///
/// # Errors
/// A definition cannot be read.
pub(super) fn runtime(configuration: &Configuration) -> Result<Runtime, Error> {
    let usage = |error: &dyn std::fmt::Display| Error::Usage(error.to_string());
    let definitions = definitions(configuration)?;
    let timeout = Duration::from_millis(configuration.worker.tool_timeout_ms);
    let now = || Clock::System.now().to_string();
    let registry = configuration
        .tools
        .add_to(Registry::new().with_timeout(timeout), now)
        .map_err(|error| usage(&error))?;
    let servers = Servers::start(&configuration.mcp, &Clock::System, &CancellationToken::new());
    let registry = servers.register(registry).map_err(|error| usage(&error))?;
    definitions.check_tools(&registry).map_err(|error| usage(&error))?;
    Ok(Runtime { servers, definitions: Arc::new(definitions), registry: Arc::new(registry) })
}

/// Checks everything that a worker needs, before it runs. Its MCP servers are started: dropping the result ends them.
///
/// # Errors
/// A definition cannot be read, or the model's section is wrong.
pub(super) fn worker(configuration: &Configuration, backend: &Backend) -> Result<Work, Error> {
    let runtime = runtime(configuration)?;
    let dependencies = Dependencies {
        log: backend.log.clone(),
        store: backend.store.clone(),
        clock: Clock::System,
        definitions: runtime.definitions.clone(),
        model: configuration.model.build().map_err(|error| Error::Usage(error.to_string()))?,
        registry: runtime.registry.clone(),
        worker: Worker::id(&configuration.worker),
    };
    let worker = Worker::new(configuration.worker.clone(), backend.queue.clone(), dependencies)
        .with_servers(runtime.servers.clone());
    Ok(Work { worker, runtime })
}

/// A worker's readiness: it starts until the token is cancelled.
pub(super) fn worker_probe(
    shutdown: &Shutdown,
    backend: &Backend,
    started: CancellationToken,
) -> WorkerProbe {
    WorkerProbe { control: backend.control(), started, drain: shutdown.soft().clone() }
}

/// Runs a worker as a part of the process: once its MCP servers are up or were tried in vain, or after [`START_WAIT`], and until its
/// sessions do not need them any more.
///
/// # Errors
/// A name of a tool, or a guard, covers none of the tools that are known by then.
pub(super) async fn spawn_worker(shutdown: &Shutdown, work: Work) -> Result<(), Error> {
    let (soft, hard) = (shutdown.soft().clone(), shutdown.hard().clone());
    // A session waits for the servers whose tools it needs; one that hangs holds up nothing else.
    let waited = tokio::time::timeout(START_WAIT, work.runtime.servers.settled());
    let settled = soft.run_until_cancelled(waited).await.is_some();
    let faults = if settled { work.runtime.faults() } else { Vec::new() };
    let Work { worker, runtime: Runtime { servers, .. } } = work;
    if !settled || !faults.is_empty() {
        servers.stop().await;
        return if settled { Err(Error::Usage(faults.join("\n"))) } else { Ok(()) };
    }
    shutdown.spawn(async move {
        worker.run(soft, hard).await;
        servers.stop().await;
    });
    Ok(())
}

/// Dispatches webhooks as a part of the process, when endpoints are configured. Other processes may do the same.
///
/// # Errors
/// An endpoint cannot be used.
pub(super) fn spawn_webhooks(
    shutdown: &Shutdown,
    configuration: &Configuration,
    backend: &Backend,
) -> Result<(), Error> {
    if configuration.webhooks.endpoints.is_empty() {
        return Ok(());
    }
    let worker = Worker::id(&configuration.worker);
    let webhooks = Webhooks::new(configuration.webhooks.clone(), backend.bus(), worker, Clock::System)
        .map_err(|error| Error::Usage(error.to_string()))?;
    shutdown.spawn(webhooks.run(shutdown.soft().clone()));
    Ok(())
}

/// Answers `GET /metrics` and `/healthz` on an address of its own, when one is configured, and `/readyz` of a worker: until the
/// process ends, so that its drain can be watched.
///
/// # Errors
/// The address cannot be bound.
pub(super) async fn spawn_metrics(
    configuration: &Configuration,
    worker: Option<WorkerProbe>,
) -> Result<(), Error> {
    let Some(address) = configuration.telemetry.metrics_listen else { return Ok(()) };
    let mut scrape = Scrape::bind(address, &configuration.telemetry.metrics_hosts)
        .await
        .map_err(|error| Error::Usage(error.to_string()))?;
    if let Some(worker) = worker {
        scrape = scrape.with_worker(worker);
    }
    tokio::spawn(scrape.run(CancellationToken::new()));
    Ok(())
}

/// Runs a gateway as a part of the process; returns where it listens.
///
/// # Errors
/// The address cannot be bound.
pub(super) async fn spawn_gateway(
    shutdown: &Shutdown,
    configuration: &Configuration,
    backend: &Backend,
) -> Result<SocketAddr, Error> {
    let gateway =
        Gateway::secured(configuration.gateway.clone(), configuration.auth.clone(), backend.control())
            .await
            .map_err(|error| Error::Usage(error.to_string()))?;
    let address = gateway.address();
    let (soft, hard) = (shutdown.soft().clone(), shutdown.hard().clone());
    shutdown.spawn(gateway.run(soft, hard));
    Ok(address)
}

/// The same, on another port when the configured one is taken.
///
/// # Errors
/// No address can be bound.
pub(super) async fn spawn_gateway_anywhere(
    shutdown: &Shutdown,
    configuration: &Configuration,
    backend: &Backend,
) -> Result<SocketAddr, Error> {
    match spawn_gateway(shutdown, configuration, backend).await {
        Ok(address) => Ok(address),
        Err(_taken) => {
            let mut elsewhere = configuration.clone();
            elsewhere.gateway.listen.set_port(0);
            spawn_gateway(shutdown, &elsewhere, backend).await
        }
    }
}

/// Waits for a signal, then drains.
///
/// # Errors
/// The layout of the log differs from the configuration.
pub(super) async fn until_signal(
    shutdown: &Shutdown,
    backend: &Backend,
    configuration: &Configuration,
) -> Result<Code, Error> {
    tokio::select! {
        () = shutdown.soft().cancelled() => {}
        refused = backend.refused() => return Err(refused),
    }
    let (gateway, worker) = (configuration.gateway.shutdown_most(), configuration.worker.drain());
    match shutdown.drain(gateway.max(worker)).await {
        Drained::Clean => tracing::info!("drained"),
        Drained::Cut => tracing::warn!("cut off: running executions go on elsewhere, or at the next start"),
    }
    Ok(Code::Ok)
}

/// Signals for this process.
///
/// # Errors
/// The system has none.
pub(super) fn signals() -> Result<Shutdown, Error> {
    Shutdown::on_signals().map_err(|error| Error::Software(error.to_string()))
}
