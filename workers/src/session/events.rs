//! The event side of a session: projecting journal entries into the execution's log, and taking it over.

use std::sync::Arc;

use runbus::control::status::{self, Progress};
use runbus::id::{NodeId, SessionId};
use runbus::limits;
use runbus::log::{Direction, Log, Read, ReadError, Sequence};
use runbus::store::Store;
use runbus::subject::{Key, Scope};
use runbus::writer::{self, Ticket, Writer};
use tokio_util::sync::CancellationToken;

use runbus::session::entry::{Entry, Fact};
use runbus::session::journal::Journal;
use runbus::session::run::Run;
use runbus::session::state::{Change, State};

use super::log_end::{End, end};
use super::projection::{Projection, Reflected, project};
use super::shrink;
use crate::definition::Plan;

/// Why events were not written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another worker writes this execution now: stop for good.
    #[error("another worker took the execution over")]
    Fenced,
    /// The log does not answer; try again.
    #[error("{0}")]
    Unavailable(Arc<str>),
    /// The log refuses. A human must look.
    #[error("{0}")]
    Broken(Arc<str>),
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        let text = Arc::from(error.to_string());
        if error.is_retryable() { Self::Unavailable(text) } else { Self::Broken(text) }
    }
}

impl From<writer::Error> for Error {
    fn from(error: writer::Error) -> Self {
        match error {
            writer::Error::Fenced => Self::Fenced,
            writer::Error::Stopped => Self::Unavailable(Arc::from("the writer was stopped")),
            error => Self::Broken(Arc::from(error.to_string())),
        }
    }
}

/// Writes the events of one execution.
#[derive(Debug)]
pub struct Events {
    writer: Writer,
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    session: SessionId,
    progress: Progress,
    key: Key,
}

/// Writes events that project no entry: deltas. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Deltas(Writer);

impl Deltas {
    /// Queues an event. It, and all before it, are durable when its ticket says so, or when a later projected one is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn write(&self, event: &runbus::event::Event) -> Result<Ticket, Error> {
        let line = shrink::encode(event, limits::EVENT_BYTES)
            .map_err(|error| Error::Broken(Arc::from(error.to_string())))?;
        Ok(self.0.append(event.node_id.clone(), vec![line], None).await?)
    }
}

/// Whether an entry changes what people ask about an execution: the store's copy follows it at once.
fn turns_status(fact: &Fact, changes: &[Change]) -> bool {
    match fact {
        Fact::TurnCompleted { .. }
        | Fact::TurnFailed { .. }
        | Fact::ToolsStarted { .. }
        | Fact::ToolCompleted { .. } => false,
        Fact::CommandTaken { .. } => !changes.is_empty(),
        _ => true,
    }
}

impl Events {
    /// Takes an execution's log over: projects the entries that are not in it yet, which fences the predecessor. `begun` is
    /// the entry that began the execution just now; without it the journal has the entries that it was loaded with.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(
        log: Arc<dyn Log>,
        store: Arc<dyn Store>,
        session: &SessionId,
        journal: &Journal,
        begun: Option<&Entry>,
        plan: Option<&Plan>,
        stop: &CancellationToken,
    ) -> Result<Option<Self>, Error> {
        let Some(run) = &journal.state.run else { return Ok(None) };
        let key = Key::Execution(run.start.stream_id.clone(), run.start.execution_id.clone());
        loop {
            let end = end(log.as_ref(), &key, journal).await?;
            let (stream, execution) = (run.start.stream_id.clone(), run.start.execution_id.clone());
            let writer = Writer::open(log.clone(), stream, execution, end.start, stop.child_token());
            let mut events = Self {
                writer,
                log: log.clone(),
                store: store.clone(),
                session: session.clone(),
                progress: Progress::start(),
                key: key.clone(),
            };
            let caught_up = match begun {
                Some(entry) => {
                    let index = journal.state.entries - 1;
                    let reflected = Reflected { entry, index, changes: &[], void_from: None };
                    events.reflect(&journal.state, plan, reflected).await
                }
                None => events.catch_up(journal, plan, end).await,
            };
            match caught_up {
                Ok(()) => {}
                // The predecessor wrote once more before it was fenced: look again.
                Err(Error::Fenced) => continue,
                Err(error) => return Err(error),
            }
            events.keep().await;
            return Ok(Some(events));
        }
    }

    /// Projects every entry of the run that the log does not reflect.
    async fn catch_up(&mut self, journal: &Journal, plan: Option<&Plan>, end: End) -> Result<(), Error> {
        let first = journal.state.run.as_ref().map_or(0, |run| run.first_entry);
        // A checkpoint is written when everything before it is projected.
        let mut state = journal.beginning();
        let End { start, mut open } = end;
        for (index, entry) in (state.entries..).zip(&journal.loaded) {
            let changes = state.apply(entry);
            if index < start.journal || index < first {
                continue;
            }
            // Output of unfinished model calls that nobody will finish is void from the first of it on.
            let void_from = open.values().min().copied();
            let reflected = Reflected { entry, index, changes: &changes, void_from };
            if let Some(projection) = project(&self.session, &state, plan, reflected) {
                match &projection.node {
                    Some(node) => _ = open.remove(node),
                    None if changes.contains(&Change::Superseded) => open.clear(),
                    None => {}
                }
                self.write(projection, index + 1).await?;
            }
        }
        Ok(())
    }

    /// Projects the entry that was journalled last; `state` has it folded in.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn reflect(
        &mut self,
        state: &State,
        plan: Option<&Plan>,
        reflected: Reflected<'_>,
    ) -> Result<(), Error> {
        if let Some(projection) = project(&self.session, state, plan, reflected) {
            self.write(projection, reflected.index + 1).await?;
            if turns_status(&reflected.entry.fact, reflected.changes) {
                self.keep().await;
            }
        }
        Ok(())
    }

    /// A handle for events that project no entry.
    #[must_use]
    pub fn deltas(&self) -> Deltas {
        Deltas(self.writer.clone())
    }

    async fn write(&self, projection: Projection, journal: u64) -> Result<Sequence, Error> {
        let room = (limits::GROUP_BYTES / projection.events.len().max(1)).min(limits::EVENT_BYTES);
        let mut lines = Vec::with_capacity(projection.events.len());
        for event in &projection.events {
            lines.push(
                shrink::encode(event, room).map_err(|error| Error::Broken(Arc::from(error.to_string())))?,
            );
        }
        Ok(self.writer.append(projection.node, lines, Some(journal)).await?.durable().await?)
    }

    /// Brings the store's copy of the status up to the log.
    async fn keep(&mut self) {
        let scope = Scope::from(&self.key);
        let Ok(shard) = self.log.home(&self.key).await else { return };
        loop {
            let read = Read {
                scope: scope.clone(),
                shard,
                from: self.progress.sequence.next(),
                direction: Direction::Forward,
                max_frames: limits::PAGE_FRAMES,
                max_bytes: limits::PAGE_BYTES,
            };
            let Ok(page) = self.log.read(&read).await else { return };
            for stored in page.frames {
                self.progress.fold(&Arc::new(stored));
            }
            if page.done {
                break;
            }
        }
        if let Some(execution) = &self.progress.execution {
            let id = execution.execution_id.clone();
            status::keep(self.store.as_ref(), execution, &self.progress, &id).await;
        }
    }
}

/// The events' source for deltas, which project no entry.
#[must_use]
pub fn delta_source(session: &SessionId, run: &Run, node: &NodeId) -> runbus::event::Source {
    super::projection::source(session, run, Some(node), runbus::time::Clock::System)
}
