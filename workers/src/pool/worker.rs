//! The worker: a session for each wake-up, and the settlement of the wake-up.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runbus::bus::Bus;
use runbus::control::Control;
use runbus::event::Source;
use runbus::event::family::execution::Failed;
use runbus::event::family::session::DeadLettered;
use runbus::id::{EventId, ExecutionId, SessionId, WorkerId};
use runbus::log::Sequence;
use runbus::metrics::{Ok as Claimed, worker as metrics};
use runbus::queue::{Delivery, Queue};
use runbus::session::checkpoint::Rule;
use runbus::session::command::{Start, WakeUp};
use runbus::session::journal::Journal;
use runbus::telemetry;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::Instrument;

use super::intake::Intake;
use super::placing;
use super::report;
use super::seat::Seats;
use super::slot::{self, Held, Slot};
use super::{sweep, timers};
use crate::config::Config;
use crate::mcp::Servers;
use crate::observed::Observed;
use crate::session::actor::{Actor, Dependencies, Ended, Error};
use crate::session::claim::{self, Claim};
use crate::session::placement::Lack;
use crate::spans;

/// The wait before a wake-up of a busy session is looked at again.
const BUSY_RETRY: Duration = Duration::from_secs(1);
/// The same when it is this worker itself that is busy with it.
const HERE_RETRY: Duration = Duration::from_millis(50);
/// The same when something did not answer.
const FAULT_RETRY: Duration = Duration::from_secs(2);

/// A worker.
#[derive(Debug)]
pub struct Worker {
    config: Config,
    queue: Arc<dyn Queue>,
    dependencies: Dependencies,
    control: Control,
    servers: Option<Servers>,
    checkpoints: Rule,
    seats: Seats,
    /// How often each session could not go on here since it last did.
    failures: Mutex<HashMap<SessionId, u32>>,
}

impl Worker {
    /// A worker that will pull from `queue`. `dependencies.worker` should come from [`Worker::id`].
    #[must_use]
    pub fn new(config: Config, queue: Arc<dyn Queue>, mut dependencies: Dependencies) -> Self {
        dependencies.model = Arc::new(Observed::new(dependencies.model));
        let bus = Bus::new(dependencies.log.clone(), dependencies.store.clone());
        let control = Control::new(bus, queue.clone(), dependencies.clock.clone());
        let (seats, failures) = (Seats::default(), Mutex::default());
        let checkpoints = Rule::default();
        Self { config, queue, dependencies, control, servers: None, checkpoints, seats, failures }
    }

    /// The same, with another rule for when checkpoints of sessions are written.
    #[must_use]
    pub fn with_checkpoints(self, checkpoints: Rule) -> Self {
        Self { checkpoints, ..self }
    }

    /// The same, with MCP servers whose state its report shows.
    #[must_use]
    pub fn with_servers(self, servers: Servers) -> Self {
        Self { servers: Some(servers), ..self }
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
        let mut intake = Intake::new(worker.queue.clone());
        let (dependencies, config) = (worker.dependencies.clone(), worker.config.clone());
        let queue = worker.queue.clone();
        let report = report::keep(dependencies, config, queue, room.clone(), worker.servers.clone());
        let report = AbortOnDropHandle::new(tokio::spawn(report));
        let timers = timers::keep(worker.queue.clone(), worker.dependencies.clock.clone());
        let timers = AbortOnDropHandle::new(tokio::spawn(timers));
        let patience = worker.config.stranded_after();
        let sweep = sweep::keep(worker.control.clone(), worker.dependencies.worker.clone(), patience);
        let sweep = AbortOnDropHandle::new(tokio::spawn(sweep));
        tracing::info!(worker = %worker.dependencies.worker, concurrency = worker.config.concurrency, "worker is ready");
        loop {
            let permit = tokio::select! {
                () = drain.cancelled() => break,
                permit = room.clone().acquire_owned() => permit,
            };
            let Ok(permit) = permit else { break };
            let delivery = tokio::select! {
                () = drain.cancelled() => break,
                delivery = intake.next() => delivery,
            };
            let (worker, drain, cut) = (worker.clone(), drain.clone(), cut.clone());
            tracker.spawn(async move {
                tokio::select! {
                    () = cut.cancelled() => {}
                    () = worker.handle(delivery, &drain, &cut) => {}
                }
                drop(permit);
            });
        }
        tracker.close();
        tokio::select! {
            () = cut.cancelled() => {}
            () = tracker.wait() => {}
        }
        drop((report, timers, sweep));
        if !cut.is_cancelled() {
            report::end(&worker.dependencies).await;
        }
        tracing::info!(worker = %worker.dependencies.worker, "worker ended");
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
        let slot = match slot::take(&self.dependencies, &self.config, &wake).await {
            Slot::Free(slot) => slot,
            Slot::Taken => {
                // Others with this key are at work: later, and out of the way of those with another key.
                settle("retry", self.queue.retry(&delivery, slot::wait()).await);
                return;
            }
        };
        let alive = self.keep_alive(&delivery, &wake.session_id);
        let outcome = tokio::select! {
            outcome = self.traced(&wake, slot.as_ref(), drain, cut) => outcome,
            () = alive => return,
        };
        if let Some(slot) = slot {
            slot::give_back(&self.dependencies, &slot).await;
        }
        self.settled(&delivery, &wake, outcome).await;
    }

    /// Settles the wake-up.
    async fn settled(&self, delivery: &Delivery, wake: &WakeUp, outcome: Result<Owned, Error>) {
        let session = &wake.session_id;
        let outcome = match outcome {
            // Nobody else has it: somebody wrote into the execution's log who never claimed. That does not pass by itself.
            Err(Error::Fenced) if self.is_last_to_claim(session).await => Err(Error::Broken(Arc::from(
                "the execution's log has a frame of another owner, and no other owner has claimed the session",
            ))),
            outcome => outcome,
        };
        if outcome.is_ok() {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
        }
        let retry = async |wait| settle("retry", self.queue.retry(delivery, wait).await);
        match outcome {
            Ok(Owned::Ended(Ended::Parked { wake_at: None, .. })) => {
                settle("acknowledge", self.queue.ack(delivery).await);
            }
            Ok(Owned::Ended(Ended::Parked { wake_at: Some(at), armed })) => {
                let now = self.dependencies.clock.now();
                let other = armed.is_some_and(|armed| armed > now && armed <= at);
                if other && delivery.deliveries <= 1 {
                    // An earlier wake-up waits for that time.
                    settle("acknowledge", self.queue.ack(delivery).await);
                } else {
                    match timers::set(&*self.queue, &self.dependencies.clock, wake.clone(), at).await {
                        Ok(()) => settle("acknowledge", self.queue.ack(delivery).await),
                        Err(error) => {
                            tracing::warn!(%session, %error, "a timer was not set; the session is looked at again");
                            retry(FAULT_RETRY).await;
                        }
                    }
                }
            }
            Ok(Owned::Ended(Ended::Yielded)) => {
                let key = format!("yielded/{session}/{}", uuid::Uuid::new_v4());
                let class = runbus::control::class(wake.scheduling.priority);
                match self.queue.push(&class, &key, delivery.payload.clone()).await {
                    Ok(()) => settle("acknowledge", self.queue.ack(delivery).await),
                    Err(_) => retry(Duration::ZERO).await,
                }
            }
            Ok(Owned::Ended(Ended::HandedOver)) => retry(Duration::ZERO).await,
            // A wake-up of the sweep: the next sweep makes another one, and one that comes back for ever would not be the last.
            Ok(Owned::NotHere(_)) if wake.inbox == Sequence::default() => {
                settle("acknowledge", self.queue.ack(delivery).await);
            }
            Ok(Owned::Ended(Ended::Left(lack)) | Owned::NotHere(lack)) => {
                let wait =
                    placing::wait(&self.control, &self.dependencies, session, &lack, delivery.deliveries)
                        .await;
                retry(wait).await;
            }
            // Its owner has taken the command that this wake-up announced, and holds a wake-up of its own.
            Ok(Owned::Busy(inbox) | Owned::Here(inbox))
                if inbox >= wake.inbox && delivery.deliveries <= 1 =>
            {
                settle("acknowledge", self.queue.ack(delivery).await);
            }
            // It hears of the command at once, or is just leaving.
            Ok(Owned::Here(_)) if delivery.deliveries <= 1 => retry(HERE_RETRY).await,
            Ok(Owned::Busy(_) | Owned::Here(_)) => retry(BUSY_RETRY * delivery.deliveries.clamp(1, 8)).await,
            Err(Error::Fenced) => {
                tracing::warn!(%session, "another worker took the session over");
                retry(BUSY_RETRY).await;
            }
            Err(error @ Error::Unavailable(_)) => {
                tracing::warn!(%session, %error, "the session is taken up again later");
                retry(FAULT_RETRY).await;
            }
            Err(error) if self.attempts(delivery, wake) < self.config.max_attempts => {
                tracing::error!(%session, %error, "the session cannot go on");
                retry(FAULT_RETRY * delivery.deliveries.clamp(1, 15)).await;
            }
            Err(error) => match self.bury(session, &error, delivery.deliveries).await {
                Ok(()) => settle("give up", self.queue.give_up(delivery).await),
                Err(fault) => {
                    tracing::error!(%session, %fault, "a dead letter could not be written");
                    retry(FAULT_RETRY * 15).await;
                }
            },
        }
    }

    /// How often a session could not go on. Wake-ups of starts also come back from workers that lack the definition, which says nothing
    /// of the session: of these only the failures of this worker count.
    fn attempts(&self, delivery: &Delivery, wake: &WakeUp) -> u32 {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= crate::limits::REMEMBERED_FAILURES {
            failures.clear();
        }
        let own = failures.entry(wake.session_id.clone()).or_default();
        *own = own.saturating_add(1);
        if wake.definition.is_some() { delivery.deliveries.min(*own) } else { delivery.deliveries }
    }

    /// Whether this worker's claim on a session is the last one.
    async fn is_last_to_claim(&self, session: &SessionId) -> bool {
        let (log, clock) = (self.dependencies.log.clone(), self.dependencies.clock.clone());
        match Journal::load(log, clock, session.clone()).await {
            Ok(journal) => journal.state.owner.as_ref() == Some(&self.dependencies.worker),
            Err(error) => {
                tracing::warn!(%session, %error, "the session's owner cannot be read");
                false
            }
        }
    }

    /// Gives a session up that no worker can go on with: a terminal event for its execution, and a dead letter.
    async fn bury(
        &self,
        session: &SessionId,
        error: &Error,
        attempts: u32,
    ) -> Result<(), runbus::control::Error> {
        tracing::error!(%session, %error, attempts, "the session is given up");
        metrics::DEAD_LETTERS.inc();
        let start = match self.control.state(session).await {
            Ok(state) => state.and_then(|state| state.run.map(|run| run.start)),
            Err(unreadable) => {
                tracing::error!(%session, %unreadable, "the session's journal cannot be read");
                self.unended(session).await?
            }
        };
        let reason = error.to_string();
        let execution_id = match &start {
            Some(start) => start.execution_id.clone(),
            // Nobody knows any more; a session of one execution has its name.
            None => ExecutionId::new(session.as_str()).unwrap_or_else(|_same| ExecutionId::generate()),
        };
        let definition = start.as_ref().map_or("unknown", |start| &start.definition).to_owned();
        let stream = start.as_ref().map(|start| start.stream_id.clone());
        let known = self.control.own(&execution_id).await?;
        let stream = stream.or_else(|| known.as_ref().map(|known| known.stream_id.clone()));
        if let Some(stream) = stream
            && known.is_none_or(|known| !known.status.is_terminal())
        {
            let source = Source {
                session_id: Some(session.clone()),
                ..Source::execution(stream, execution_id.clone(), self.dependencies.clock.clone())
            };
            let error = serde_json::json!({ "code": "dead_letter", "message": reason });
            let id = EventId::derived(&format!("{execution_id}/dead_letter"));
            let event = source.event_with_id(id, Failed { error });
            self.control.bus().record(event).await?;
        }
        let session_id = session.clone();
        let letter = DeadLettered { session_id, execution_id, definition, reason, attempts };
        self.control.dead_letter(letter).await
    }

    /// The execution of a session whose journal names none: the first requested execution that has not
    /// ended.
    async fn unended(&self, session: &SessionId) -> Result<Option<Start>, runbus::control::Error> {
        for start in self.control.starts(session).await? {
            let status = self.control.own(&start.execution_id).await?;
            if status.is_none_or(|status| !status.status.is_terminal()) {
                return Ok(Some(start));
            }
        }
        Ok(None)
    }

    /// Owns the session in the trace of the command that woke it.
    async fn traced(
        &self,
        wake: &WakeUp,
        slot: Option<&Held>,
        drain: &CancellationToken,
        cut: &CancellationToken,
    ) -> Result<Owned, Error> {
        let span = spans::session(&wake.session_id);
        if let Some(trace) = &wake.trace {
            telemetry::follow(&span, trace);
        }
        let work = Box::pin(self.own(wake, slot, drain, cut));
        telemetry::passing(wake.trace.clone().map(Arc::new), work).instrument(span).await
    }

    async fn own(
        &self,
        wake: &WakeUp,
        slot: Option<&Held>,
        drain: &CancellationToken,
        cut: &CancellationToken,
    ) -> Result<Owned, Error> {
        let session = &wake.session_id;
        let Some(_seat) = self.seats.take(session) else {
            let journal = Journal::load(
                self.dependencies.log.clone(),
                self.dependencies.clock.clone(),
                session.clone(),
            );
            return Ok(Owned::Here(journal.await?.state.inbox));
        };
        if let Some(lack) = placing::lack(&self.dependencies, wake).await? {
            return Ok(Owned::NotHere(lack));
        }
        let (ttl, grace) = (self.config.lease_ttl(), self.config.takeover_grace());
        let mut journal = match claim::claim(&self.dependencies, session, ttl, grace).await? {
            Claim::Owned(journal) => {
                metrics::CLAIMS.of(Claimed::Ok).inc();
                journal
            }
            Claim::Busy { inbox } => {
                metrics::CLAIMS.of(Claimed::Error).inc();
                return Ok(Owned::Busy(inbox));
            }
        };
        journal.rule = self.checkpoints;
        let _counted = metrics::SESSIONS.hold();
        let renewal = self.renew(session, slot);
        let work = async {
            let mut actor = Actor::take_up(
                self.dependencies.clone(),
                self.control.clone(),
                self.config.max_attempts,
                session.clone(),
                *journal,
                cut.child_token(),
            )
            .await?;
            actor.work(drain).await
        };
        let ended = tokio::select! {
            ended = work => ended,
            () = renewal => Err(Error::Fenced),
        };
        let name = claim::lease(session);
        if let Err(error) = self.dependencies.store.release(&name, self.dependencies.worker.as_str()).await {
            tracing::debug!(%session, %error, "the lease was not released; it runs out by itself");
        }
        Ok(Owned::Ended(ended?))
    }

    /// Renews the lease, and the slot, for ever. A lost lease stops nothing: the journal decides.
    async fn renew(&self, session: &SessionId, slot: Option<&Held>) {
        let ttl = self.config.lease_ttl();
        loop {
            tokio::time::sleep(ttl / 4).await;
            let name = claim::lease(session);
            if let Err(error) =
                self.dependencies.store.lease(&name, self.dependencies.worker.as_str(), ttl).await
            {
                tracing::warn!(%session, %error, "the lease was not renewed");
            }
            if let Some(slot) = slot
                && let Err(error) = self.dependencies.store.lease(&slot.name, &slot.owner, ttl).await
            {
                tracing::warn!(%session, %error, "the slot of its concurrency key was not renewed");
            }
        }
    }

    /// Extends the delivery for ever. A lost delivery stops nothing: the worker that gets it finds the session owned.
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
    /// This worker lacks what it needs, and did not claim it.
    NotHere(Lack),
    Busy(Sequence),
    /// Busy in this very worker.
    Here(Sequence),
}

fn settle(what: &str, outcome: Result<(), runbus::queue::Error>) {
    if let Err(error) = outcome {
        // The queue delivers it again; the journal makes that harmless.
        tracing::warn!(%error, "could not {what} a wake-up");
    }
}
