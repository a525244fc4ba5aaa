//! History to one client: 1,000,000 stored events of one execution, and of 400, through a gateway.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_nats::jetstream::{self, consumer};
use futures_util::StreamExt as _;
use runbus::bus::{Delivery, Filter, Reader};
use runbus::log::{Log, Since};
use runbus::subject::Lane;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

use crate::nats::Server;
use crate::process::Meter;
use crate::raw::{self, Finder, Raw};
use crate::report::{Report, Table, column, progress};
use crate::sample;
use crate::streaming::{self, Pace};
use crate::{Setup, append, gateway};

/// Events a second to reach.
const GOAL: f64 = 300_000.0;

/// Bytes that the client takes at once.
const BUFFER: usize = 256 << 10;

/// How the events are spread over executions.
const SPREAD: [usize; 2] = [1, 400];

pub(crate) async fn run(setup: &Setup, report: &mut Report) -> anyhow::Result<()> {
    let events = setup.scaled(1_000_000, 40_000);
    let mut table = Table::new(
        format!("Replay: {events} stored events to one reader"),
        &[
            column("events/s", 0),
            column("ratio", 2),
            column("CPU us/event", 2),
            column("server CPU us/event", 2),
            column("gateway CPU us/event", 2),
        ],
    );
    let mut slowest = f64::INFINITY;
    for executions in SPREAD {
        let each = events / executions;
        progress(&format!("replay: {executions} executions with {each} events each"));
        let server = Server::start(setup).await?;
        let nats = append::connect(&server.url, append::SHARDS).await?;
        let log: Arc<dyn Log> = nats.log();
        streaming::stream_all(&log, executions, each, Pace::BackPressure, &[]).await?;
        let child = gateway::start(&server).await?;
        let others = [server.pid()?, child.pid()?];
        let mut row = |name: String, (wall, cpu): (Duration, Vec<Duration>), base: Option<f64>| {
            let rate = events as f64 / wall.as_secs_f64();
            let us = |n: usize| cpu.get(n).map(|cpu| cpu.as_secs_f64() * 1e6 / events as f64);
            table.row(name, &[Some(rate), base.map(|base| rate / base), us(0), us(1), us(2)]);
            rate
        };
        let meter = Meter::start(&others)?;
        consume(&server, &log).await.context("consumer")?;
        let base = row(
            format!("baseline: JetStream ordered consumers, {executions} execution(s)"),
            meter.stop()?,
            None,
        );
        let filter = Filter::stream(sample::stream());
        let meter = Meter::start(&others)?;
        read(log.clone(), filter, events).await.context("reader")?;
        row(format!("bus::Reader, {executions} execution(s)"), meter.stop()?, Some(base));
        let meter = Meter::start(&others)?;
        let filter = json!({ "stream_id": sample::stream() });
        replay(&child.ready, filter, events).await.context("gateway")?;
        let rate = row(format!("WebSocket client, {executions} execution(s)"), meter.stop()?, Some(base));
        slowest = slowest.min(rate);
    }
    table.goal(format!("at least {GOAL} events/s to a WebSocket client"), slowest >= GOAL);
    table.note(
        "the baseline takes the stored messages, each with many events, from every shard, and does not look into them; \
         the WebSocket client only counts; ratio: events/s to the baseline",
    );
    report.table(&table);
    Ok(())
}

/// Takes every stored message.
async fn consume(server: &Server, log: &Arc<dyn Log>) -> anyhow::Result<()> {
    let context = jetstream::new(async_nats::connect(&server.url).await?);
    let mut names = context.stream_names();
    let mut streams = Vec::new();
    while let Some(name) = names.next().await {
        streams.push(name?);
    }
    let mut wanted = 0;
    for shard in log.layout().all() {
        wanted += log.bounds(Lane::Events, shard).await?.frames;
    }
    let mut taken = 0;
    for name in streams.iter().filter(|name| name.contains("_EV_")) {
        let stream = context.get_stream(name).await?;
        let count = stream.cached_info().state.messages;
        if count == 0 {
            continue;
        }
        let config = consumer::pull::OrderedConfig::default();
        let mut messages =
            stream.create_consumer(config).await?.messages().await?.take(usize::try_from(count)?);
        while let Some(message) = messages.next().await {
            message?;
            taken += 1;
        }
    }
    ensure!(taken == wanted, "{taken} messages instead of {wanted}");
    Ok(())
}

async fn read(log: Arc<dyn Log>, filter: Filter, events: usize) -> anyhow::Result<()> {
    let mut reader = Reader::start(log, filter, Since::All).await?;
    let mut count = 0;
    while count < events {
        if let Delivery::Event(_) = reader.next().await? {
            count += 1;
        }
    }
    Ok(())
}

async fn replay(address: &str, filter: Value, events: usize) -> anyhow::Result<()> {
    let subscribe =
        json!({ "type": "subscribe", "id": "a", "filter": filter, "since": "all", "coalesce": false });
    let mut raw = Raw::subscribe(raw::address(address)?, "runbus.v1", &subscribe, None).await?;
    let mut finder = Finder::new(b"\"execution_id");
    let (mut count, mut buffer) = (0, vec![0; BUFFER]);
    while count < events {
        let read = raw.socket.read(&mut buffer).await?;
        ensure!(read > 0, "the gateway closed after {count} events");
        count += finder.count(buffer.get(..read).unwrap_or_default());
    }
    Ok(())
}
