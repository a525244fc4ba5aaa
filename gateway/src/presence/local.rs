//! One execution as this gateway knows it: its own clients, and the reports of other gateways.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use runbus::control::presence::{self, Presence, Watched, Watcher};
use runbus::id::ExecutionId;
use runbus::limits::PRESENCE_WATCHERS;
use runbus::time::Timestamp;
use tokio::time::Instant;

use super::follow::Seen;
use crate::feed::Feed;

/// Under which name somebody watches.
pub(super) type Who = (Arc<str>, Option<Arc<str>>);

/// One execution.
#[derive(Debug, Default)]
pub(super) struct Local {
    /// Subscriptions.
    pub(super) count: u64,
    names: HashMap<Who, (u64, Timestamp)>,
    /// The last reports of the other gateways.
    pub(super) others: Vec<Watched>,
    /// When the store was last notified; `None`: the store has no entry of it from here.
    pub(super) told: Option<Instant>,
    /// The other gateways were asked.
    pub(super) is_asked: bool,
    /// It is among those that have changed.
    pub(super) is_changed: bool,
    pub(super) feed: Weak<Feed<Seen>>,
}

impl Local {
    pub(super) fn enter(&mut self, who: Who, now: Timestamp) {
        self.count += 1;
        self.names.entry(who).or_insert((0, now)).0 += 1;
    }

    pub(super) fn leave(&mut self, who: &Who) {
        self.count = self.count.saturating_sub(1);
        if let Some((connections, _)) = self.names.get_mut(who) {
            *connections -= 1;
            if *connections == 0 {
                self.names.remove(who);
            }
        }
    }

    /// This gateway's report.
    pub(super) fn said(&self) -> Watched {
        let mut names: Vec<_> = self.names.iter().collect();
        if names.len() > PRESENCE_WATCHERS {
            // Of a crowd only these are copied.
            names.select_nth_unstable_by(PRESENCE_WATCHERS, |(a, (_, x)), (b, (_, y))| (x, a).cmp(&(y, b)));
            names.truncate(PRESENCE_WATCHERS);
        }
        let mut watchers: Vec<Watcher> = names
            .into_iter()
            .map(|((subject, label), (connections, since))| Watcher {
                subject: subject.to_string(),
                label: label.as_deref().map(str::to_owned),
                connections: *connections,
                since: *since,
            })
            .collect();
        presence::longest(&mut watchers);
        Watched { count: self.count, watchers }
    }

    /// Everybody.
    pub(super) fn everybody(&self, id: &ExecutionId) -> Presence {
        Presence::of(id.clone(), self.others.iter().cloned().chain([self.said()]))
    }

    /// Whether nobody needs it any more, and the store has forgotten it.
    pub(super) fn is_idle(&self) -> bool {
        self.count == 0 && self.told.is_none() && !self.is_changed && self.feed.strong_count() == 0
    }
}
