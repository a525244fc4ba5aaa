//! The writer: one thread, one connection; everything that waits goes into one transaction.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::limits;
use super::probe::Probe;
use super::queue::Due;
use super::retention::Retention;
use super::time::Time;
use super::transaction::{Names, Transaction};
use super::watch::Watch;

/// Why the writer did not do a command.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing was stored, or it is not known; again may help.
    #[error("{0}")]
    Retry(String),
    /// It will not succeed later either.
    #[error("{0}")]
    Refused(String),
}

impl From<&rusqlite::Error> for Failure {
    fn from(error: &rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::SchemaChanged,
            ) => Self::Retry(error.to_string()),
            _ if is_of_the_disk(error) => Self::Retry(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// Whether the disk did not take it: it is full, fails, or takes nothing any more. It may take the same thing later.
fn is_of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NoLargeFileSupport
        )
    )
}

/// Something to do in a transaction. It may run twice: the first time is rolled back then.
trait Command: Send {
    fn run(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()>;
    fn finish(self: Box<Self>, outcome: Result<(), Failure>);
}

struct Call<F, T> {
    work: F,
    answer: Option<T>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<F, T> Command for Call<F, T>
where
    F: FnMut(&mut Transaction<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        self.answer = Some((self.work)(transaction)?);
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { answer, reply, .. } = *self;
        let missing = || Failure::Retry("the command did not run".into());
        let outcome = outcome.and_then(|()| answer.ok_or_else(missing));
        // The receiver is gone when the caller was dropped; the committed writes stay.
        let _ = reply.send(outcome);
    }
}

struct Waiting {
    command: Box<dyn Command>,
    kib: u32,
    _room: OwnedSemaphorePermit,
}

/// The way to the writer thread; it ends when the last one is dropped.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    sender: Sender<Waiting>,
    room: Arc<Semaphore>,
    probe: Arc<Probe>,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waiting").field("kib", &self.kib).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        connection: Connection,
        folder: PathBuf,
        time: Arc<Time>,
        retention: Retention,
        watch: Watch,
        due: Due,
    ) -> std::io::Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "`room` bounds it; a bounded channel allocates all its places at once: megabytes for each open log"
        )]
        let (sender, receiver) = channel();
        let probe = Arc::new(Probe::new(folder));
        let thread =
            Thread { connection, time, retention, watch, due, probe: probe.clone(), names: Names::default() };
        std::thread::Builder::new()
            .name("runbus-writer".into())
            .stack_size(crate::limits::STACK_BYTES)
            .spawn(move || thread.run(&receiver))?;
        Ok(Self { sender, room: Arc::new(Semaphore::new(limits::WAITING_KIB as usize)), probe })
    }

    /// Does `work` in a transaction, which others share, and returns once it is durable. `bytes` is what it carries.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnMut(&mut Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let stopped = || Failure::Refused("the writer has stopped".into());
        let kib = u32::try_from(1 + bytes / 1024).unwrap_or(u32::MAX).min(limits::WAITING_KIB);
        let room = self.room.clone().acquire_many_owned(kib).await.map_err(|_closed| stopped())?;
        let (reply, answer) = oneshot::channel();
        let command = Box::new(Call { work, answer: None, reply });
        self.sender.send(Waiting { command, kib, _room: room }).map_err(|_gone| stopped())?;
        answer.await.unwrap_or_else(|_gone| Err(Failure::Retry("the writer has stopped".into())))
    }

    /// Answers when the disk takes what is written.
    pub(super) async fn ready(&self) -> Result<(), Failure> {
        self.probe.run(self).await
    }
}

struct Thread {
    connection: Connection,
    time: Arc<Time>,
    retention: Retention,
    watch: Watch,
    due: Due,
    probe: Arc<Probe>,
    names: Names,
}

impl Thread {
    fn run(mut self, receiver: &Receiver<Waiting>) {
        let mut cleaned = Instant::now();
        loop {
            match receiver.recv_timeout(limits::HOUSEKEEPING_INTERVAL) {
                Ok(first) => {
                    let batch = gather(first, receiver);
                    self.batch(batch);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if cleaned.elapsed() >= limits::HOUSEKEEPING_INTERVAL {
                self.clean();
                cleaned = Instant::now();
            }
        }
    }

    fn batch(&mut self, mut batch: Vec<Waiting>) {
        match self.transact(&mut batch) {
            Ok(()) => finish(batch, &Ok(())),
            Err(error) if batch.len() > 1 && !is_busy(&error) => {
                // One command must not take the others down with it.
                for waiting in batch {
                    let mut alone = vec![waiting];
                    let outcome = self.transact(&mut alone).map_err(|error| report(&error));
                    finish(alone, &outcome);
                }
            }
            Err(error) => finish(batch, &Err(report(&error))),
        }
    }

    fn transact(&mut self, batch: &mut [Waiting]) -> rusqlite::Result<()> {
        let outcome =
            Transaction::begin(&self.connection, &self.time, &mut self.names).and_then(|mut transaction| {
                for waiting in batch {
                    waiting.command.run(&mut transaction)?;
                }
                transaction.commit()
            });
        match outcome {
            Ok((lanes, classes)) => {
                self.watch.committed(lanes);
                self.due.announce(&classes);
                Ok(())
            }
            Err(error) => {
                if is_of_the_disk(&error) {
                    self.probe.refused();
                }
                self.names.forget();
                if !self.connection.is_autocommit() {
                    // When this fails too, the next BEGIN says so.
                    let _ = self.connection.execute_batch("ROLLBACK");
                }
                Err(error)
            }
        }
    }

    fn clean(&mut self) {
        let start = Instant::now();
        let mut more = true;
        while more && start.elapsed() < limits::HOUSEKEEPING_TIME {
            let step = Transaction::begin(&self.connection, &self.time, &mut self.names).and_then(
                |mut transaction| {
                    let more = self.retention.step(&mut transaction)?;
                    transaction.commit()?;
                    Ok(more)
                },
            );
            match step {
                Ok(again) => more = again,
                Err(error) => {
                    tracing::warn!(%error, "housekeeping of the embedded database failed");
                    self.names.forget();
                    if !self.connection.is_autocommit() {
                        let _ = self.connection.execute_batch("ROLLBACK");
                    }
                    return;
                }
            }
        }
    }
}

fn gather(first: Waiting, receiver: &Receiver<Waiting>) -> Vec<Waiting> {
    let mut kib = first.kib;
    let mut batch = vec![first];
    while batch.len() < limits::BATCH_COMMANDS && kib < limits::BATCH_KIB {
        let Ok(next) = receiver.try_recv() else { break };
        kib += next.kib;
        batch.push(next);
    }
    batch
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

fn report(error: &rusqlite::Error) -> Failure {
    tracing::warn!(%error, "a transaction of the embedded database failed");
    Failure::from(error)
}

fn finish(batch: Vec<Waiting>, outcome: &Result<(), Failure>) {
    for waiting in batch {
        waiting.command.finish(outcome.clone());
    }
}
