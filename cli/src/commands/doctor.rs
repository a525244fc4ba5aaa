//! `runbus doctor`: is everything there, and if not, what to do.

use std::time::Duration;

use runbus::config::{LogBackend, StoreBackend};
use runbus::subject::Lane;
use runbus_workers::mcp::{Servers, State, Status};
use serde::Serialize;

use super::process;
use crate::args::Global;
use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::output;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks configuration, log, queue, store, streams, definitions and MCP servers; exit code 69 when something is wrong.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  runbus doctor --config runbus.toml\n  runbus doctor --set log.backend=nats --json"
)]
pub(crate) struct Doctor {}

/// One check.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn of(check: &'static str, result: Result<String, String>, advice: &str) -> Self {
        match result {
            Ok(found) => Self { check, ok: true, found, advice: None },
            Err(found) => Self { check, ok: false, found, advice: Some(advice.into()) },
        }
    }
}

impl Doctor {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        let findings = examine(global, configuration).await;
        let well = findings.iter().all(|finding| finding.ok);
        if global.json {
            output::json(&serde_json::json!({ "ok": well, "checks": findings }))?;
        } else {
            let row = |finding: &Finding| {
                [if finding.ok { "ok" } else { "NOT OK" }, finding.check, &finding.found].map(str::to_owned)
            };
            output::table(None, findings.iter().map(row))?;
            for finding in findings.iter().filter(|finding| !finding.ok) {
                output::end()?;
                output::line(&format!("{}: {}", finding.check, finding.advice.as_deref().unwrap_or("")))?;
            }
        }
        Ok(if well { Code::Ok } else { Code::Unavailable })
    }
}

async fn examine(global: &Global, configuration: &Configuration) -> Vec<Finding> {
    let file = global.config.as_ref().map_or("no file".into(), |path| path.display().to_string());
    let mut findings = vec![Finding::of("configuration", Ok(file), "")];
    let log_place = match configuration.log.backend {
        LogBackend::Embedded => configuration.embedded.data_dir.display().to_string(),
        LogBackend::Nats => configuration.nats.servers.join(","),
    };
    let backend = match Backend::open(configuration).await {
        Ok(backend) => backend,
        Err(error) => {
            let advice = "The data directory must be a folder that this user may write to, used by one version of Runbus.";
            findings.push(Finding::of("backend", Err(error.to_string()), advice));
            return findings;
        }
    };
    let advice = match configuration.log.backend {
        LogBackend::Embedded => {
            "Remove or move the data directory, or choose another with embedded.data_dir."
        }
        LogBackend::Nats => {
            "Start nats-server 2.11 or later with JetStream (-js) at nats.servers, or correct the address, the \
             credentials, or the setting that the message names. Streams that exist are never altered: change the \
             configuration to what they are, or change them with the nats CLI."
        }
    };
    let log = ready(backend.log.ready(), &log_place).await.map(|place| match backend.broker_version() {
        Some(version) => format!("{place} (nats-server {version}, compare-and-set checked)"),
        None => place,
    });
    findings.push(Finding::of("log", log, advice));
    findings.push(Finding::of("queue", ready(backend.queue.ready(), &log_place).await, advice));
    let store_place = match configuration.store.backend {
        StoreBackend::Embedded => configuration.embedded.data_dir.display().to_string(),
        StoreBackend::Redis => configuration.redis.url.clone(),
    };
    let advice = "Start Redis 7 or Valkey at redis.url, or correct the address or the credentials. It holds nothing that \
                  the log does not: it may be empty.";
    findings.push(Finding::of("store", ready(backend.store.ready(), &store_place).await, advice));
    if findings.iter().all(|finding| finding.ok) {
        findings.push(streams(&backend).await);
    }
    match process::worker(configuration, &backend) {
        Ok(work) => {
            let model =
                if configuration.model.is_scripted() { "scripted model" } else { "OpenAI-compatible model" };
            findings.push(Finding::of("definitions", Ok(model.to_owned()), ""));
            findings.extend(servers(&work.servers).await);
            findings.push(guards(&work));
            work.servers.stop().await;
        }
        Err(error) => {
            let advice = "Correct the file that the message names; `worker.definitions` says which are read.";
            findings.push(Finding::of("definitions", Err(error.to_string()), advice));
        }
    }
    findings
}

/// Whether each name and guard covers a tool. Those of a server that is not up cannot be checked.
fn guards(work: &process::Work) -> Finding {
    let advice = "Correct the name or the pattern: in the definition that the message names, or in `mcp.servers`. A worker does \
                  not start with it; while it runs, every call that such a guard may be meant for needs an approval.";
    let faults = work.faults();
    let unknown: Vec<String> = work
        .servers
        .status()
        .into_iter()
        .filter(|status| !matches!(status.state, State::Ready))
        .map(|status| status.server)
        .collect();
    let found = if unknown.is_empty() {
        "each covers a tool".to_owned()
    } else {
        format!("not checked for {}: every call of their tools needs an approval", unknown.join(", "))
    };
    Finding::of("guards", if faults.is_empty() { Ok(found) } else { Err(faults.join("; ")) }, advice)
}

/// Starts every MCP server, as a worker would.
async fn servers(servers: &Servers) -> Vec<Finding> {
    servers.settled().await;
    let advice = "Correct the command, the address or the headers of the server in `mcp.servers`, or raise its \
                  `start_timeout_ms`. Workers start without it and keep trying; agents do not see its tools.";
    let finding = |status: Status| {
        let result = match status.state {
            State::Failed { reason } => Err(format!("{}: {reason}", status.server)),
            _ if !status.refused.is_empty() => {
                let refused: Vec<String> =
                    status.refused.iter().map(|(tool, reason)| format!("{tool}: {reason}")).collect();
                Err(format!("{}: tools are refused: {}", status.server, refused.join("; ")))
            }
            _ => Ok(format!("{}: {} tools", status.server, status.tools.len())),
        };
        Finding::of("mcp server", result, advice)
    };
    servers.status().into_iter().map(finding).collect()
}

async fn ready<E: std::fmt::Display>(
    check: impl Future<Output = Result<(), E>>,
    place: &str,
) -> Result<String, String> {
    match tokio::time::timeout(PATIENCE, check).await {
        Ok(Ok(())) => Ok(place.into()),
        Ok(Err(error)) => Err(format!("{place}: {error}")),
        Err(_elapsed) => Err(format!("{place}: no answer within {} s", PATIENCE.as_secs())),
    }
}

async fn streams(backend: &Backend) -> Finding {
    let mut held = Vec::new();
    for lane in Lane::ALL {
        let (mut frames, mut bytes, mut shards) = (0, 0, 0);
        for shard in backend.log.layout().all() {
            match backend.log.bounds(lane, shard).await {
                Ok(bounds) => {
                    frames += bounds.frames;
                    bytes += bounds.bytes;
                    shards += 1;
                }
                Err(error) => {
                    let found = format!("{} shard {shard}: {error}", lane.token());
                    return Finding::of("streams", Err(found), "See the log's advice.");
                }
            }
        }
        held.push(format!("{} {shards} shards, {frames} frames, {bytes} bytes", lane.token()));
    }
    Finding::of("streams", Ok(held.join("; ")), "")
}
