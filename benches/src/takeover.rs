//! Takeover: the worker process that runs a session is killed; how long until another one goes on.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use runbus::bus::{Delivery, Filter, Reader};
use runbus::control::StartRequest;
use runbus::log::Since;

use crate::Setup;
use crate::ports::{Ports, Servers};
use crate::report::{Report, Table, column, progress};
use crate::sample;
use crate::worker::{self, Options, SPEAKS};

/// Seconds to stay below with the default settings.
const GOAL_S: f64 = 10.0;

/// The model's time for a token, in milliseconds.
const PACE_MS: u64 = 20;

/// Tokens before the first kill; each further one comes `PHASE` tokens later in the session's life, so that it meets the
/// renewals of lease and delivery elsewhere.
const TOKENS: usize = 50;
const PHASE: usize = 37;

/// Longest wait for another worker.
const LONGEST: Duration = Duration::from_secs(120);

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let times = setup.scaled(5, 1);
    let defaults = runbus_workers::config::Config::default();
    let hold_ms = runbus::adapters::nats::Config::default().hold_ms;
    let mut table = Table::new(
        "Takeover: kill -9 of the worker that runs a session",
        &[
            column("shortest, s", 2),
            column("median, s", 2),
            column("longest, s", 2),
            column("median to the next token, s", 2),
        ],
    );
    let mut longest = 0.0;
    for part in [1, 2] {
        let (hold_ms, lease, grace) =
            (hold_ms / part, defaults.lease_ttl_ms / part, defaults.takeover_grace_ms / part);
        let options = Options {
            pace_ms: PACE_MS,
            hold_ms: Some(hold_ms),
            lease_ttl_ms: Some(lease),
            takeover_grace_ms: Some(grace),
            ..Options::default()
        };
        progress(&format!("takeover: hold {hold_ms} ms, lease {lease} ms, grace {grace} ms"));
        let (mut first, mut token) = (Vec::new(), Vec::new());
        let servers = Servers::start(setup).await?;
        for time in 0..times {
            let found = once(&servers, &options, TOKENS + PHASE * time).await?;
            first.push(found[0].as_secs_f64());
            token.push(found[1].as_secs_f64());
        }
        let median = sample::median(&mut first);
        let (least, most) = (first.first().copied(), first.last().copied());
        if part == 1 {
            longest = most.unwrap_or(f64::INFINITY);
        }
        let default = if part == 1 { " (the defaults)" } else { "" };
        table.row(
            format!("hold {hold_ms}, lease {lease}, grace {grace} ms{default}"),
            &[least, Some(median), most, Some(sample::median(&mut token))],
        );
    }
    table.goal(format!("at most {GOAL_S} s with the defaults (longest: {longest:.2} s)"), longest <= GOAL_S);
    table.note(format!(
        "{times} kills each, at different moments between the renewals of lease and delivery; two worker processes, one \
         nats-server, one Redis; until `attempt_superseded`, the first event of the new attempt, is read"
    ));
    report.table(&table);
    Ok(())
}

/// Two workers, a session that talks, and the death of its owner: until the new attempt, and until its first token.
async fn once(servers: &Servers, options: &Options, tokens: usize) -> anyhow::Result<[Duration; 2]> {
    let (nats, redis) = (&servers.nats.url, &servers.redis.url);
    let ports = Ports::connect(nats, redis, options.hold_ms).await?;
    let mut workers =
        vec![worker::start(nats, redis, options).await?, worker::start(nats, redis, options).await?];
    let control = ports.control();
    let started = control.start(StartRequest::new(SPEAKS, "Go on.")).await?;
    let filter = Filter::execution_of(started.stream_id.clone(), started.execution_id.clone());
    let mut reader = Reader::start(ports.log.clone(), filter, Since::All).await?;
    for _ in 0..tokens {
        until(&mut reader, "client_output_delta").await?;
    }
    let state = control.state(&started.session_id).await?.context("the session has a journal")?;
    let owner = state.owner.context("somebody owns it")?.to_string();
    let at = workers.iter().position(|worker| worker.ready == owner).context("a worker owns it")?;
    let victim = workers.swap_remove(at);
    let killed = Instant::now();
    victim.kill().await?;
    until(&mut reader, "attempt_superseded").await?;
    let superseded = killed.elapsed();
    until(&mut reader, "client_output_delta").await?;
    let speaks = killed.elapsed();
    control.cancel(&started.execution_id, None, None, None).await?;
    until(&mut reader, "execution_cancelled").await?;
    Ok([superseded, speaks])
}

/// Reads up to the next event of a type.
async fn until(reader: &mut Reader, kind: &str) -> anyhow::Result<()> {
    let wanted = async {
        loop {
            match reader.next().await? {
                Delivery::Event(found) if found.event.kind.as_str() == kind => return Ok(()),
                Delivery::Event(found) if found.event.kind.as_str() == "execution_failed" => {
                    bail!("it failed: {:?}", found.event)
                }
                _ => {}
            }
        }
    };
    tokio::time::timeout(LONGEST, wanted).await.with_context(|| format!("no {kind}"))?
}
