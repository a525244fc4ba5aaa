//! Statistics: folded over the log, kept in the store, continued where the last fold ended.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Bus;
use super::delivery::{Delivery, decode, lines};
use crate::limits;
use crate::log::{Cursor, Direction, Place, Read, ReadError};
use crate::store::{self, Mark, Name};
use crate::subject::{Lane, Scope};

/// The counts of stored and received events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Stats {
    /// Events counted, with those that retention has removed since.
    pub events: u64,
    /// Lines that are no events.
    pub undecodable: u64,
    /// Events by type; beyond 10,000 types, the rest as `(others)`.
    pub by_type: BTreeMap<String, u64>,
    /// Events by stream; beyond 10,000 streams, the rest as `(others)`.
    pub by_stream: BTreeMap<String, u64>,
    /// Bytes of their lines.
    pub bytes: u64,
    /// Messages that the log holds now, as the adapter counts them.
    pub stored_frames: u64,
    /// Bytes that the log holds now, as the adapter counts them.
    pub stored_bytes: u64,
    /// Subscriptions of this bus handle.
    pub subscriptions: usize,
    /// Before the first event that is left.
    #[schemars(with = "String")]
    pub first: Cursor,
    /// Behind the last event.
    #[schemars(with = "String")]
    pub last: Cursor,
}

/// The state kept between two calls.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Fold {
    stats: Stats,
    folds: u64,
}

fn name() -> Name {
    Name { family: "stats", id: "events".into() }
}

impl Bus {
    /// Statistics up to now. The first call after the store was wiped reads the whole log.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn stats(&self) -> Result<Stats, ReadError> {
        let mut fold = self.load().await;
        let begun = fold.stats.last.clone();
        let mut first = Cursor::start();
        (fold.stats.stored_frames, fold.stats.stored_bytes) = (0, 0);
        for shard in self.log.layout().all() {
            let bounds = self.log.bounds(Lane::Events, shard).await?;
            fold.stats.stored_frames += bounds.frames;
            fold.stats.stored_bytes += bounds.bytes;
            first.set(shard, Place::after(bounds.epoch, bounds.first.previous()));
            let known =
                fold.stats.last.place(shard).filter(|p| p.epoch == bounds.epoch && p.sequence <= bounds.last);
            let mut place = known.unwrap_or(Place::after(bounds.epoch, bounds.first.previous()));
            while place.sequence < bounds.last {
                let read = Read {
                    scope: Scope::EVERYTHING,
                    shard,
                    from: place.sequence.next(),
                    direction: Direction::Forward,
                    max_frames: limits::PAGE_FRAMES,
                    max_bytes: limits::PAGE_BYTES,
                };
                let page = self.log.read(&read).await?;
                if page.frames.is_empty() {
                    break;
                }
                for stored in page.frames {
                    place = Place::after(bounds.epoch, stored.sequence);
                    count(&mut fold.stats, &std::sync::Arc::new(stored));
                }
            }
            fold.stats.last.set(shard, place);
        }
        fold.stats.first = first;
        if fold.stats.last != begun {
            self.save(&mut fold).await;
        }
        fold.stats.subscriptions = self.subscriptions.len();
        Ok(fold.stats)
    }

    async fn load(&self) -> Fold {
        match self.store.get(&name()).await {
            Ok(Some(kept)) => crate::json::from_slice(&kept.document).unwrap_or_default(),
            Ok(None) => Fold::default(),
            Err(error) => {
                tracing::warn!(%error, "statistics are counted anew: the store does not have them");
                Fold::default()
            }
        }
    }

    async fn save(&self, fold: &mut Fold) {
        fold.folds += 1;
        let mark = Mark { epoch: 0, from: Some(fold.folds - 1), to: fold.folds };
        let document = Bytes::from(serde_json::to_vec(&fold).unwrap_or_default());
        // Somebody else may have saved in between, or the store was wiped: the next call repeats a part of the work.
        match self.store.apply(&name(), mark, document.clone(), None).await {
            Ok(store::Applied::Discontinuous) => {
                let whole = Mark { from: None, ..mark };
                if let Err(error) = self.store.apply(&name(), whole, document, None).await {
                    tracing::debug!(%error, "statistics were not kept");
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "statistics were not kept"),
        }
    }
}

/// Counts a name; when there are too many names already, new ones together as `(others)`.
fn add(counts: &mut BTreeMap<String, u64>, name: &str) {
    let known = counts.contains_key(name) || counts.len() < limits::STATS_NAMES;
    *counts.entry(if known { name } else { "(others)" }.to_owned()).or_default() += 1;
}

fn count(stats: &mut Stats, stored: &std::sync::Arc<crate::log::Stored>) {
    for line in lines(stored, crate::log::Epoch::default(), 0) {
        let bytes = line.bytes.len() as u64;
        match decode(stored, line, Cursor::start()) {
            Delivery::Event(found) => {
                stats.events += 1;
                stats.bytes += bytes;
                add(&mut stats.by_type, found.event.kind.as_str());
                add(&mut stats.by_stream, found.event.stream_id.as_str());
            }
            _ => stats.undecodable += 1,
        }
    }
}
