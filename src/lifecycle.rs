//! How a process ends: the first signal drains, the second cuts.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The end of a process, as every long-running part sees it. Clones are handles to the same end.
///
/// ```text
/// running --first signal--> soft: take no new work, finish what runs --+--all tasks done--> drained
///                                                                      +--deadline or second signal--> hard: drop it
/// ```
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
}

/// How draining ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every task came to its end.
    Clean,
    /// Tasks were cut off: the deadline passed, or a second signal came.
    Cut,
}

/// The signal of a write over the process's file size limit, on Linux and macOS.
const SIGXFSZ: i32 = 25;

/// Makes a write over the file size limit (`ulimit -f`) an error of that write, like a full disk. Without this the system ends
/// the process.
///
/// # Errors
/// The system refuses a signal handler.
///
/// # Panics
/// Outside a tokio runtime.
pub fn outlive_file_size_limit() -> io::Result<()> {
    // The handler stays when this end of it is dropped.
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}

impl Shutdown {
    /// Nothing has ended yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One that SIGTERM and SIGINT end: the first drains, the second cuts.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn on_signals() -> io::Result<Self> {
        let shutdown = Self::new();
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = signal(SignalKind::hangup())?;
        // A hangup ends nothing.
        tokio::spawn(async move { while hangup.recv().await.is_some() {} });
        // Not tracked: draining must not wait for the task that waits for signals.
        tokio::spawn(shutdown.clone().follow(terminate, interrupt));
        Ok(shutdown)
    }

    async fn follow(self, mut terminate: Signal, mut interrupt: Signal) {
        loop {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if self.signalled() {
                tracing::info!(signal = name, "draining; another signal cuts");
            } else {
                tracing::warn!(signal = name, "cutting off what still runs");
                return;
            }
        }
    }

    /// One more signal, wherever it came from: drains, then cuts. Returns whether it was the first.
    pub fn signalled(&self) -> bool {
        if self.soft.is_cancelled() {
            self.cut();
            return false;
        }
        self.begin();
        true
    }

    /// Starts draining.
    pub fn begin(&self) {
        self.soft.cancel();
    }

    /// Cuts everything off at once.
    pub fn cut(&self) {
        self.soft.cancel();
        self.hard.cancel();
    }

    /// The soft token: cancelled when no new work is to be taken.
    #[must_use]
    pub const fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// The hard token: cancelled when the remaining work must stop now.
    #[must_use]
    pub const fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Whether no new work is to be taken.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Runs a task that draining waits for, and that is dropped where it stands when everything is cut off.
    ///
    /// `None` from the handle: it was dropped.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<Option<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let hard = self.hard.clone();
        self.tasks.spawn(hard.run_until_cancelled_owned(task))
    }

    /// Tasks that draining would wait for.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Starts draining if nobody did, waits until every task has ended, and cuts them off after `deadline`.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        self.begin();
        self.tasks.close();
        let ended = tokio::select! {
            biased;
            () = self.tasks.wait() => true,
            () = self.hard.cancelled() => false,
            () = tokio::time::sleep(deadline) => false,
        };
        // A task that only the cut ended makes `wait` ready in the same moment.
        if ended && !self.hard.is_cancelled() {
            return Drained::Clean;
        }
        tracing::warn!(tasks = self.tasks.len(), "tasks are cut off");
        self.cut();
        self.tasks.wait().await;
        Drained::Cut
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn draining_waits_for_tasks() {
        let shutdown = Shutdown::new();
        let soft = shutdown.soft().clone();
        let task = shutdown.spawn(async move {
            soft.cancelled().await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            7
        });
        assert!(!shutdown.is_draining());
        assert_eq!(shutdown.drain(Duration::from_secs(10)).await, Drained::Clean);
        assert_eq!(task.await.unwrap(), Some(7));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_cuts() {
        let shutdown = Shutdown::new();
        let task = shutdown.spawn(pending::<()>());
        let before = tokio::time::Instant::now();
        assert_eq!(shutdown.drain(Duration::from_secs(10)).await, Drained::Cut);
        assert_eq!(before.elapsed(), Duration::from_secs(10));
        assert_eq!(task.await.unwrap(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_signal_cuts() {
        let shutdown = Shutdown::new();
        let _task = shutdown.spawn(pending::<()>());
        assert!(shutdown.signalled());
        assert!(!shutdown.hard().is_cancelled());
        let drain = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.drain(Duration::from_secs(3600)).await }
        });
        tokio::task::yield_now().await;
        assert!(!shutdown.signalled());
        assert_eq!(drain.await.unwrap(), Drained::Cut);
        assert_eq!(shutdown.running(), 0);
    }

    #[tokio::test]
    async fn a_hangup_ends_nothing_and_real_signals_drain_then_cut() {
        let shutdown = Shutdown::on_signals().unwrap();
        let send = |name: &str| {
            let own = std::process::id().to_string();
            assert!(std::process::Command::new("kill").args([name, &own]).status().unwrap().success());
        };
        send("-HUP");
        assert!(!shutdown.is_draining());
        let kill = || send("-TERM");
        kill();
        shutdown.soft().cancelled().await;
        assert!(!shutdown.hard().is_cancelled());
        kill();
        shutdown.hard().cancelled().await;
    }
}
