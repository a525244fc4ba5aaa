//! Live lists and their watchers: everybody who asks the same and may see the same shares one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use runbus::directory::{Directory, Query};
use runbus::store::index::Family;
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::task::Task;
use super::window::Window;
use crate::auth::{Principal, Scope};
use crate::config::lists::Config;
use crate::feed::Feed;
use crate::ledger::{Full, Ledger, Member, Payers, Table, TableUsage};
use crate::limits;
use crate::protocol::Text;

/// A list, what is asked of it, and by what it is seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    family: Family,
    query: Query,
    scopes: Vec<Scope>,
}

/// The state of a live list.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) revision: u64,
    pub(super) window: Window,
    whole: Option<Text>,
    /// The messages that led here, oldest first, the last one to `revision`.
    changes: VecDeque<Text>,
}

impl State {
    /// Takes the next state, with the messages that tell it: the whole of it, and what has changed.
    pub(super) fn advance(&mut self, window: Window, whole: Text, changes: Option<Text>) {
        self.revision += 1;
        self.window = window;
        self.whole = Some(whole);
        match changes {
            Some(changes) => self.changes.push_back(changes),
            None => self.changes.clear(),
        }
        let room = limits::LIVE_CHANGES_BYTES + self.whole.as_ref().map_or(0, Text::bytes);
        let mut bytes: usize = self.changes.iter().map(Text::bytes).sum();
        while self.changes.len() > limits::LIVE_CHANGES || (bytes > room && self.changes.len() > 1) {
            let Some(oldest) = self.changes.pop_front() else { return };
            bytes -= oldest.bytes();
        }
    }

    /// The messages that somebody needs who has seen a revision.
    fn since(&self, seen: Option<u64>) -> Vec<Text> {
        let missed = seen.and_then(|seen| usize::try_from(self.revision.checked_sub(seen)?).ok());
        match missed {
            Some(missed) if missed <= self.changes.len() => {
                self.changes.iter().skip(self.changes.len() - missed).cloned().collect()
            }
            _ => self.whole.iter().cloned().collect(),
        }
    }
}

/// A live list that somebody watches.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) feed: Feed<State>,
    payers: Arc<Payers>,
    _stop: DropGuard,
}

/// All live lists of a gateway.
#[derive(Debug)]
pub struct Lists {
    config: Config,
    directory: Directory,
    ledger: Arc<Ledger>,
    held: Mutex<HashMap<Key, Weak<Held>>>,
}

impl Lists {
    /// None yet.
    #[must_use]
    pub fn new(config: Config, directory: Directory, ledger: Arc<Ledger>) -> Self {
        Self { config, directory, ledger, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, Weak<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Live lists that are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held().values().filter(|held| held.strong_count() > 0).count()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Watches a list. The first who asks has it read, the others share it. `wake` is notified when there is news.
    ///
    /// # Errors
    /// See [`Full`].
    pub fn watch(
        &self,
        (family, query): (Family, Query),
        principal: &Arc<Principal>,
        wake: &Arc<Notify>,
        usage: &Arc<TableUsage>,
    ) -> Result<Watch, Full> {
        let key = Key { family, query, scopes: principal.scopes.clone() };
        let mut all = self.held();
        if let Some(held) = all.get(&key).and_then(Weak::upgrade) {
            return Ok(Watch::new(held, wake, usage));
        }
        all.retain(|_, held| held.strong_count() > 0);
        let paid = self.ledger.take(usage, Table::Lists, 1)?;
        let stop = CancellationToken::new();
        let held = Arc::new(Held {
            feed: Feed::new(State::default()),
            payers: Payers::new(paid),
            _stop: stop.clone().drop_guard(),
        });
        let task = Task {
            held: Arc::downgrade(&held),
            family,
            query: key.query.clone(),
            principal: principal.clone(),
            directory: self.directory.clone(),
            interval: self.config.interval(),
            ledger: self.ledger.clone(),
            usage: usage.clone(),
        };
        all.insert(key, Arc::downgrade(&held));
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task.run() => {}
            }
        });
        Ok(Watch::new(held, wake, usage))
    }
}

/// A handle on a live list: whoever holds one keeps it read.
#[derive(Debug)]
pub struct Watch {
    held: Arc<Held>,
    seen: Option<u64>,
    /// One of those who pay for it.
    _member: Member,
}

impl Watch {
    fn new(held: Arc<Held>, wake: &Arc<Notify>, usage: &Arc<TableUsage>) -> Self {
        held.feed.watch(wake);
        let member = held.payers.join(usage);
        Self { held, seen: None, _member: member }
    }

    /// The messages since the last call: the whole list first, then the changes, or the whole list again where some of the changes are not
    /// kept any more.
    pub fn messages(&mut self) -> Vec<Text> {
        self.held.feed.look(|state| {
            if state.revision == 0 || self.seen == Some(state.revision) {
                return Vec::new();
            }
            let messages = state.since(self.seen);
            self.seen = Some(state.revision);
            messages
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(name: &str, revision: u64) -> Text {
        Text::new(None, name, &[&format!("{{\"revision\":{revision}}}")])
    }

    #[test]
    fn who_missed_little_gets_changes_and_who_missed_much_the_whole() {
        let mut state = State::default();
        for revision in 1..=100 {
            let changes = (revision > 1).then(|| text("c", revision));
            state.advance(Window::default(), text("w", revision), changes);
        }
        let of = |seen| state.since(seen).iter().map(|text| text.json().to_owned()).collect::<Vec<_>>();
        assert_eq!(of(Some(98)), ["{\"revision\":99}", "{\"revision\":100}"]);
        assert_eq!(of(Some(100)), Vec::<String>::new());
        for seen in [None, Some(1), Some(200)] {
            assert_eq!(of(seen), ["{\"revision\":100}"], "{seen:?}");
        }
    }
}
