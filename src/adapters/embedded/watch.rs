//! Live feeds: a thread that reads new rows in commit order, of any process.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::limits;
use super::readers::Failure;
use super::rows::{select, stored};
use super::schema::number;
use crate::log::{Feeder, Sequence, Stored, Tail, feed};
use crate::subject::{Lane, Scope};

#[derive(Debug)]
struct Feed {
    scope: Scope,
    /// The last place that was committed before the feed began.
    after: Sequence,
    feeder: Feeder,
}

#[derive(Debug)]
struct State {
    connection: Connection,
    feeds: Vec<Feed>,
    /// How far each lane was handed out; means something while the lane has feeds.
    seen: [i64; 3],
    /// SQLite's mark of other connections' commits.
    version: i64,
}

#[derive(Debug, Default)]
struct WakeState {
    woken: bool,
    stopped: bool,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    wake_state: Mutex<WakeState>,
    wakeup: Condvar,
    /// Feeds there are; read without a lock on every commit.
    feeds: AtomicUsize,
}

/// The way to the watch thread.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    shared: Arc<Shared>,
}

/// Ends the thread with the last handle that a user holds; the writer's own does not count.
#[derive(Debug)]
pub(super) struct Stop(Watch);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.shared.wake(true);
    }
}

/// Wakes the thread when a reader is gone, so that it looks which.
struct Gone(Arc<Shared>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.wake(false);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The state is consistent after a panic: each step leaves it consistent.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn wake(&self, stop: bool) {
        let mut wake_state = lock(&self.wake_state);
        wake_state.woken = true;
        wake_state.stopped |= stop;
        self.wakeup.notify_one();
    }

    /// Waits for a commit, or for the time to look for those of other processes. False: stop.
    fn wait(&self) -> bool {
        let mut wake_state = lock(&self.wake_state);
        while !wake_state.woken && !wake_state.stopped {
            if self.feeds.load(Ordering::Acquire) == 0 {
                wake_state = self.wakeup.wait(wake_state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let waited = self.wakeup.wait_timeout(wake_state, limits::WATCH_INTERVAL);
                wake_state = waited.unwrap_or_else(PoisonError::into_inner).0;
                break;
            }
        }
        wake_state.woken = false;
        !wake_state.stopped
    }

    fn run(&self) {
        while self.wait() {
            let mut state = lock(&self.state);
            state.feeds.retain(|feed| !feed.feeder.is_closed());
            self.feeds.store(state.feeds.len(), Ordering::Release);
            if state.feeds.is_empty() {
                continue;
            }
            if let Err(error) = state.deliver() {
                tracing::warn!(%error, "reading new frames of the embedded database failed");
                state.skip();
            }
        }
        // Ends the feeds: their readers see it.
        lock(&self.state).feeds.clear();
    }
}

impl State {
    fn deliver(&mut self) -> rusqlite::Result<()> {
        let version = self.connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if version == self.version {
            return Ok(());
        }
        for lane in Lane::ALL {
            while self.feeds.iter().any(|feed| feed.scope.lane() == lane) && self.step(lane)? {}
        }
        self.version = version;
        Ok(())
    }

    /// Hands the next frames out. True: there may be more.
    fn step(&mut self, lane: Lane) -> rusqlite::Result<bool> {
        let sql = format!("{} WHERE f.sequence > ?1 ORDER BY f.sequence LIMIT ?2", select(lane));
        let mut statement = self.connection.prepare_cached(&sql)?;
        let seen = self.seen[usize::from(number(lane))];
        let mut rows = statement.query((seen, limits::WATCH_FRAMES))?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            count += 1;
            let frame: Arc<Stored> = Arc::new(stored(lane, row)?);
            for feed in &self.feeds {
                if frame.sequence > feed.after && feed.scope.matches(&frame.topic) {
                    feed.feeder.frame(frame.clone());
                }
            }
            self.seen[usize::from(number(lane))] = row.get(0)?;
        }
        Ok(count == limits::WATCH_FRAMES)
    }

    /// Goes on behind what could not be read, and tells the readers to look themselves.
    fn skip(&mut self) {
        for lane in Lane::ALL {
            if let Ok(last) = self.last(lane) {
                self.seen[usize::from(number(lane))] = last;
            }
        }
        self.feeds.iter().for_each(|feed| feed.feeder.suspect());
    }

    fn last(&self, lane: Lane) -> rusqlite::Result<i64> {
        self.connection
            .prepare_cached("SELECT last FROM lanes WHERE lane = ?1")?
            .query_row([number(lane)], |row| row.get(0))
    }
}

impl Watch {
    /// Starts the thread; it ends when [`Stop`] is dropped.
    pub(super) fn start(connection: Connection) -> std::io::Result<(Self, Stop)> {
        let state = State { connection, feeds: Vec::new(), seen: [0; 3], version: -1 };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake_state: Mutex::default(),
            wakeup: Condvar::new(),
            feeds: AtomicUsize::new(0),
        });
        let thread = shared.clone();
        std::thread::Builder::new()
            .name("runbus-watch".into())
            .stack_size(crate::limits::STACK_BYTES)
            .spawn(move || thread.run())?;
        let watch = Self { shared };
        Ok((watch.clone(), Stop(watch)))
    }

    /// This process has committed frames in these lanes.
    pub(super) fn committed(&self, lanes: [bool; 3]) {
        if lanes.contains(&true) && self.shared.feeds.load(Ordering::Acquire) > 0 {
            self.shared.wake(false);
        }
    }

    /// Begins a feed: everything that is committed after this returns, and maybe a little before, is delivered.
    pub(super) async fn tail(&self, scope: Scope) -> Result<Tail, Failure> {
        let shared = self.shared.clone();
        let begin = tokio::task::spawn_blocking(move || -> rusqlite::Result<Tail> {
            // While this is locked the thread hands nothing out, so nothing falls between `last` and the first row.
            let mut state = lock(&shared.state);
            let lane = scope.lane();
            let last = state.last(lane)?;
            if !state.feeds.iter().any(|feed| feed.scope.lane() == lane) {
                state.seen[usize::from(number(lane))] = last;
            }
            // A commit made since `last` was read may carry the version that is read next.
            state.version = -1;
            let (feeder, tail) = feed(Gone(shared.clone()));
            let after = Sequence(u64::try_from(last).unwrap_or_default());
            state.feeds.push(Feed { scope, after, feeder });
            shared.feeds.store(state.feeds.len(), Ordering::Release);
            drop(state);
            shared.wake(false);
            Ok(tail)
        });
        match begin.await {
            Ok(outcome) => outcome.map_err(|error| Failure::from(&error)),
            Err(error) => Err(Failure::Retry(error.to_string())),
        }
    }

    #[cfg(test)]
    pub(super) fn feeds(&self) -> usize {
        self.shared.feeds.load(Ordering::Acquire)
    }
}
