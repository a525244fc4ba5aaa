//! Following the watchers of an execution: all of them first, then each join and leave.

use std::sync::Arc;

use runbus::control::presence::{Presence, Watcher};
use tokio::sync::Notify;

use super::registry::Room;
use crate::feed::Feed;
use crate::ledger::{Member, Payers};
use crate::protocol::Text;
use crate::protocol::said::{PresenceChanged, Said};

/// The shared state of those who follow an execution.
#[derive(Debug, Default)]
pub struct Seen {
    /// 0: the other gateways were not asked yet.
    revision: u64,
    everybody: Option<Arc<Presence>>,
    /// Everybody, as a message.
    whole: Option<Text>,
    /// The change from the last revision to this one, as a message.
    change: Option<Text>,
    /// The principal that pays for it.
    payers: Option<Arc<Payers>>,
}

impl Seen {
    pub(super) fn paid(payers: Arc<Payers>) -> Self {
        Self { payers: Some(payers), ..Self::default() }
    }

    pub(super) const fn payers(&self) -> Option<&Arc<Payers>> {
        self.payers.as_ref()
    }

    /// Takes who watches now; whether that is something new.
    pub(super) fn advance(&mut self, now: Presence) -> bool {
        if self.everybody.as_deref() == Some(&now) {
            return false;
        }
        self.change = self.everybody.as_deref().map(|before| change(before, &now));
        self.revision += 1;
        self.whole = Some(whole(&now));
        self.everybody = Some(Arc::new(now));
        true
    }
}

fn whole(now: &Presence) -> Text {
    Text::new(None, Presence::TYPE, &[&now.value().to_string()])
}

fn change(before: &Presence, now: &Presence) -> Text {
    let name = |watcher: &Watcher| (watcher.subject.clone(), watcher.label.clone());
    let only = |these: &[Watcher], those: &[Watcher]| -> Vec<Watcher> {
        let those: std::collections::HashSet<_> = those.iter().map(name).collect();
        these.iter().filter(|watcher| !those.contains(&name(watcher))).cloned().collect()
    };
    let message = PresenceChanged {
        execution_id: now.execution_id.clone(),
        count: now.count,
        joined: only(&now.watchers, &before.watchers),
        left: only(&before.watchers, &now.watchers),
    };
    Text::new(None, PresenceChanged::TYPE, &[&message.value().to_string()])
}

/// A handle of somebody who follows an execution. Dropping it ends that.
#[derive(Debug)]
pub struct Follow {
    feed: Arc<Feed<Seen>>,
    known: u64,
    /// One of those who pay for it.
    _member: Option<Member>,
    /// Keeps the keeper at work.
    _room: Arc<Room>,
}

impl Follow {
    pub(super) fn new(
        feed: Arc<Feed<Seen>>,
        wake: &Arc<Notify>,
        room: Arc<Room>,
        member: Option<Member>,
    ) -> Self {
        feed.watch(wake);
        Self { feed, known: 0, _member: member, _room: room }
    }

    /// The changes since the last call, as a message: `presence` or `presence_changed`. Its `Notify` signals further ones.
    pub fn news(&mut self) -> Option<Text> {
        let known = self.known;
        let (revision, text) = self.feed.look(|seen| {
            if seen.revision == known {
                return (known, None);
            }
            let next = seen.change.as_ref().filter(|_| known > 0 && seen.revision == known + 1);
            (seen.revision, next.or(seen.whole.as_ref()).cloned())
        });
        self.known = revision;
        text
    }
}
