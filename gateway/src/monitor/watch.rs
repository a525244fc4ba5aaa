//! A handle on a monitor: each handle keeps it folded.

use std::sync::Arc;

use runbus::metrics;
use runbus::monitor::{Change, Revision};
use tokio::sync::Notify;

use super::message::MonitorMessage;
use super::registry::{Held, Monitors};
use super::version::Version;
use crate::ledger::Member;
use crate::limits;

/// The monitor is not folded any more: the log refuses. A new watch begins anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the monitor has ended: {0}")]
pub struct Ended(pub Arc<str>);

/// A handle on a monitor.
#[derive(Debug)]
pub struct Watch {
    held: Arc<Held>,
    wake: Arc<Notify>,
    seen: Option<Revision>,
    /// One of those who pay for it.
    _member: Option<Member>,
    _counted: metrics::Held,
}

impl Watch {
    pub(super) fn new(held: Arc<Held>, wake: Arc<Notify>, member: Option<Member>) -> Self {
        held.feed.watch(&wake);
        Self { held, wake, seen: None, _member: member, _counted: metrics::gateway::MONITORS.hold() }
    }

    /// The latest version; `None` while stored events are being read.
    ///
    /// # Errors
    /// See [`Ended`].
    pub fn latest(&self) -> Result<Option<Version>, Ended> {
        self.held.feed.look(|state| state.ended.clone().map_or_else(|| Ok(state.version()), Err))
    }

    /// Waits for a version that this watch has not returned yet, the latest one then. Safe to drop while waiting.
    ///
    /// # Errors
    /// See [`Ended`].
    pub async fn next(&mut self) -> Result<Version, Ended> {
        loop {
            let latest = self.latest()?.filter(|version| self.seen != Some(version.revision));
            if let Some(version) = latest {
                self.seen = Some(version.revision);
                return Ok(version);
            }
            self.wake.notified().await;
        }
    }

    /// The changes since the last call, as messages for a client: the whole document first, then patches, or the whole
    /// again where they would be larger or are not there any more. Wakes the watch's `Notify` when there is more.
    ///
    /// # Errors
    /// See [`Ended`].
    pub fn messages(&mut self) -> Result<Vec<MonitorMessage>, Ended> {
        self.held.feed.look(|state| {
            if let Some(ended) = &state.ended {
                return Err(ended.clone());
            }
            let revisions = &state.revisions;
            if revisions.revision() == 0 {
                return Ok(Vec::new());
            }
            let messages = match revisions.since(self.seen) {
                Change::None => Vec::new(),
                Change::Whole => vec![state.whole()],
                Change::Patches(patches) => patches.iter().map(MonitorMessage::patch).collect(),
            };
            self.seen = Some(revisions.revision());
            Ok(messages)
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        Monitors::linger(&self.held, limits::HUB_LINGER);
    }
}
