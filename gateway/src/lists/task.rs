//! Reads one live list again whenever the index has moved on. It costs as much as a page.

use std::sync::{Arc, Weak};
use std::time::Duration;

use runbus::directory::{Directory, Error, Listing, Query, Standing, Visibility};
use runbus::store;
use runbus::store::index::Family;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::live::Held;
use super::window::{Rest, Window};
use crate::auth::Principal;
use crate::ledger::{Ledger, Table, TableUsage};
use crate::limits;
use crate::protocol::Text;
use crate::protocol::list::name;

/// Reads one live list. It holds the list only for a moment at a time: a watcher keeps it.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) held: Weak<Held>,
    pub(super) family: Family,
    pub(super) query: Query,
    pub(super) principal: Arc<Principal>,
    pub(super) directory: Directory,
    pub(super) interval: Duration,
    pub(super) ledger: Arc<Ledger>,
    /// Of who watched it first.
    pub(super) usage: Arc<TableUsage>,
}

/// By which field entries of a list are told apart.
const fn id(family: Family) -> &'static str {
    match family {
        Family::Executions => "execution_id",
        Family::Sessions => "session_id",
        Family::Approvals => "approval_id",
        Family::Questions => "request_id",
    }
}

impl Task {
    pub(super) async fn run(self) {
        let mut moved = self.directory.subscribe();
        let mut stood = Standing::default();
        // About what it shows, and what was shown before.
        let mut held = self.ledger.force(&self.usage, Table::Bytes, 0);
        let mut is_first = true;
        loop {
            let begun = Instant::now();
            match self.look(&mut stood, is_first).await {
                Ok(Some(bytes)) => {
                    held.set(2 * bytes);
                    is_first = false;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "a live list waits for the store");
                    tokio::time::sleep(limits::MONITOR_PATIENCE).await;
                }
            }
            // A slow page comes more rarely: a tenth of one processor at most.
            tokio::time::sleep(self.interval.max(begun.elapsed() * 10)).await;
            if self.directory.is_keeping() {
                // This process hears of each change; should another one take over, the index is asked.
                tokio::select! {
                    _ = moved.changed() => {}
                    () = tokio::time::sleep(limits::LIVE_LOOK) => {}
                }
            }
        }
    }

    /// Reads the list if the index has moved on; how many bytes it has.
    async fn look(&self, stood: &mut Standing, is_first: bool) -> Result<Option<usize>, Error> {
        let standing = self.directory.standing().await?;
        if standing == *stood && !is_first {
            return Ok(None);
        }
        let window = self.window(standing.is_complete).await?;
        let Some(known) = self.held.upgrade() else { return Ok(None) };
        let (revision, before) = known.feed.look(|state| (state.revision, state.window.clone()));
        if revision > 0 && before == window {
            *stood = standing;
            return Ok(None);
        }
        let list = name(self.family);
        let whole = window.snapshot(list, revision + 1).to_string();
        let bytes = whole.len();
        let changes = if revision > 0 {
            let changes = before.changes(&window);
            let now = self.by_id(&changes.removals).await?;
            Some(changes.message(list, revision + 1, &window.rest, &now).to_string())
        } else {
            None
        };
        // A small window is shorter than its changes, but only the changes tell where an entry went.
        let changes = changes.filter(|changes| changes.len() <= bytes + limits::LIVE_CHANGES_BYTES);
        let text = |kind, json: &String| Text::new(None, kind, &[json]);
        let (whole, changes) =
            (text("list_snapshot", &whole), changes.map(|changes| text("list_changes", &changes)));
        known.feed.change(|state| {
            state.advance(window, whole, changes);
            true
        });
        // Only now: a look that ended with an error is made again.
        *stood = standing;
        Ok(Some(bytes))
    }

    async fn window(&self, complete: bool) -> Result<Window, Error> {
        let (directory, query, visibility) = (&self.directory, &self.query, self.principal.as_ref());
        match self.family {
            Family::Executions => Ok(self.of(directory.executions(query, visibility).await?, complete)),
            Family::Sessions => Ok(self.of(directory.sessions(query, visibility).await?, complete)),
            Family::Approvals => Ok(self.of(directory.approvals(query, visibility).await?, complete)),
            Family::Questions => Ok(self.of(directory.questions(query, visibility).await?, complete)),
        }
    }

    fn of<T: Serialize>(&self, listing: Listing<T>, complete: bool) -> Window {
        let entries = listing.entries.iter().filter_map(|entry| {
            let entry = serde_json::to_value(entry).ok()?;
            Some((entry.get(id(self.family))?.as_str()?.to_owned(), Arc::new(entry)))
        });
        let (counts, counts_exact) = listing.counts.map(|counts| (counts.by_status, counts.is_exact)).unzip();
        Window {
            entries: entries.collect(),
            rest: Rest { more: listing.next.is_some(), counts, counts_exact, complete },
        }
    }

    async fn by_id(&self, ids: &[String]) -> Result<Vec<Option<Value>>, store::Error> {
        let (directory, visibility): (_, &dyn Visibility) = (&self.directory, self.principal.as_ref());
        fn values<T: Serialize>(found: Vec<Option<T>>) -> Vec<Option<Value>> {
            found.into_iter().map(|entry| serde_json::to_value(entry?).ok()).collect()
        }
        Ok(match self.family {
            Family::Executions => values(directory.executions_by_id(ids, visibility).await?),
            Family::Sessions => values(directory.sessions_by_id(ids, visibility).await?),
            Family::Approvals => values(directory.approvals_by_id(ids, visibility).await?),
            Family::Questions => values(directory.questions_by_id(ids, visibility).await?),
        })
    }
}
