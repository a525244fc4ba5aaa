//! The watchers on this gateway.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runbus::id::ExecutionId;
use runbus::time::Clock;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::follow::{Follow, Seen};
use super::local::{Local, Who};
use crate::feed::Feed;
use crate::ledger::{Full, Ledger, Payers, Table, TableUsage};

/// Everybody who watches on this gateway.
#[derive(Debug)]
pub struct Room {
    clock: Clock,
    ledger: Arc<Ledger>,
    state: Mutex<State>,
    /// Something has changed, or is followed.
    pub(super) changed: Notify,
}

/// The present entries.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) executions: HashMap<ExecutionId, Local>,
    /// Those that have changed since the last write to the store.
    pub(super) changed: Vec<ExecutionId>,
    /// Those with an entry in the store, and when to write it again.
    pub(super) due: VecDeque<(Instant, ExecutionId)>,
    /// Those that somebody follows.
    pub(super) followed: BTreeSet<ExecutionId>,
    /// Those of them of which there is something to show.
    pub(super) news: BTreeSet<ExecutionId>,
}

impl State {
    pub(super) fn touch(&mut self, id: &ExecutionId) {
        if let Some(local) = self.executions.get_mut(id)
            && !std::mem::replace(&mut local.is_changed, true)
        {
            self.changed.push(id.clone());
        }
    }

    pub(super) fn tidy(&mut self, id: &ExecutionId) {
        if self.executions.get(id).is_some_and(Local::is_idle) {
            self.executions.remove(id);
            self.followed.remove(id);
        }
    }
}

impl Room {
    /// Nobody yet.
    #[must_use]
    pub fn new(clock: Clock, ledger: Arc<Ledger>) -> Arc<Self> {
        Arc::new(Self { clock, ledger, state: Mutex::default(), changed: Notify::new() })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Subscriptions that are counted.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.state().executions.values().map(|local| local.count).sum()
    }

    /// Whether nothing is remembered: no watchers, no followers, and no entry in the store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.state().executions.is_empty()
    }

    /// Somebody watches an execution until the seat is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>, id: ExecutionId, subject: Arc<str>, label: Option<Arc<str>>) -> Seat {
        let who = (subject, label);
        let now = self.clock.now();
        let mut state = self.state();
        state.executions.entry(id.clone()).or_default().enter(who.clone(), now);
        state.touch(&id);
        drop(state);
        self.changed.notify_one();
        Seat { room: self.clone(), id, who }
    }

    /// Follows who watches an execution, here and on other gateways; `wake` is notified when somebody joins or leaves.
    ///
    /// # Errors
    /// See [`Full`].
    pub fn follow(
        self: &Arc<Self>,
        id: &ExecutionId,
        wake: &Arc<Notify>,
        usage: &Arc<TableUsage>,
    ) -> Result<Follow, Full> {
        let mut state = self.state();
        let running = state.executions.get(id).and_then(|local| local.feed.upgrade());
        let feed = match running {
            Some(feed) => feed,
            None => {
                let paid = self.ledger.take(usage, Table::Followed, 1)?;
                let feed = Arc::new(Feed::new(Seen::paid(Payers::new(paid))));
                state.executions.entry(id.clone()).or_default().feed = Arc::downgrade(&feed);
                state.followed.insert(id.clone());
                feed
            }
        };
        drop(state);
        self.changed.notify_one();
        let member = feed.look(|seen| seen.payers().map(|payers| payers.join(usage)));
        Ok(Follow::new(feed, wake, self.clone(), member))
    }
}

/// A place among those who watch an execution, given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    room: Arc<Room>,
    id: ExecutionId,
    who: Who,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.room.state();
        if let Some(local) = state.executions.get_mut(&self.id) {
            local.leave(&self.who);
        }
        state.touch(&self.id);
        drop(state);
        self.room.changed.notify_one();
    }
}
