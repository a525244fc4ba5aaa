//! Readers over a feed that drops, doubles and delays, and over reads that lag: no hole, no double, no disorder.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use runbus::bus::{Bus, Delivery, Filter};
use runbus::event::Source;
use runbus::event::family::model::TextDelta;
use runbus::id::{ExecutionId, StreamId};
use runbus::log::{
    AppendError, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Signal, Since, Stored, Tail,
    feed,
};
use runbus::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use runbus::time::Clock;
use runbus::writer::{Start, Writer};
use tokio_util::sync::CancellationToken;

use crate::backends;
use crate::client::PATIENCE;

/// A log whose feed and reads are as bad as they may be.
#[derive(Debug)]
struct Unreliable {
    inner: Arc<dyn Log>,
    dice: Arc<AtomicU64>,
}

/// A number below `sides`, the same sequence for the same seed.
fn roll(dice: &AtomicU64, sides: u64) -> u64 {
    let step = |x: u64| x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let before = dice.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(step(x))).unwrap();
    (before >> 33) % sides
}

#[async_trait]
impl Log for Unreliable {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.inner.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.inner.append(topic, frame, expect).await
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        let mut page = self.inner.read(read).await?;
        // A replica that lags: the end is not there yet.
        if page.done && roll(&self.dice, 3) == 0 {
            let keep = page.frames.len() - roll(&self.dice, page.frames.len() as u64 + 1) as usize;
            page.frames.truncate(keep);
        }
        Ok(page)
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.inner.last(key).await
    }
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        let mut good = self.inner.tail(scope).await?;
        let (feeder, tail) = feed(());
        let dice = self.dice.clone();
        tokio::spawn(async move {
            let mut held: Option<Arc<Stored>> = None;
            loop {
                let signal = tokio::select! {
                    signal = good.next() => signal,
                    () = feeder.closed() => return,
                };
                match signal {
                    Some(Signal::Frame(stored)) => match roll(&dice, 10) {
                        0..=1 => {}
                        2 => {
                            feeder.frame(stored.clone());
                            feeder.frame(stored);
                        }
                        3 => held = Some(stored),
                        _ => {
                            feeder.frame(stored);
                            held.take().into_iter().for_each(|late| feeder.frame(late));
                        }
                    },
                    Some(Signal::Suspect) => feeder.suspect(),
                    None => return,
                }
            }
        });
        Ok(tail)
    }
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.inner.bounds(lane, shard).await
    }
    async fn ready(&self) -> Result<(), ReadError> {
        self.inner.ready().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_feed_or_reads_is_seen() {
    const EVENTS: usize = 300;
    let backend = backends::embedded();
    for seed in 1..=4 {
        let log: Arc<dyn Log> =
            Arc::new(Unreliable { inner: backend.log.clone(), dice: Arc::new(AtomicU64::new(seed)) });
        let bus = Bus::new(log.clone(), backend.store.clone());
        // Two streams with one execution id are two executions: one with an owner, one of plain publishers.
        let execution = ExecutionId::new(format!("e{seed}")).unwrap();
        let streams = [StreamId::new("owned").unwrap(), StreamId::new("plain").unwrap()];
        let scopes = [
            (Filter::execution(execution.clone()), 2),
            (Filter::execution_of(streams[0].clone(), execution.clone()), 1),
            (Filter::execution_of(streams[1].clone(), execution.clone()), 1),
            (Filter::all(), 2),
        ];
        let mut readers = Vec::new();
        for (filter, keys) in scopes {
            let (bus, execution) = (bus.clone(), execution.clone());
            let mut reader = bus.read(filter.clone(), Since::All).await.unwrap();
            readers.push(tokio::spawn(async move {
                let mut seen: BTreeMap<String, usize> = BTreeMap::new();
                while seen.values().sum::<usize>() < keys * EVENTS {
                    let next = tokio::time::timeout(PATIENCE, reader.next()).await;
                    let Delivery::Event(found) = next
                        .unwrap_or_else(|_| panic!("seed {seed} {filter:?}: nothing after {seen:?}"))
                        .unwrap()
                    else {
                        continue;
                    };
                    if found.event.execution_id.as_ref() != Some(&execution) {
                        continue;
                    }
                    let data: serde_json::Value = serde_json::from_str(found.event.data.get()).unwrap();
                    let count = seen.entry(found.event.stream_id.to_string()).or_default();
                    assert_eq!(data["content"], count.to_string().as_str(), "seed {seed} {filter:?}");
                    *count += 1;
                }
            }));
        }
        let start = Start { epoch: 1, ..Start::default() };
        let stop = CancellationToken::new();
        let writer = Writer::open(log, streams[0].clone(), execution.clone(), start, stop);
        for n in 0..EVENTS {
            let delta = |stream: &StreamId| {
                Source::execution(stream.clone(), execution.clone(), Clock::System)
                    .llm_text_delta(TextDelta { content: n.to_string(), snapshot: None })
            };
            let line = delta(&streams[0]).encode().unwrap();
            drop(writer.append(None, vec![line], None).await.unwrap());
            bus.publish(delta(&streams[1])).await.unwrap();
        }
        for reader in readers {
            reader.await.unwrap();
        }
    }
}
