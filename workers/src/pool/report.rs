//! The report of a worker about itself, for gateways.

use std::sync::Arc;
use std::time::Duration;

use runbus::control::definitions::{self, Definition, Tool};
use runbus::control::workers::{self, WorkerReport};
use runbus::metrics::worker as metrics;
use runbus::queue::Queue;
use runbus::time::Timestamp;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::limits;
use crate::mcp::Servers;
use crate::session::actor::Dependencies;
use crate::tool::truncate;

/// How often it is said without anything having changed.
const EVERY: Duration = Duration::from_secs(5);

/// Says it again and again; at once when an MCP server changes. Ends when it is dropped.
pub(super) async fn keep(
    dependencies: Dependencies,
    config: Config,
    queue: Arc<dyn Queue>,
    room: Arc<Semaphore>,
    servers: Option<Servers>,
) {
    let since = dependencies.clock.now();
    let mut changes = servers.as_ref().map(Servers::subscribe);
    metrics::CONCURRENCY.set(i64::try_from(config.concurrency).unwrap_or(i64::MAX));
    let mut guard_faults = faults(&dependencies);
    loop {
        runbus::queue::count(queue.as_ref()).await;
        let report = WorkerReport {
            guard_faults: guard_faults.clone(),
            ..report(&dependencies, &config, &room, servers.as_ref(), since)
        };
        if let Ok(report) = serde_json::to_vec(&report) {
            let member = dependencies.worker.as_str();
            let said =
                dependencies.store.join(&workers::place(), member, report.into(), workers::STANDS).await;
            if let Err(error) = said {
                tracing::debug!(%error, "the worker's report was not kept");
            }
        }
        describe(&dependencies).await;
        let changed = async {
            let Some(changes) = &mut changes else { return std::future::pending().await };
            if changes.changed().await.is_err() {
                std::future::pending().await
            }
        };
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = changed => guard_faults = faults(&dependencies),
        }
    }
}

/// Describes each definition.
async fn describe(dependencies: &Dependencies) {
    let specs = dependencies.registry.specs();
    for name in dependencies.definitions.names() {
        let known = dependencies.definitions.kept(name).and_then(|spec| Definition::of(&spec));
        // A definition that is too large to keep is too large to describe.
        let Some(known) = known else { continue };
        let described = known.with_tools(specs.iter().map(|spec| Tool {
            name: spec.name.clone(),
            description: spec.description.clone(),
            input_schema: spec.parameters.clone(),
        }));
        let Ok(word) = serde_json::to_vec(&described) else { continue };
        let (place, member) = (definitions::place(name), dependencies.worker.as_str());
        if let Err(error) = dependencies.store.join(&place, member, word.into(), definitions::STANDS).await {
            tracing::debug!(%error, name, "a definition was not described");
            return;
        }
    }
}

/// Says that it is gone.
pub(super) async fn end(dependencies: &Dependencies) {
    for name in dependencies.definitions.names() {
        if let Err(error) =
            dependencies.store.leave(&definitions::place(name), dependencies.worker.as_str()).await
        {
            tracing::debug!(%error, "the worker's definitions stand until they run out");
            break;
        }
    }
    if let Err(error) = dependencies.store.leave(&workers::place(), dependencies.worker.as_str()).await {
        tracing::debug!(%error, "the worker's report stands until it runs out");
    }
}

/// Names and guards that cover no tool, as far as the tools are known.
fn faults(dependencies: &Dependencies) -> Vec<String> {
    let faults = dependencies.definitions.faults(&dependencies.registry).take(limits::REPORT_FAULTS);
    let faults: Vec<String> =
        faults.map(|fault| truncate(fault.to_string(), limits::REPORT_FAULT_BYTES).0).collect();
    for fault in &faults {
        tracing::error!(
            fault,
            "a name or a guard covers no tool: the tools that it may mean need an approval"
        );
    }
    faults
}

fn report(
    dependencies: &Dependencies,
    config: &Config,
    room: &Semaphore,
    servers: Option<&Servers>,
    since: Timestamp,
) -> WorkerReport {
    WorkerReport {
        worker: dependencies.worker.clone(),
        since,
        at: dependencies.clock.now(),
        sessions: config.concurrency.saturating_sub(room.available_permits()),
        concurrency: config.concurrency,
        definitions: dependencies.definitions.names().map(str::to_owned).collect(),
        tools: dependencies.registry.specs().into_iter().map(|spec| spec.name).collect(),
        tool_calls: json!(dependencies.registry.stats()),
        mcp_servers: servers.map_or_else(|| json!([]), |servers| json!(servers.status())),
        guard_faults: Vec::new(),
        agents: dependencies.definitions.report(),
        // Runbus's own workers run no code of agents.
        code_execution: None,
    }
}
