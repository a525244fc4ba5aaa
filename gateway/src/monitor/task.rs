//! The task that folds one monitor: stored events first, then new ones.

use std::sync::{Arc, Weak};

use runbus::bus::history::{self, Order, Query};
use runbus::bus::{Bus, Delivery, Filter, Reader};
use runbus::event::{Event, Kind};
use runbus::id::StreamId;
use runbus::log::{Cursor, ReadError, Since};
use runbus::monitor::{Detail, Fold, Monitor, Prices};
use tokio::time::Instant;

use super::registry::Held;
use super::reports::Reports;
use super::watch::Ended;
use crate::config::monitor::Config;
use crate::ledger::{Ledger, Table, TableUsage};
use crate::limits;

/// The task that folds one monitor. It holds the monitor only for a moment at a time: its watchers keep it.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) held: Weak<Held>,
    pub(super) stream: Option<StreamId>,
    pub(super) config: Config,
    pub(super) prices: Prices,
    pub(super) bus: Bus,
    pub(super) reports: Arc<Reports>,
    pub(super) ledger: Arc<Ledger>,
    /// Of who watched it first.
    pub(super) usage: Arc<TableUsage>,
}

impl Task {
    /// Folds until it is dropped, or the log refuses.
    pub(super) async fn run(self) {
        let Err(error) = self.fold().await;
        tracing::error!(stream = ?self.stream, %error, "a monitor ends: the log refuses");
        if let Some(held) = self.held.upgrade() {
            held.feed.change(|state| {
                state.ended = Some(Ended(Arc::from(error.to_string())));
                true
            });
        }
    }

    async fn fold(&self) -> Result<std::convert::Infallible, ReadError> {
        let mut reader = self.begin().await?;
        let mut fold = self.past(reader.cursor()).await?;
        self.report(&mut fold).await;
        // Its document, and about as much for its parts.
        let mut held = self.ledger.force(&self.usage, Table::Bytes, 0);
        let mut report_at = Instant::now() + limits::MONITOR_REPORTS;
        let mut rested_at = Instant::now();
        let mut publish_at = Some(Instant::now());
        loop {
            // Nothing to publish: wake up for the reports.
            let then = publish_at.unwrap_or(report_at);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(then.min(report_at)) => {}
                delivery = reader.next() => {
                    let changed = match delivery? {
                        Delivery::Event(found) => fold.apply(&found.event, found.external),
                        Delivery::Gap(_) => fold.lost(),
                        Delivery::Undecodable(_) | Delivery::CaughtUp => false,
                    };
                    if changed && publish_at.is_none() {
                        publish_at = Some(rested_at.max(Instant::now()));
                    }
                }
            }
            let now = Instant::now();
            if now >= report_at {
                report_at = now + limits::MONITOR_REPORTS;
                if self.report(&mut fold).await && publish_at.is_none() {
                    publish_at = Some(rested_at.max(now));
                }
            }
            if publish_at.is_some_and(|then| now >= then) {
                publish_at = None;
                held.set(2 * self.publish(&fold));
                // A large document takes its time: a tenth of one processor at most.
                rested_at = now + self.config.interval().max(now.elapsed() * 10);
            }
        }
    }

    /// Begins to read what comes, with patience for a log that does not answer yet.
    async fn begin(&self) -> Result<Reader, ReadError> {
        loop {
            match self.bus.read(self.filter(), Since::New).await {
                Err(error) if error.is_retryable() => {
                    tracing::warn!(%error, "a monitor waits for the log");
                    tokio::time::sleep(limits::MONITOR_PATIENCE).await;
                }
                reader => return reader,
            }
        }
    }

    fn filter(&self) -> Filter {
        Filter { stream_id: self.stream.clone(), ..Filter::all() }
    }

    /// The newest part of the events before `end`, as much as is configured.
    async fn past(&self, end: &Cursor) -> Result<Fold, ReadError> {
        let _turn = loop {
            let turn = self.ledger.take_within(&self.usage, Table::Beginnings, 1, limits::ROOM_PATIENCE);
            if let Ok(turn) = turn.await {
                break turn;
            }
        };
        let mut held = self.ledger.force(&self.usage, Table::Bytes, 2 * limits::MONITOR_PAGE_BYTES);
        let types = Kind::ALL.iter().filter(|kind| Fold::wants(kind));
        let mut query = Query {
            filter: self.filter().types(types.cloned()),
            order: Order::Newest,
            limit: 0,
            cursor: Some(end.clone()),
            bytes: 2 * limits::MONITOR_PAGE_BYTES,
        };
        let (mut events, mut bytes): (Vec<(Event, bool)>, usize) = (Vec::new(), 0);
        let mut scans = 0;
        let complete = loop {
            let left = self.config.history_events.saturating_sub(events.len());
            if left == 0 || bytes >= self.config.history_bytes || scans >= limits::MONITOR_SCANS {
                break false;
            }
            // Pages of about the same bytes, however large events are.
            let each = bytes.checked_div(events.len()).unwrap_or(limits::MONITOR_PAGE_BYTES / 100).max(1);
            query.limit = (limits::MONITOR_PAGE_BYTES / each).clamp(10, 2000).min(left);
            let page = match self.bus.history(&query).await {
                Ok(page) => page,
                Err(history::Error::Log(error)) if !error.is_retryable() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "a monitor waits for the log");
                    tokio::time::sleep(limits::MONITOR_PATIENCE).await;
                    continue;
                }
            };
            // A short page: its range has few events that a monitor shows; most are tokens.
            scans += usize::from(page.events.len() < query.limit && page.bytes < limits::MONITOR_PAGE_BYTES);
            for delivery in page.events {
                if let Delivery::Event(found) = delivery {
                    bytes += found.line.len();
                    events.push((found.event, found.external));
                }
            }
            held.set(bytes + 2 * limits::MONITOR_PAGE_BYTES);
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break true,
            }
        };
        let mut fold = Fold::new(self.stream.clone(), complete);
        events.iter().rev().for_each(|(event, external)| {
            fold.apply(event, *external);
        });
        Ok(fold)
    }

    async fn report(&self, fold: &mut Fold) -> bool {
        match self.reports.get().await {
            Some(reports) => fold.report(&reports),
            None => false,
        }
    }

    /// Shows what it is now; the document's size.
    fn publish(&self, fold: &Fold) -> usize {
        let Some(held) = self.held.upgrade() else { return 0 };
        let (monitor, bytes) = self.bounded(fold);
        held.feed.change(|state| state.advance(monitor));
        bytes
    }

    /// As much of it as there is room for, and its size.
    fn bounded(&self, fold: &Fold) -> (Monitor, usize) {
        let [.., least] = Detail::ALL;
        for detail in Detail::ALL {
            let monitor = fold.view(&self.prices, detail);
            let bytes = serde_json::to_vec(&monitor).map_or(0, |text| text.len());
            if bytes <= self.config.max_bytes || detail == least {
                return (monitor, bytes);
            }
        }
        (Monitor::default(), 0)
    }
}
