//! A session's owner at work: decide, journal, mirror, act; until nothing is left to do.

use std::sync::Arc;

use runbus::id::{SessionId, WorkerId};
use runbus::log::Log;
use runbus::store::Store;
use runbus::time::Clock;
use tokio_util::sync::CancellationToken;

use super::entry::{Fact, Outcome};
use super::events::{self, Events};
use super::inbox;
use super::journal::{self, Journal};
use super::step::{self, Step};
use crate::definition::{Definitions, Opening};
use crate::model::Model;
use crate::run;
use crate::tool::Registry;

/// The wait before a broker that does not answer is asked again.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(500);

/// What an owner works with.
#[derive(Debug, Clone)]
pub struct Tools {
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
    /// Who works.
    pub worker: WorkerId,
}

/// Why the owner stopped before the session was parked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another worker owns the session: it goes on there.
    #[error("another worker owns the session")]
    Fenced,
    /// What is to be recorded is too large: the execution ends with that.
    #[error("{0}")]
    TooLarge(Arc<str>),
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
            journal::Error::TooLarge { .. } => Self::TooLarge(Arc::from(error.to_string())),
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is left to do until a command comes.
    Parked,
    /// The worker shuts down; another one goes on.
    HandedOver,
}

/// A session and its owner.
#[derive(Debug)]
pub struct Actor {
    pub(crate) tools: Tools,
    pub(crate) session: SessionId,
    pub(crate) journal: Journal,
    pub(crate) events: Option<Events>,
    stop: CancellationToken,
}

impl Actor {
    /// Takes a claimed session up where its journal ends. `stop` ends its writers.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn take_up(
        tools: Tools,
        session: SessionId,
        journal: Journal,
        stop: CancellationToken,
    ) -> Result<Self, Error> {
        let (log, store) = (tools.log.clone(), tools.store.clone());
        let events = Events::open(log, store, &session, &journal, &tools.definitions, &stop).await?;
        Ok(Self { tools, session, journal, events, stop })
    }

    /// Works until the session is parked, or until `drain` says that the worker shuts down: then at the next step.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn work(&mut self, drain: &CancellationToken) -> Result<Ended, Error> {
        loop {
            self.take_commands(false).await?;
            if drain.is_cancelled() {
                self.journal.append(vec![Fact::Released]).await?;
                return Ok(Ended::HandedOver);
            }
            let step = step::next(&self.journal.state, &self.tools.definitions);
            if step == Step::Park {
                if self.take_commands(true).await? {
                    continue;
                }
                self.journal.append(vec![Fact::Released]).await?;
                // A command may have come between the last look and the release.
                if !self.pending_commands().await? {
                    return Ok(Ended::Parked);
                }
                let worker = self.tools.worker.clone();
                self.journal.claim(&worker).await?;
                continue;
            }
            match self.perform(step).await {
                Err(Error::TooLarge(text)) => self.end_too_large(&text).await?,
                outcome => outcome?,
            }
        }
    }

    /// Ends the execution with a clear event instead of trying the same again for ever.
    async fn end_too_large(&mut self, text: &str) -> Result<(), Error> {
        tracing::warn!(session = %self.session, text, "an execution ends: too large to record");
        let error = serde_json::json!({ "code": "too_large", "message": text });
        self.record(Fact::ExecutionEnded { outcome: Outcome::Failed { error } }).await
    }

    async fn take_commands(&mut self, certain: bool) -> Result<bool, Error> {
        let facts = self.inbox(certain).await?;
        if facts.is_empty() {
            return Ok(false);
        }
        // One by one: each fits, all together may not.
        for fact in facts {
            self.journal.append(vec![fact]).await?;
        }
        Ok(true)
    }

    async fn pending_commands(&self) -> Result<bool, Error> {
        Ok(!self.inbox(true).await?.is_empty())
    }

    /// What waits in the inbox. A broker that does not answer for a while ends no attempt: between two steps the commands
    /// may come later, before parking it is asked until it answers.
    async fn inbox(&self, certain: bool) -> Result<Vec<Fact>, Error> {
        loop {
            match inbox::read(&self.tools.log, &self.session, self.journal.state.inbox, certain).await {
                Err(journal::Error::Unavailable(reason)) => {
                    tracing::warn!(session = %self.session, %reason, "the inbox cannot be read now");
                    if !certain {
                        return Ok(Vec::new());
                    }
                    tokio::time::sleep(PATIENCE).await;
                }
                outcome => return Ok(outcome?),
            }
        }
    }

    async fn perform(&mut self, step: Step) -> Result<(), Error> {
        match step {
            Step::Park => Ok(()),
            Step::Begin(execution_id) => {
                self.journal.append(vec![Fact::ExecutionStarted { execution_id }]).await?;
                let (log, store) = (self.tools.log.clone(), self.tools.store.clone());
                // Opening mirrors the entry: `execution_started` is what fences the execution's log.
                self.events = Events::open(
                    log,
                    store,
                    &self.session,
                    &self.journal,
                    &self.tools.definitions,
                    &self.stop,
                )
                .await?;
                Ok(())
            }
            Step::Enter { node, visit, iteration, opening } => {
                let Opening { messages, converses } = opening;
                self.record(Fact::NodeStarted { node, visit, iteration, opening: messages, converses }).await
            }
            Step::Refuse { reason, attempt } => run::model::refuse(self, &reason, attempt).await,
            Step::CallModel { node, attempt } => run::model::call(self, &node, attempt).await,
            Step::RunTools { calls, repeated } => run::tools::run(self, calls, repeated).await,
            Step::Leave { node, output } => {
                let visit = self.journal.state.running().and_then(|run| run.visit.as_ref());
                let rounds = visit.map_or(0, |visit| visit.rounds);
                self.record(Fact::NodeCompleted { node, output, rounds }).await
            }
            Step::End(outcome) => self.record(Fact::ExecutionEnded { outcome }).await,
        }
    }

    /// Journal first, then the events that mirror it, then the store.
    pub(crate) async fn record(&mut self, fact: Fact) -> Result<(), Error> {
        self.journal.append(vec![fact]).await?;
        let index = self.journal.state.entries - 1;
        if let (Some(events), Some(entry)) = (&mut self.events, self.journal.entries.last()) {
            events.reflect(&self.journal.state, entry, index, &self.tools.definitions).await?;
        }
        Ok(())
    }
}
