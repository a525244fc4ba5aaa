//! A log that counts appends and reads, over any adapter.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;

use super::frame::Frame;
use super::port::{AppendError, Bounds, Expect, Log, Page, Read, ReadError, Stored};
use super::{Sequence, Tail};
use crate::metrics::{self, Failed};
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};

/// Counts what goes through it.
#[derive(Debug)]
pub struct Metered(Arc<dyn Log>);

impl Metered {
    /// Counts what goes through `log`.
    #[must_use]
    pub fn new(log: Arc<dyn Log>) -> Self {
        Self(log)
    }
}

const fn label(lane: Lane) -> metrics::Lane {
    match lane {
        Lane::Events => metrics::Lane::Events,
        Lane::Journal => metrics::Lane::Journal,
        Lane::Inbox => metrics::Lane::Inbox,
    }
}

fn count_append(lane: metrics::Lane, frame: &Frame, begun: Instant, outcome: &Result<Sequence, AppendError>) {
    let failed = match outcome {
        Ok(_) => {
            metrics::log::APPENDED_FRAMES.of(lane).inc();
            metrics::log::APPENDED_LINES.of(lane).add(frame.count.into());
            metrics::log::APPENDED_BYTES.of(lane).add(frame.payload.len() as u64);
            metrics::log::APPEND_LATENCY.of(lane).observe(begun.elapsed());
            return;
        }
        Err(AppendError::Fenced { .. }) => Failed::Fenced,
        Err(AppendError::Regressed { .. }) => Failed::Regressed,
        Err(AppendError::Unresolved(_)) => Failed::Unresolved,
        Err(AppendError::TooLarge { .. } | AppendError::Refused(_)) => Failed::Refused,
    };
    metrics::log::APPEND_FAILURES.of(failed).inc();
}

#[async_trait]
impl Log for Metered {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.0.layout()
    }

    async fn home(&self, key: &Key) -> Result<Shard, ReadError> {
        self.0.home(key).await
    }

    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        let begun = Instant::now();
        let outcome = self.0.append(topic, frame, expect).await;
        count_append(label(topic.lane()), frame, begun, &outcome);
        outcome
    }

    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        let lane = label(read.scope.lane());
        let outcome = self.0.read(read).await;
        match &outcome {
            Ok(page) => {
                metrics::log::PAGES.of(lane).inc();
                metrics::log::READ_FRAMES.of(lane).add(page.frames.len() as u64);
            }
            Err(_) => metrics::log::READ_FAILURES.of(lane).inc(),
        }
        outcome
    }

    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.0.last(key).await
    }

    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.0.tail(scope).await
    }

    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.0.bounds(lane, shard).await
    }

    async fn ready(&self) -> Result<(), ReadError> {
        self.0.ready().await
    }
}
