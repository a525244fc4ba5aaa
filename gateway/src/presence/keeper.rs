//! The task that reports watchers to the store, and reads those of other gateways: in batches, through any fault.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use runbus::control::presence::{self, Watched};
use runbus::id::ExecutionId;
use runbus::store::{self, Store};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::registry::Room;
use crate::limits;

/// One gateway's word to the store.
#[derive(Debug)]
struct Keeper<'r> {
    room: &'r Room,
    store: Arc<dyn Store>,
    /// The store's name for this gateway.
    member: String,
}

impl Room {
    /// Keeps the store up to date until `stop`, then takes back what it said.
    pub async fn keep(&self, store: Arc<dyn Store>, stop: CancellationToken) {
        let member = uuid::Uuid::new_v4().to_string();
        let keeper = Keeper { room: self, store, member };
        let mut poll_at = Instant::now();
        loop {
            let due = keeper.next_due(poll_at);
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changed.notified() => {}
                () = tokio::time::sleep_until(due) => {}
            }
            // Other changes of this moment are reported together with it.
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(keeper.pause()) => {}
            }
            let mut ok = keeper.notify().await;
            let all = Instant::now() >= poll_at;
            if all {
                poll_at = Instant::now() + limits::PRESENCE_POLL;
            }
            ok &= keeper.ask(all).await;
            keeper.show();
            if !ok {
                tokio::time::sleep(limits::PRESENCE_PATIENCE).await;
                self.changed.notify_one();
            }
        }
        if tokio::time::timeout(limits::PRESENCE_FAREWELL, keeper.take_back()).await.is_err() {
            tracing::debug!("the watchers of this gateway stay in the store for a while");
        }
    }
}

impl Keeper<'_> {
    fn next_due(&self, poll_at: Instant) -> Instant {
        let state = self.room.state();
        let far = Instant::now() + presence::REFRESHED;
        let due = state.due.front().map_or(far, |(due, _)| *due);
        if state.followed.is_empty() { due } else { due.min(poll_at) }
    }

    /// The more there are who would hear of it, the longer it may wait.
    fn pause(&self) -> std::time::Duration {
        let state = self.room.state();
        let crowd =
            state.changed.iter().filter_map(|id| state.executions.get(id)).map(|local| local.count).max();
        if crowd.unwrap_or(0) >= limits::PRESENCE_CROWD {
            limits::PRESENCE_CROWD_PAUSE
        } else {
            limits::PRESENCE_PAUSE
        }
    }

    /// Writes changed entries to the store, and those that are about to expire.
    async fn notify(&self) -> bool {
        let now = Instant::now();
        let said: Vec<(ExecutionId, Watched)> = {
            let mut state = self.room.state();
            let mut ids = std::mem::take(&mut state.changed);
            while let Some((due, _)) = state.due.front()
                && *due <= now
            {
                let Some((_, id)) = state.due.pop_front() else { break };
                let again = |told: Instant| told + presence::REFRESHED <= now;
                let local = state.executions.get(&id);
                if local.is_some_and(|local| !local.is_changed && local.told.is_some_and(again)) {
                    ids.push(id);
                }
            }
            for id in &ids {
                if let Some(local) = state.executions.get_mut(id) {
                    local.is_changed = false;
                }
                if state.followed.contains(id) {
                    state.news.insert(id.clone());
                }
            }
            ids.into_iter().filter_map(|id| Some((id.clone(), state.executions.get(&id)?.said()))).collect()
        };
        let outcomes: Vec<(ExecutionId, bool, Result<(), store::Error>)> = stream::iter(said)
            .map(|(id, said)| async move {
                let is_there = said.count > 0;
                let outcome = self.write(&id, &said).await;
                (id, is_there, outcome)
            })
            .buffer_unordered(limits::PRESENCE_BATCH)
            .collect()
            .await;
        let mut state = self.room.state();
        let mut all = true;
        for (id, is_there, outcome) in outcomes {
            let told = Instant::now();
            if let Err(error) = outcome {
                tracing::debug!(%error, "the list of watchers was not written to the store");
                all = false;
                state.touch(&id);
                continue;
            }
            if let Some(local) = state.executions.get_mut(&id) {
                local.told = is_there.then_some(told);
            }
            if is_there {
                state.due.push_back((told + presence::REFRESHED, id));
            } else {
                state.tidy(&id);
            }
        }
        all
    }

    async fn write(&self, id: &ExecutionId, said: &Watched) -> Result<(), store::Error> {
        let name = presence::place(id);
        if said.count == 0 {
            return self.store.leave(&name, &self.member).await;
        }
        let said = Bytes::from(serde_json::to_vec(said).unwrap_or_default());
        self.store.join(&name, &self.member, said, presence::STANDS).await
    }

    /// Asks the store what other gateways say of the executions that somebody follows here: of all, or of those that it was not
    /// asked about yet.
    async fn ask(&self, all: bool) -> bool {
        let ids = self.to_ask(all);
        let found: Vec<_> = stream::iter(ids)
            .map(|id| async move {
                let found = self.store.present(&presence::place(&id)).await;
                (id, found)
            })
            .buffer_unordered(limits::PRESENCE_BATCH)
            .collect()
            .await;
        let mut state = self.room.state();
        let mut all = true;
        for (id, found) in found {
            let Some(local) = state.executions.get_mut(&id) else { continue };
            let mut is_news = !std::mem::replace(&mut local.is_asked, true);
            match found {
                Ok(found) => {
                    let others = found.iter().filter(|(member, _)| *member != self.member);
                    let mut others: Vec<Watched> =
                        others.filter_map(|(_, said)| runbus::json::from_slice(said).ok()).collect();
                    others.sort_by_key(|said| said.count);
                    is_news |= others != local.others;
                    local.others = others;
                }
                Err(error) => {
                    tracing::debug!(%error, "the store does not say who watches elsewhere");
                    all = false;
                }
            }
            if is_news {
                state.news.insert(id);
            }
        }
        all
    }

    fn to_ask(&self, all: bool) -> Vec<ExecutionId> {
        let mut state = self.room.state();
        let mut ids = Vec::new();
        for id in state.followed.iter().cloned().collect::<Vec<_>>() {
            match state.executions.get_mut(&id) {
                Some(local) if local.feed.strong_count() > 0 => {
                    if all || !local.is_asked {
                        ids.push(id);
                    }
                }
                _ => {
                    if let Some(local) = state.executions.get_mut(&id) {
                        (local.is_asked, local.others) = (false, Vec::new());
                    }
                    state.followed.remove(&id);
                    state.tidy(&id);
                }
            }
        }
        ids
    }

    /// Shows followers of an execution its watchers.
    fn show(&self) {
        let mut state = self.room.state();
        for id in std::mem::take(&mut state.news) {
            let Some(local) = state.executions.get(&id).filter(|local| local.is_asked) else { continue };
            if let Some(feed) = local.feed.upgrade() {
                let now = local.everybody(&id);
                feed.change(|seen| seen.advance(now));
            }
        }
    }

    /// The gateway ends: its clients are not here any more.
    async fn take_back(&self) {
        let told: Vec<ExecutionId> = {
            let state = self.room.state();
            state
                .executions
                .iter()
                .filter(|(_, local)| local.told.is_some())
                .map(|(id, _)| id.clone())
                .collect()
        };
        stream::iter(told)
            .for_each_concurrent(limits::PRESENCE_BATCH, |id| async move {
                if let Err(error) = self.store.leave(&presence::place(&id), &self.member).await {
                    tracing::debug!(%error, "the watchers of this gateway stay in the store for a while");
                }
            })
            .await;
    }
}
