//! A worker: takes wake-ups from the queue and owns the sessions that they name, so many at a time.

use std::sync::Arc;
use std::time::Duration;

use runbus::control::command::WakeUp;
use runbus::id::{SessionId, WorkerId};
use runbus::queue::{Class, Delivery, Queue};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::session::actor::{Actor, Ended, Error, Tools};
use crate::session::claim::{self, Claim};

/// How long one pull waits for a job.
const PULL_WAIT: Duration = Duration::from_secs(5);
/// The wait after the queue did not answer.
const QUEUE_RETRY: Duration = Duration::from_millis(500);
/// The wait before a wake-up of a busy session is looked at again.
const BUSY_RETRY: Duration = Duration::from_secs(1);
/// The same when something did not answer.
const FAULT_RETRY: Duration = Duration::from_secs(2);

/// A worker.
#[derive(Debug)]
pub struct Worker {
    config: Config,
    queue: Arc<dyn Queue>,
    tools: Tools,
}

impl Worker {
    /// A worker that will pull from `queue`. `tools.worker` should come from [`Worker::id`].
    #[must_use]
    pub fn new(config: Config, queue: Arc<dyn Queue>, tools: Tools) -> Self {
        Self { config, queue, tools }
    }

    /// A fresh identity: never that of an earlier process.
    #[must_use]
    pub fn id(config: &Config) -> WorkerId {
        let random = uuid::Uuid::new_v4().simple().to_string();
        let name: String = config.name.chars().filter(|c| !c.is_control()).take(24).collect();
        WorkerId::new(format!("{name}-{}", &random[..8])).unwrap_or_else(|_never| WorkerId::generate())
    }

    /// Works until `drain` is cancelled, then hands its sessions over at their next step; `cut` stops at once, and
    /// others take over when the leases have run out.
    pub async fn run(self, drain: CancellationToken, cut: CancellationToken) {
        let worker = Arc::new(self);
        let room = Arc::new(Semaphore::new(worker.config.concurrency));
        let tracker = TaskTracker::new();
        let class = Class::sessions();
        tracing::info!(worker = %worker.tools.worker, concurrency = worker.config.concurrency, "worker is ready");
        loop {
            let permit = tokio::select! {
                () = drain.cancelled() => break,
                permit = room.clone().acquire_owned() => permit,
            };
            let Ok(permit) = permit else { break };
            let pulled = tokio::select! {
                () = drain.cancelled() => break,
                pulled = worker.queue.pull(&class, 1, PULL_WAIT) => pulled,
            };
            match pulled {
                Ok(deliveries) => {
                    let mut permit = Some(permit);
                    for delivery in deliveries {
                        let (worker, drain, cut) = (worker.clone(), drain.clone(), cut.clone());
                        let permit = permit.take();
                        tracker.spawn(async move {
                            tokio::select! {
                                () = cut.cancelled() => {}
                                () = worker.handle(delivery, &drain, &cut) => {}
                            }
                            drop(permit);
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the queue does not answer");
                    tokio::time::sleep(QUEUE_RETRY).await;
                }
            }
        }
        tracker.close();
        tokio::select! {
            () = cut.cancelled() => {}
            () = tracker.wait() => {}
        }
        tracing::info!(worker = %worker.tools.worker, "worker ended");
    }

    async fn handle(&self, delivery: Delivery, drain: &CancellationToken, cut: &CancellationToken) {
        let wake = match WakeUp::decode(&delivery.payload) {
            Ok(wake) => wake,
            Err(error) => {
                tracing::error!(%error, "a job is no wake-up; it is given up");
                settle("give up", self.queue.give_up(&delivery).await);
                return;
            }
        };
        let alive = self.keep_alive(&delivery, &wake.session_id);
        let outcome = tokio::select! {
            outcome = self.own(&wake.session_id, drain, cut) => outcome,
            () = alive => return,
        };
        let session = &wake.session_id;
        match outcome {
            Ok(Owned::Ended(Ended::Parked)) => settle("acknowledge", self.queue.ack(&delivery).await),
            Ok(Owned::Ended(Ended::HandedOver)) => {
                settle("hand over", self.queue.retry(&delivery, Duration::ZERO).await);
            }
            // Its owner has taken the command that this wake-up announced, and holds a wake-up of its own.
            Ok(Owned::Busy(inbox)) if inbox >= wake.inbox && delivery.deliveries <= 1 => {
                settle("acknowledge", self.queue.ack(&delivery).await);
            }
            Ok(Owned::Busy(_)) => {
                let wait = BUSY_RETRY * delivery.deliveries.clamp(1, 8);
                settle("retry", self.queue.retry(&delivery, wait).await);
            }
            Err(Error::Fenced) => {
                tracing::warn!(%session, "another worker took the session over");
                settle("retry", self.queue.retry(&delivery, BUSY_RETRY).await);
            }
            Err(error @ Error::Unavailable(_)) => {
                tracing::warn!(%session, %error, "the session is taken up again later");
                settle("retry", self.queue.retry(&delivery, FAULT_RETRY).await);
            }
            Err(error) => {
                tracing::error!(%session, %error, "the session cannot go on");
                settle("retry", self.queue.retry(&delivery, FAULT_RETRY * 15).await);
            }
        }
    }

    #[tracing::instrument(name = "session", skip_all, fields(session_id = %session))]
    async fn own(
        &self,
        session: &SessionId,
        drain: &CancellationToken,
        cut: &CancellationToken,
    ) -> Result<Owned, Error> {
        let (ttl, grace) = (self.config.lease_ttl(), self.config.takeover_grace());
        let journal = match claim::claim(&self.tools, session, ttl, grace).await? {
            Claim::Owned(journal) => journal,
            Claim::Busy { inbox } => return Ok(Owned::Busy(inbox)),
        };
        let renewal = self.renew(session);
        let work = async {
            let mut actor =
                Actor::take_up(self.tools.clone(), session.clone(), *journal, cut.child_token()).await?;
            actor.work(drain).await
        };
        let ended = tokio::select! {
            ended = work => ended,
            () = renewal => Err(Error::Fenced),
        };
        let name = claim::lease(session);
        if let Err(error) = self.tools.store.release(&name, self.tools.worker.as_str()).await {
            tracing::debug!(%session, %error, "the lease was not released; it runs out by itself");
        }
        Ok(Owned::Ended(ended?))
    }

    /// Renews the lease for ever. A lost lease stops nothing: the journal decides.
    async fn renew(&self, session: &SessionId) {
        let ttl = self.config.lease_ttl();
        loop {
            tokio::time::sleep(ttl / 4).await;
            let name = claim::lease(session);
            if let Err(error) = self.tools.store.lease(&name, self.tools.worker.as_str(), ttl).await {
                tracing::warn!(%session, %error, "the lease was not renewed");
            }
        }
    }

    /// Extends the delivery for ever. A lost delivery stops nothing: whoever gets it finds the session owned.
    async fn keep_alive(&self, delivery: &Delivery, session: &SessionId) {
        let hold = self.queue.hold();
        loop {
            tokio::time::sleep(hold / 3).await;
            if let Err(error) = self.queue.extend(delivery).await {
                tracing::warn!(%session, %error, "the wake-up was not extended");
            }
        }
    }
}

enum Owned {
    Ended(Ended),
    Busy(runbus::log::Sequence),
}

fn settle(what: &str, outcome: Result<(), runbus::queue::Error>) {
    if let Err(error) = outcome {
        // The queue delivers it again; the journal makes that harmless.
        tracing::warn!(%error, "could not {what} a wake-up");
    }
}
