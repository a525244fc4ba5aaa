//! The one who dispatches an endpoint: reads, delivers, records how far it came.

use std::sync::Arc;
use std::time::Duration;

use runbus::bus::{Delivered, Delivery, Reader};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::checkpoint::{Checkpoint, Checkpoints, Error};
use super::claim::{Claimant, lease};
use super::deliver::{Ended, EndpointSender};
use super::select;
use super::window::{Ticket, Window};
use crate::limits;

/// Dispatches one endpoint for as long as it is this worker's.
#[derive(Debug)]
pub(super) struct Owner {
    endpoint_sender: Arc<EndpointSender>,
    claimant: Claimant,
    checkpoints: Checkpoints,
    reader: Reader,
    window: Window<Box<Delivered>>,
    /// Deliveries at work; dropping them ends them where they stand.
    running: JoinSet<(Ticket, Ended)>,
    /// Events settled since the last checkpoint.
    settled: usize,
    recorded_at: Instant,
    drain: CancellationToken,
}

impl Owner {
    pub(super) fn new(
        endpoint_sender: Arc<EndpointSender>,
        claimant: Claimant,
        (checkpoints, reader): (Checkpoints, Reader),
        drain: CancellationToken,
    ) -> Self {
        let window = Window::new(reader.cursor().clone());
        let (running, settled, recorded_at) = (JoinSet::new(), 0, Instant::now());
        Self { endpoint_sender, claimant, checkpoints, reader, window, running, settled, recorded_at, drain }
    }

    /// Dispatches until `drain` is cancelled, then lets what was sent end, and records that another may go on.
    ///
    /// # Errors
    /// [`Error::Lost`]: another worker dispatches now.
    pub(super) async fn run(mut self, every: Duration) -> Result<(), Error> {
        let (claimant, name) = (self.claimant.clone(), self.endpoint_sender.name.clone());
        let doubt = Notify::new();
        let ended = tokio::select! {
            ended = self.work(every, &doubt) => ended,
            () = renew(&claimant, &name, &doubt) => Ok(()),
        };
        claimant.release(&name).await;
        ended
    }

    async fn work(&mut self, every: Duration, doubt: &Notify) -> Result<(), Error> {
        let mut tick = tokio::time::interval(every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let drain = self.drain.clone();
        loop {
            tokio::select! {
                () = drain.cancelled() => break,
                Some(ended) = self.running.join_next() => {
                    self.settle(ended)?;
                    if self.settled >= limits::WEBHOOK_CHECKPOINT_EVENTS {
                        self.record(false).await?;
                    }
                }
                found = self.reader.next(), if self.window.has_room() => self.take(found?),
                // The lease is not sure: the log says whose the endpoint is, and sees that this worker lives.
                () = doubt.notified() => self.record(false).await?,
                _ = tick.tick() => if self.is_due() {
                    self.record(false).await?;
                },
            }
        }
        while let Some(ended) = self.running.join_next().await {
            self.settle(ended)?;
        }
        self.record(true).await
    }

    fn take(&mut self, found: Delivery) {
        let name = &self.endpoint_sender.name;
        match found {
            Delivery::Event(found) => {
                if select::wants(name, &self.endpoint_sender.endpoint, &found.event) {
                    let lane = (found.event.stream_id.clone(), found.event.execution_id.clone());
                    let started = self.window.push(lane, found.cursor.clone(), found.line.len(), found);
                    self.start(started);
                }
            }
            Delivery::Undecodable(line) => {
                tracing::debug!(endpoint = name, cursor = %line.cursor, reason = line.reason, "a line is no event");
            }
            Delivery::Gap(gap) => {
                tracing::warn!(endpoint = name, ?gap, "events are gone before they were sent")
            }
            Delivery::CaughtUp => {}
        }
    }

    fn start(&mut self, started: Option<(Ticket, Box<Delivered>)>) {
        let Some((ticket, found)) = started else { return };
        let (endpoint_sender, drain) = (self.endpoint_sender.clone(), self.drain.clone());
        self.running.spawn(async move { (ticket, endpoint_sender.deliver(&found, &drain).await) });
    }

    fn settle(&mut self, ended: Result<(Ticket, Ended), tokio::task::JoinError>) -> Result<(), Error> {
        let (ticket, ended) = ended.map_err(|error| Error::Broken(format!("a delivery failed: {error}")))?;
        // A stopped event stays in the window, and the cursor stays before it.
        if ended != Ended::Stopped {
            self.settled += 1;
            let next = self.window.settle(ticket);
            if !self.drain.is_cancelled() {
                self.start(next);
            }
        }
        Ok(())
    }

    /// Whether something was settled, or enough was passed over that nobody wants.
    fn is_due(&self) -> bool {
        self.settled > 0 || self.recorded_at.elapsed() >= limits::WEBHOOK_IDLE_CHECKPOINT && self.has_moved()
    }

    fn has_moved(&self) -> bool {
        self.checkpoints.found.as_ref().is_none_or(|found| found.cursor != *self.cursor())
    }

    /// Behind everything that is settled.
    fn cursor(&self) -> &runbus::log::Cursor {
        if self.window.is_empty() { self.reader.cursor() } else { self.window.cursor() }
    }

    async fn record(&mut self, released: bool) -> Result<(), Error> {
        let cursor = self.cursor().clone();
        let worker = self.claimant.worker.clone();
        let checkpoint =
            Checkpoint { released, ..Checkpoint::new(self.claimant.clock.now(), worker, cursor) };
        self.checkpoints.record(checkpoint).await?;
        self.settled = 0;
        self.recorded_at = Instant::now();
        Ok(())
    }
}

/// Renews the lease for ever, and says when it could not.
async fn renew(claimant: &Claimant, name: &str, doubt: &Notify) {
    let pause = claimant.ttl / 4;
    let name = lease(name);
    loop {
        tokio::time::sleep(pause).await;
        let renewed = claimant.bus.store().lease(&name, claimant.worker.as_str(), claimant.ttl);
        match tokio::time::timeout(pause, renewed).await {
            Ok(Ok(runbus::store::Lease::Held)) => {}
            _ => doubt.notify_one(),
        }
    }
}
