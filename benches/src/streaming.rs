//! The load that Runbus is made for: many executions that stream tokens at once, each through its owner's writer.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use runbus::log::Log;
use runbus::subject::{Key, Lane};
use runbus::writer::{Start, Writer};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::process::Meter;
use crate::sample::{self, Execution};

/// The cost of a number of events.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cost {
    pub(crate) events: usize,
    pub(crate) wall: Duration,
    /// Processor time of this process, then of the others that were asked about.
    pub(crate) cpu: Vec<Duration>,
    /// Messages of the log that hold them, where that is known.
    pub(crate) frames: Option<u64>,
}

impl Cost {
    /// Events a second.
    pub(crate) fn rate(&self) -> f64 {
        self.events as f64 / self.wall.as_secs_f64()
    }

    /// Processor time an event of the process with this number, in microseconds.
    pub(crate) fn cpu_us(&self, process: usize) -> Option<f64> {
        Some(self.cpu.get(process)?.as_secs_f64() * 1e6 / self.events as f64)
    }
}

/// The run in the middle, by rate.
pub(crate) fn middle(mut runs: Vec<Cost>) -> Cost {
    runs.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    let at = runs.len() / 2;
    runs.into_iter().nth(at).unwrap_or_default()
}

/// The pace of a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Room in the writer's buffer, as a worker does.
    BackPressure,
    /// Each event, until it is durable.
    EachDurable,
}

/// Streams `each` events of `executions` executions. Ends when the last event is durable, and checks that the log holds
/// them all.
pub(crate) async fn stream_all(
    log: &Arc<dyn Log>,
    executions: usize,
    each: usize,
    pace: Pace,
    others: &[u32],
) -> anyhow::Result<Cost> {
    let mut tasks = JoinSet::new();
    let mut keys = Vec::with_capacity(executions);
    let stop = CancellationToken::new();
    let meter = Meter::start(others)?;
    for _ in 0..executions {
        let mut execution = Execution::new();
        keys.push(Key::Execution(sample::stream(), execution.id.clone()));
        let start = Start { epoch: 1, ..Start::default() };
        let writer = Writer::open(log.clone(), sample::stream(), execution.id.clone(), start, stop.clone());
        tasks.spawn(async move {
            let mut last = None;
            for _ in 0..each {
                let line = execution.line()?;
                let ticket = writer.append(Some(sample::node()), vec![line], None).await?;
                match pace {
                    Pace::BackPressure => last = Some(ticket),
                    Pace::EachDurable => drop(ticket.durable().await?),
                }
            }
            if let Some(ticket) = last {
                ticket.durable().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let (wall, cpu) = meter.stop()?;
    for key in &keys {
        let last = log.last(key).await?;
        let end = last.map(|stored| stored.frame.index().unwrap_or(0) + u64::from(stored.frame.count));
        ensure!(end == Some(each as u64), "{key} has {end:?} events instead of {each}");
    }
    let mut frames = 0;
    for shard in log.layout().all() {
        frames += log.bounds(Lane::Events, shard).await?.frames;
    }
    Ok(Cost { events: executions * each, wall, cpu, frames: Some(frames) })
}
