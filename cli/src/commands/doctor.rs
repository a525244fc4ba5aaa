//! `runbus doctor`: checks the environment, and names the next step for each fault.

use std::time::Duration;

use runbus::adapters::{embedded, nats, redis};
use runbus::config::{LogBackend, StoreBackend};
use runbus_workers::mcp::{Servers, State, Status};
use serde::Serialize;

use super::{models, process};
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;

/// How long one check may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Checks configuration, broker, store, model, definitions and MCP servers; exit code 69 when something is wrong. It creates and
/// changes nothing.
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
    let embedded_log = configuration.log.backend == LogBackend::Embedded;
    let embedded_store = configuration.store.backend == StoreBackend::Embedded;
    if embedded_log || embedded_store {
        findings.push(folder(configuration));
    }
    if !embedded_log {
        findings.extend(broker(configuration).await);
    }
    if !embedded_store {
        findings.push(store(configuration).await);
    }
    findings.extend(models(configuration).await);
    match process::runtime(configuration) {
        Ok(work) => {
            findings.push(Finding::of("definitions", Ok("each can be read".into()), ""));
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

/// The folder of the embedded backend. It is not made, and a database in it is only read.
fn folder(configuration: &Configuration) -> Finding {
    let advice = "The data directory must be a folder that this user may write to, used by one version of Runbus. Remove or move it, or \
                  choose another with embedded.data_dir.";
    let looked = embedded::look(&configuration.embedded).map_err(|error| error.to_string());
    Finding::of("data directory", looked, advice)
}

/// Everything that is needed of NATS.
async fn broker(configuration: &Configuration) -> Vec<Finding> {
    let advice = "Start nats-server 2.11 or later with JetStream (-js) at nats.servers, or correct the address, the credentials, or the \
                  setting that the message names. Streams that exist are never altered: change the configuration to what they \
                  are, or change them with the nats CLI. ops/nats/single.conf and ops/nats/accounts.conf have the mapping.";
    match nats::examine(&configuration.nats).await {
        Ok(found) => found.into_iter().map(|found| Finding::of(found.check, found.outcome, advice)).collect(),
        Err(error) => vec![Finding::of("connection", Err(error.to_string()), advice)],
    }
}

async fn store(configuration: &Configuration) -> Finding {
    let advice = "Start Redis 7 or Valkey at redis.url, or correct the address or the credentials. It holds nothing that \
                  the log does not: it may be empty.";
    let looked = match redis::Redis::new(&configuration.redis) {
        Ok(store) => ready(store.look(), &configuration.redis.addresses().join(", ")).await,
        Err(error) => Err(format!("redis.{error}")),
    };
    Finding::of("store", looked, advice)
}

/// Whether each model answers: it is asked for one token.
async fn models(configuration: &Configuration) -> Vec<Finding> {
    let advice = "Correct the provider's base_url (for OpenAI's API up to and with /v1), its key or the model's name, in `model` or in \
                  `model.providers`; the message has the provider's answer. `runbus models` asks again.";
    // Another check says what is wrong with the definitions.
    let definitions = process::definitions(configuration).unwrap_or_default();
    match models::ask(configuration, &definitions).await {
        Ok(found) => found
            .into_iter()
            .map(|model| {
                let text = format!("{}: {}", model.model, model.found);
                Finding::of("model", if model.ok { Ok(text) } else { Err(text) }, advice)
            })
            .collect(),
        Err(error) => vec![Finding::of("model", Err(error.to_string()), advice)],
    }
}

/// Whether each name and guard covers a tool. Those of a server that is not up cannot be checked.
fn guards(work: &process::Runtime) -> Finding {
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
