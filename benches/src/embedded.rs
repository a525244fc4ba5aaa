//! The embedded backend: durable appends and the time to open a large file, beside a raw file in the same run.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use futures_util::future::try_join_all;
use runbus::adapters::embedded::{Config, Embedded};
use runbus::id::{EventId, ExecutionId, NodeId, StreamId};
use runbus::log::{Expect, Frame, Log};
use runbus::subject::{Lane, Shard, Topic};
use runbus::time::Clock;

/// What to measure.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Events appended one a frame, openly, by many callers at once.
    pub(crate) open_events: usize,
    /// Callers at once; each waits for its event before it appends the next.
    pub(crate) callers: usize,
    /// Events appended in frames by the owners of executions.
    pub(crate) framed_events: usize,
    /// Executions at once.
    pub(crate) executions: usize,
    /// Events of a frame.
    pub(crate) frame_events: usize,
    /// Bytes of an event.
    pub(crate) event_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            open_events: 200_000,
            callers: 2_000,
            framed_events: 1_000_000,
            executions: 400,
            frame_events: 50,
            event_bytes: 300,
        }
    }
}

/// One line of the result.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// What was done.
    pub(crate) what: &'static str,
    /// How many events, or files opened.
    pub(crate) count: usize,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Measured {
    /// Events a second.
    #[must_use]
    pub(crate) fn rate(&self) -> f64 {
        self.count as f64 / self.took.as_secs_f64()
    }
}

fn event(bytes: usize, n: usize) -> Bytes {
    let head = format!("{{\"type\":\"tokens_generated\",\"n\":{n},\"text\":\"");
    let fill = bytes.saturating_sub(head.len() + 2);
    Bytes::from(format!("{head}{}\"}}", "x".repeat(fill)))
}

fn topic(execution: usize) -> anyhow::Result<Topic> {
    Ok(Topic::Events {
        stream: StreamId::new("bench")?,
        node: Some(NodeId::new(format!("node-{}", execution % 7))?),
        execution: Some(ExecutionId::new(format!("run-{execution}"))?),
    })
}

async fn timed<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<Duration> {
    let start = Instant::now();
    work.await?;
    Ok(start.elapsed())
}

/// Each caller appends one event after the other, openly.
async fn open_appends(log: &Arc<dyn Log>, options: &Options) -> anyhow::Result<()> {
    let each = options.open_events / options.callers.max(1);
    let callers = (0..options.callers).map(|caller| {
        let (log, options) = (log.clone(), options.clone());
        tokio::spawn(async move {
            let topic = topic(caller % options.executions)?;
            for n in 0..each {
                let frame = Frame::open(&[event(options.event_bytes, n)]);
                log.append(&topic, &frame, Expect::Open(EventId::generate())).await?;
            }
            anyhow::Ok(())
        })
    });
    try_join_all(callers).await?.into_iter().collect()
}

/// Each execution's owner appends one frame after the other, checked.
async fn framed_appends(log: &Arc<dyn Log>, options: &Options) -> anyhow::Result<()> {
    let frames = options.framed_events / (options.executions * options.frame_events).max(1);
    let owners = (0..options.executions).map(|owner| {
        let (log, options) = (log.clone(), options.clone());
        tokio::spawn(async move {
            let topic = topic(1_000_000 + owner)?;
            let mut end = None;
            for frame in 0..frames {
                let lines: Vec<Bytes> =
                    (0..options.frame_events).map(|n| event(options.event_bytes, n)).collect();
                let index = (frame * options.frame_events) as u64;
                let frame = Frame::owned(1, index, 0, &lines);
                end = Some(log.append(&topic, &frame, Expect::Last(end)).await?);
            }
            anyhow::Ok(())
        })
    });
    try_join_all(owners).await?.into_iter().collect()
}

/// The same bytes into a plain file, with one `fdatasync` a batch.
fn raw(path: &Path, events: usize, batch: usize, bytes: usize) -> anyhow::Result<Duration> {
    let mut file = std::fs::File::create(path)?;
    let start = Instant::now();
    for first in (0..events).step_by(batch.max(1)) {
        let mut buffer = Vec::with_capacity(batch * (bytes + 1));
        for n in first..events.min(first + batch) {
            buffer.extend_from_slice(&event(bytes, n));
            buffer.push(b'\n');
        }
        file.write_all(&buffer)?;
        file.sync_data()?;
    }
    Ok(start.elapsed())
}

/// Appends, opens again, and returns what it took. The database is made in `folder`.
///
/// # Errors
/// The disk or the database fails.
pub(crate) async fn embedded(folder: &Path, options: &Options) -> anyhow::Result<Vec<Measured>> {
    let config = Config { data_dir: folder.join("embedded"), ..Config::default() };
    let embedded = Embedded::open(&config, Clock::System)?;
    let log: Arc<dyn Log> = embedded.log.clone();
    let mut results = Vec::new();
    let mut note = |what, count, took| results.push(Measured { what, count, took });

    let raw_path = folder.join("raw");
    let (open, framed, bytes) = (options.open_events, options.framed_events, options.event_bytes);
    note("baseline: raw file, one fdatasync for as many events as there are callers", open, {
        raw(&raw_path, open, options.callers, bytes)?
    });
    note("embedded: open appends, one event each", open, timed(open_appends(&log, options)).await?);
    note("baseline: raw file, one fdatasync for a frame of every execution", framed, {
        raw(&raw_path, framed, options.executions * options.frame_events, bytes)?
    });
    note("embedded: checked appends of frames", framed, timed(framed_appends(&log, options)).await?);
    drop(log);
    drop(embedded);

    let start = Instant::now();
    let again = Embedded::open(&config, Clock::System)?;
    let bounds = again.log.bounds(Lane::Events, Shard(0)).await.context("the first read")?;
    let last = again.log.last(&topic(0)?.key().context("an execution has a key")?).await?;
    again.log.ready().await?;
    note("embedded: open the file again, first read, first write", 1, start.elapsed());
    ensure!(bounds.frames > 0 && last.is_some(), "the events are there again");
    Ok(results)
}
