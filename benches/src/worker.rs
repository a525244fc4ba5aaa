//! A worker with agents for measuring, inside this process or as one of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::model::{Answer, Script, Scripted, ScriptedCall};
use runbus_workers::pool::Worker;
use runbus_workers::session::actor::Dependencies;
use runbus_workers::tool::{Error, Function, Registry};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::ports::Ports;
use crate::process::Child;
use crate::report::say;

/// The agent that calls a trivial tool in every round but its last.
pub(crate) const STEPS: &str = "steps";

/// The agent whose only call waits for a person.
pub(crate) const SIGNS: &str = "signs";

/// The agent that talks.
pub(crate) const SPEAKS: &str = "speaks";

/// Tokens that `speaks` says.
const SPOKEN: usize = 5000;

/// The agent that says little: the script of a long answer would be counted as the session's.
pub(crate) const MUMBLES: &str = "mumbles";

/// Tokens that `mumbles` says.
const MUMBLED: usize = 30;

/// Most rounds of `steps`.
const MAX_ROUNDS: u32 = 1000;

/// How a worker works.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Sessions at work at the same time; the default when absent.
    #[arg(long)]
    pub(crate) concurrency: Option<usize>,
    /// Rounds of `steps` with a call.
    #[arg(long, default_value_t = 1)]
    pub(crate) rounds: u32,
    /// The model's time for a token, in milliseconds.
    #[arg(long, default_value_t = 0)]
    pub(crate) pace_ms: u64,
    /// See the section `[worker]`; the default when absent.
    #[arg(long)]
    pub(crate) lease_ttl_ms: Option<u64>,
    /// See the section `[worker]`; the default when absent.
    #[arg(long)]
    pub(crate) takeover_grace_ms: Option<u64>,
    /// See the section `[nats]`; the default when absent.
    #[arg(long)]
    pub(crate) hold_ms: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: None,
            rounds: 1,
            pace_ms: 0,
            lease_ttl_ms: None,
            takeover_grace_ms: None,
            hold_ms: None,
        }
    }
}

/// A worker on `ports`, and its name.
pub(crate) fn build(ports: &Ports, options: &Options) -> anyhow::Result<(Worker, String)> {
    let (config, dependencies) = dependencies(ports, options)?;
    let name = dependencies.worker.to_string();
    Ok((Worker::new(config, ports.queue.clone(), dependencies), name))
}

/// The configuration of a worker, and the dependencies of its sessions' owners.
pub(crate) fn dependencies(ports: &Ports, options: &Options) -> anyhow::Result<(Config, Dependencies)> {
    let mut config = Config::default();
    config.concurrency = options.concurrency.unwrap_or(config.concurrency);
    config.lease_ttl_ms = options.lease_ttl_ms.unwrap_or(config.lease_ttl_ms);
    config.takeover_grace_ms = options.takeover_grace_ms.unwrap_or(config.takeover_grace_ms);
    let name = Worker::id(&config);
    let mut definitions = Definitions::default();
    for (agent, tools) in
        [(STEPS, json!(["count"])), (SIGNS, json!(["sign"])), (SPEAKS, json!([])), (MUMBLES, json!([]))]
    {
        let definition = json!({
            "kind": "agent", "name": agent, "description": "Measures.", "system": "You are measured. Be brief.",
            "tools": tools, "max_rounds": MAX_ROUNDS,
        });
        definitions.add(Definition::parse(agent, &definition.to_string())?)?;
    }
    let answer = async |_nothing: BTreeMap<String, Value>| Ok::<_, Error>("done");
    let dependencies = Dependencies {
        log: ports.log.clone(),
        store: ports.store.clone(),
        clock: Clock::System,
        definitions: Arc::new(definitions),
        model: Arc::new(
            Scripted::new(script(options.rounds)).with_pace(Duration::from_millis(options.pace_ms)),
        ),
        registry: Arc::new(
            Registry::new()
                .with(Function::new("count", "Counts.", answer).safe_to_repeat())?
                .with(Function::new("sign", "Signs.", answer).requires_approval())?,
        ),
        worker: name,
    };
    Ok((config, dependencies))
}

fn script(rounds: u32) -> Script {
    let says = |node: &str, round, text: &str| Answer {
        node: node.into(),
        round,
        text: text.into(),
        ..Answer::default()
    };
    let calls = |node: &str, tool: &str| Answer {
        tool_calls: vec![ScriptedCall { name: tool.into(), arguments: json!({ "n": 1 }) }],
        ..says(node, None, "")
    };
    Script {
        answers: vec![
            says(STEPS, Some(rounds + 1), "Done."),
            calls(STEPS, "count"),
            calls(SIGNS, "sign"),
            says(SPEAKS, None, &" word".repeat(SPOKEN)),
            says(MUMBLES, None, &" word".repeat(MUMBLED)),
        ],
    }
}

/// A worker process on running servers; its first line is its name.
pub(crate) async fn start(nats: &str, redis: &str, options: &Options) -> anyhow::Result<Child> {
    let mut args = vec!["worker".to_owned()];
    let mut set =
        |name: &str, value: Option<String>| args.extend(value.map(|value| format!("--{name}={value}")));
    set("nats", Some(nats.into()));
    set("redis", Some(redis.into()));
    set("rounds", Some(options.rounds.to_string()));
    set("pace-ms", Some(options.pace_ms.to_string()));
    set("concurrency", options.concurrency.map(|n| n.to_string()));
    set("lease-ttl-ms", options.lease_ttl_ms.map(|n| n.to_string()));
    set("takeover-grace-ms", options.takeover_grace_ms.map(|n| n.to_string()));
    set("hold-ms", options.hold_ms.map(|n| n.to_string()));
    Child::start(&args.iter().map(String::as_str).collect::<Vec<_>>()).await
}

/// Works until the process ends.
pub(crate) async fn serve(nats: &str, redis: &str, options: &Options) -> anyhow::Result<()> {
    let ports = Ports::connect(nats, redis, options.hold_ms).await?;
    let (worker, name) = build(&ports, options)?;
    say(&name);
    worker.run(CancellationToken::new(), CancellationToken::new()).await;
    Ok(())
}
