//! A session's owner at work: decide, journal, project, act; until nothing is left to do.

use std::sync::Arc;

use runbus::control::Control;
use runbus::id::{SessionId, WorkerId};
use runbus::log::Log;
use runbus::metrics::{Ok as Well, worker as metrics};
use runbus::session::entry::{Fact, Outcome};
use runbus::session::inbox::{self, UpTo};
use runbus::session::journal::{self, Journal};
use runbus::session::run::Phase;
use runbus::session::state::{Change, State};
use runbus::store::Store;
use runbus::time::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use super::effects::Effects;
use super::events::{self, Events};
use super::invocation::{self, Invocation};
use super::listen::{InboxListener, InboxSignal};
use super::placement::{self, Lack};
use super::projection::Reflected;
use super::step::{self, Decision, Effect, World};
use crate::definition::{Definitions, Plan, Scopes};
use crate::limits;
use crate::model::Model;
use crate::run::{Context, Done, compact, model, notify, tools};
use crate::tool::Registry;

/// The wait before a broker that does not answer is asked again.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

/// The dependencies of a session's owner.
#[derive(Debug, Clone)]
pub struct Dependencies {
    /// The log.
    pub log: Arc<dyn Log>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Clock,
    /// Agents and graphs.
    pub definitions: Arc<Definitions>,
    /// The model.
    pub model: Arc<dyn Model>,
    /// Tools.
    pub registry: Arc<Registry>,
    /// The worker.
    pub worker: WorkerId,
}

/// Why the owner stopped before the session was parked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another worker owns the session: it goes on there.
    #[error("another worker owns the session")]
    Fenced,
    /// The fact is too large to record, or could not be read again: the execution ends with that.
    #[error("{text}")]
    Unrecordable {
        /// A stable code.
        code: &'static str,
        /// The fault.
        text: Arc<str>,
    },
    /// Something does not answer; the session has to be taken up again.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// Something refuses. A human must look.
    #[error("{0}")]
    Broken(Arc<str>),
}

impl From<journal::Error> for Error {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::Fenced => Self::Fenced,
            journal::Error::Unavailable(text) => Self::Unavailable(text),
            journal::Error::Broken(text) => Self::Broken(text),
            journal::Error::TooLarge { .. } => {
                Self::Unrecordable { code: "too_large", text: Arc::from(error.to_string()) }
            }
            journal::Error::Unreadable(_) => {
                Self::Unrecordable { code: "unrecordable", text: Arc::from(error.to_string()) }
            }
        }
    }
}

impl From<events::Error> for Error {
    fn from(error: events::Error) -> Self {
        match error {
            events::Error::Fenced => Self::Fenced,
            events::Error::Unavailable(text) => Self::Unavailable(text),
            events::Error::Broken(text) => Self::Broken(text),
        }
    }
}

/// How an owner ended its work.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// Nothing is left to do until a command comes, or until `wake_at`.
    Parked {
        /// When to look again without a command.
        wake_at: Option<Timestamp>,
        /// When an earlier wake-up is set for.
        armed: Option<Timestamp>,
    },
    /// An execution has ended and another one waits: other sessions come first.
    Yielded,
    /// The worker shuts down; another one goes on.
    HandedOver,
    /// The worker lacks what the session needs; another one may have it.
    Left(Lack),
}

/// A session and its owner.
#[derive(Debug)]
pub struct Actor {
    dependencies: Dependencies,
    control: Control,
    max_attempts: u32,
    session: SessionId,
    journal: Journal,
    events: Option<Events>,
    plan: Option<Arc<Plan>>,
    scopes: Arc<Scopes>,
    /// The missing part of this worker for the execution under way.
    lack: Option<Lack>,
    effects: Effects,
    listener: InboxListener,
    armed: Option<Timestamp>,
    stop: CancellationToken,
    /// The trace of the execution that runs.
    invocation: Option<Invocation>,
}

impl Actor {
    /// Takes a claimed session up where its journal ends. `stop` ends its writers.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn take_up(
        dependencies: Dependencies,
        control: Control,
        max_attempts: u32,
        session: SessionId,
        journal: Journal,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let listener = InboxListener::new(dependencies.log.clone(), &session);
        let (scopes, armed) = (Arc::new(Scopes::none(&dependencies.registry)), journal.state.armed);
        let (events, plan, effects) = (None, None, Effects::default());
        let mut actor = Self {
            dependencies,
            control,
            max_attempts,
            session,
            journal,
            events,
            plan,
            scopes,
            lack: None,
            effects,
            listener,
            armed,
            stop,
            invocation: None,
        };
        actor.follow_plan();
        actor.events = actor.open_events(None).await?;
        actor.follow_run();
        actor.journal.forget();
        Ok(actor)
    }

    fn follow_plan(&mut self) {
        self.plan = self.journal.state.run.as_ref().and_then(|run| self.dependencies.definitions.of(run));
        let running = self.journal.state.running();
        self.lack = running.and_then(|run| {
            placement::of_run(run, &self.dependencies.definitions, &self.dependencies.registry)
        });
        self.scopes = Arc::new(match &self.plan {
            Some(plan) => plan.scopes(&self.dependencies.registry),
            None => Scopes::none(&self.dependencies.registry),
        });
    }

    /// The trace of the run that is at work now.
    fn follow_run(&mut self) {
        let Some(run) = self.journal.state.running() else {
            self.invocation = None;
            return;
        };
        if self.invocation.as_ref().is_none_or(|known| !known.is_of(run)) {
            self.invocation = Some(Invocation::of(&self.session, run, self.plan.as_deref()));
        }
    }

    /// Puts work in the trace of the run.
    fn start(&mut self, effect: Effect, work: impl Future<Output = Done> + Send + 'static) {
        match &self.invocation {
            Some(invocation) => {
                let work = invocation.doing(work);
                self.effects.start(effect, work);
            }
            None => self.effects.start(effect, work),
        }
    }

    async fn open_events(
        &self,
        begun: Option<&runbus::session::entry::Entry>,
    ) -> Result<Option<Events>, Error> {
        let (log, store) = (self.dependencies.log.clone(), self.dependencies.store.clone());
        let plan = self.plan.as_deref();
        Ok(Events::open(log, store, &self.session, &self.journal, begun, plan, &self.stop).await?)
    }

    /// Works until the session is parked, or until `drain` says that the worker shuts down: then what is at work is
    /// ended, and nothing is begun.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn work(&mut self, drain: &CancellationToken) -> Result<Ended, Error> {
        self.take_commands(UpTo::Acknowledged).await?;
        loop {
            if drain.is_cancelled() {
                return self.hand_over().await;
            }
            self.journal.checkpoint(false).await?;
            if self.journal.state.running().is_some() {
                self.journal.load_messages(false).await?;
            }
            let (effects, wake_at, paused) = match self.decide() {
                Decision::Record(fact) => {
                    let ends = matches!(*fact, Fact::ExecutionEnded { .. });
                    self.record(*fact).await?;
                    if ends && self.yields().await? {
                        return Ok(Ended::Yielded);
                    }
                    continue;
                }
                Decision::Wait { effects, wake_at, paused } => (effects, wake_at, paused),
                Decision::Leave(lack) => {
                    self.effects.clear();
                    self.record(Fact::Released { wake_at: None }).await?;
                    return Ok(Ended::Left(lack));
                }
            };
            self.effects.keep(&effects, paused);
            for effect in effects {
                self.begin(effect);
            }
            let now = self.dependencies.clock.now();
            let soon = wake_at.is_some_and(|at| at <= step::later(now, limits::WAIT_IN_PLACE));
            if self.effects.is_empty() && !soon {
                if self.take_commands(UpTo::Acknowledged).await? {
                    continue;
                }
                self.journal.checkpoint(true).await?;
                self.record(Fact::Released { wake_at }).await?;
                // A command may have come between the last look and the release.
                if self.inbox(UpTo::Acknowledged).await?.is_empty() {
                    return Ok(Ended::Parked { wake_at, armed: self.armed });
                }
                let worker = self.dependencies.worker.clone();
                self.journal.claim(&worker).await?;
                self.journal.forget();
                self.take_commands(UpTo::Acknowledged).await?;
                continue;
            }
            let pause = wake_at.map_or(limits::WAKE_AT_MOST, |at| at.since(now));
            tokio::select! {
                done = self.effects.next() => self.ended(done).await?,
                signal = self.listener.next() => self.on_signal(signal).await?,
                () = tokio::time::sleep(pause.min(limits::WAKE_AT_MOST)) => {}
                () = drain.cancelled() => {}
            }
        }
    }

    fn decide(&self) -> Decision {
        step::decide(
            &self.journal.state,
            World {
                session: &self.session,
                plan: self.plan.as_deref(),
                definitions: &self.dependencies.definitions,
                scopes: &self.scopes,
                lack: self.lack.as_ref(),
                max_attempts: self.max_attempts,
                now: self.dependencies.clock.now(),
            },
        )
    }

    /// Another execution of this session waits: lets other sessions come first.
    async fn yields(&mut self) -> Result<bool, Error> {
        let state = &self.journal.state;
        if state.queue.is_empty() || !state.notices.is_empty() {
            return Ok(false);
        }
        self.journal.checkpoint(true).await?;
        self.record(Fact::Released { wake_at: None }).await?;
        Ok(true)
    }

    /// Ends what is at work, begins nothing, and lets go.
    async fn hand_over(&mut self) -> Result<Ended, Error> {
        // Tools whose intent is journalled must not look as if nobody knew their outcome.
        for effect in self.intended() {
            self.begin(effect);
        }
        while !self.effects.is_empty() {
            tokio::select! {
                done = self.effects.next() => self.ended(done).await?,
                signal = self.listener.next() => self.on_signal(signal).await?,
            }
            if self.journal.state.running().is_none_or(|run| run.stop.is_some()) {
                self.effects.clear();
            }
        }
        self.record(Fact::Released { wake_at: None }).await?;
        Ok(Ended::HandedOver)
    }

    fn intended(&self) -> Vec<Effect> {
        let State { epoch, .. } = &self.journal.state;
        let Some(run) = self.journal.state.running() else { return Vec::new() };
        let mut effects = Vec::new();
        for (node, visit) in &run.visits {
            for open in visit.calls.iter().filter(|open| open.phase == Phase::Running(*epoch)) {
                let (node, call_id) = (node.clone(), open.call.id.clone());
                effects.push(Effect::Tool { node, visit: visit.number, round: visit.rounds, call_id });
            }
        }
        effects
    }

    /// Puts an effect to work, unless it is.
    fn begin(&mut self, effect: Effect) {
        if self.effects.contains(&effect) {
            return;
        }
        match &effect {
            Effect::Notify { .. } => {
                if let Some(pending) = notify::oldest(&self.session, &self.journal.state) {
                    let control = self.control.clone();
                    self.start(effect, notify::notify(control, pending));
                }
                return;
            }
            Effect::Expire { id } => {
                let (control, session, id) = (self.control.clone(), self.session.clone(), id.clone());
                self.start(effect, async move {
                    match control.expire(&session, &id).await {
                        Ok(()) => Done::Commanded,
                        Err(error) => Done::Failed(Error::Unavailable(Arc::from(error.to_string()))),
                    }
                });
                return;
            }
            _ => {}
        }
        let Some(context) = self.context() else { return };
        let state = &self.journal.state;
        match &effect {
            Effect::Model { node, attempt, .. } => {
                if let Some(question) = model::question(&context, state, node, *attempt) {
                    self.start(effect, model::ask(context, question));
                }
            }
            Effect::Tool { node, call_id, .. } => {
                let now = self.dependencies.clock.now();
                match tools::job(&context, state, node, call_id, now) {
                    Some(Ok(job)) => self.start(effect, tools::run(context, job)),
                    // The guards have changed since its intent was journalled.
                    Some(Err(fact)) => self.start(effect, std::future::ready(Done::fact(*fact))),
                    None => {}
                }
            }
            Effect::Compact { node, from, to, attempt } => {
                if let Some(fold) = compact::fold(&context, state, node, (*from, *to), *attempt) {
                    self.start(effect, compact::run(context, fold));
                }
            }
            Effect::Notify { .. } | Effect::Expire { .. } => {}
        }
    }

    fn context(&self) -> Option<Context> {
        Some(Context {
            session: self.session.clone(),
            plan: self.plan.clone()?,
            scopes: self.scopes.clone(),
            model: self.dependencies.model.clone(),
            control: self.control.clone(),
            deltas: self.events.as_ref()?.deltas(),
        })
    }

    async fn ended(&mut self, done: Done) -> Result<(), Error> {
        match done {
            Done::Facts(facts) => {
                for fact in facts {
                    self.record(fact).await?;
                }
                Ok(())
            }
            Done::Commanded => self.take_commands(UpTo::Acknowledged).await.map(drop),
            Done::Failed(error) => Err(error),
        }
    }

    async fn on_signal(&mut self, signal: InboxSignal) -> Result<(), Error> {
        match signal {
            InboxSignal::At(sequence) if sequence <= self.journal.state.inbox => Ok(()),
            InboxSignal::At(sequence) => self.take_commands(UpTo::Place(sequence)).await.map(drop),
            InboxSignal::Unknown => self.take_commands(UpTo::Known).await.map(drop),
        }
    }

    async fn take_commands(&mut self, up_to: UpTo) -> Result<bool, Error> {
        let facts = self.inbox(up_to).await?;
        let any = !facts.is_empty();
        // One by one: each fits, all together may not.
        for fact in facts {
            self.record(fact).await?;
        }
        Ok(any)
    }

    /// The commands in the inbox. A broker that does not answer for a while ends no attempt: between two steps the
    /// commands may come later; before parking, the owner asks until it answers.
    async fn inbox(&self, up_to: UpTo) -> Result<Vec<Fact>, Error> {
        let (log, after) = (&self.dependencies.log, self.journal.state.inbox);
        loop {
            match inbox::read(log, &self.session, after, up_to).await {
                Err(journal::Error::Unavailable(reason)) => {
                    tracing::warn!(session = %self.session, %reason, "the inbox cannot be read now");
                    if up_to == UpTo::Known {
                        return Ok(Vec::new());
                    }
                    tokio::time::sleep(PATIENCE).await;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Journal first, then the events that project it.
    async fn record(&mut self, fact: Fact) -> Result<(), Error> {
        if matches!(fact, Fact::ExecutionEnded { .. }) {
            // Nothing follows the end.
            self.effects.clear();
        }
        match self.journalled(fact).await {
            Err(Error::Unrecordable { code, text }) => {
                // A clear end instead of trying the same again for ever.
                tracing::warn!(session = %self.session, code, %text, "an execution ends: a fact cannot be recorded");
                self.effects.clear();
                let outcome = Outcome::failed(code, &text);
                self.journalled(Fact::ExecutionEnded { outcome }).await
            }
            outcome => outcome,
        }
    }

    /// In the trace of the run, so that frames carry it.
    async fn journalled(&mut self, fact: Fact) -> Result<(), Error> {
        let end = match &fact {
            Fact::ExecutionEnded { outcome } => Some(invocation::End::of(outcome)),
            _ => None,
        };
        let Some(invocation) = self.invocation.take() else { return Box::pin(self.write(fact)).await };
        let outcome = Box::pin(invocation.doing(self.write(fact))).await;
        if let Some(end) = end {
            invocation.ended(&end);
        }
        // Unless another run began meanwhile.
        self.invocation.get_or_insert(invocation);
        self.follow_run();
        outcome
    }

    async fn write(&mut self, fact: Fact) -> Result<(), Error> {
        if let Fact::ExecutionEnded { outcome: Outcome::Failed { error } } = &fact {
            self.log_failure(error);
        }
        let (entry, changes) = self.journal.append(fact).await?;
        self.count(&entry.fact, &changes);
        if matches!(entry.fact, Fact::ExecutionStarted { .. }) {
            self.follow_plan();
            self.follow_run();
            // Opening projects the entry: `execution_started` is what fences the execution's log.
            self.events = self.open_events(Some(&entry)).await?;
        } else if let Some(events) = &mut self.events {
            let index = self.journal.state.entries - 1;
            let reflected = Reflected { entry: &entry, index, changes: &changes, void_from: None };
            events.reflect(&self.journal.state, self.plan.as_deref(), reflected).await?;
        }
        Ok(())
    }

    /// One line for an execution that fails, with the fields that an operator looks for.
    fn log_failure(&self, error: &serde_json::Value) {
        let Some(run) = self.journal.state.running() else { return };
        let start = &run.start;
        let trace = start.trace.as_ref().and_then(|trace| trace.parent.split('-').nth(1)).unwrap_or("-");
        let (execution, session) = (&start.execution_id, &self.session);
        tracing::warn!(%execution, %session, trace, %error, definition = start.definition, "the execution fails");
    }

    fn count(&self, fact: &Fact, changes: &[Change]) {
        match fact {
            Fact::ExecutionStarted { .. } => metrics::STARTED.inc(),
            Fact::ExecutionEnded { outcome } => {
                let well = matches!(outcome, Outcome::Completed { .. });
                metrics::ENDED.of(if well { Well::Ok } else { Well::Error }).inc();
            }
            Fact::Released { .. } => metrics::PARKS.inc(),
            Fact::ApprovalsRequested { approvals, .. } => {
                metrics::APPROVALS_REQUESTED.add(approvals.len() as u64);
            }
            _ => {}
        }
        let settled = changes.iter().filter(|c| matches!(c, Change::Decided(_) | Change::Expired(_))).count();
        metrics::APPROVALS_SETTLED.add(settled as u64);
    }
}
