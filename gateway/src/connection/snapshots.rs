//! Snapshots of executions, folded once for all who join: the next one begins where the last one ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use runbus::bus::history::{self, Order, Page, Query};
use runbus::bus::{Delivered, Delivery, Filter};
use runbus::log::{Cursor, Place, ReadError};
use runbus::snapshot::{At, Snapshot};

use super::join;
use crate::app::Shared;
use crate::auth::account::Account;
use crate::hub::{Hub, registry};
use crate::ledger::{self, Full, Member, Table};
use crate::limits;
use crate::snapshots::{Fold, Snapshots, Taken};

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none at this place.
    #[error("{0}")]
    Cursor(&'static str),
    /// There is no room to fold it.
    #[error(transparent)]
    Full(#[from] Full),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

impl Snapshots {
    /// For a client that goes on behind it: it need not have the very last events. The hub is held for the client.
    ///
    /// # Errors
    /// See [`join::Error`].
    pub(super) async fn join(
        &self,
        shared: &Shared,
        account: &Account,
        filter: &Filter,
    ) -> Result<(Taken, Option<(Arc<Hub>, Member)>), join::Error> {
        let scope = filter.scope();
        let hub = if registry::is_narrow(&scope, shared.bus.log().as_ref()) {
            Some(shared.hubs.join(scope, account.usage()).await?)
        } else {
            None
        };
        let is_enough = |taken: &Taken| hub.as_ref().is_some_and(|(hub, _)| is_near(hub, taken));
        let taken = self.take(shared, account, filter, is_enough).await?;
        Ok((taken, hub))
    }

    /// As of now, with at least so many events when nothing was removed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn now(
        &self,
        shared: &Shared,
        account: &Account,
        filter: &Filter,
        events: u64,
    ) -> Result<Taken, Error> {
        let mut looks = 0;
        loop {
            let taken = self.take(shared, account, filter, |_| false).await?;
            looks += 1;
            if !taken.is_complete || taken.events >= events || looks > limits::SNAPSHOT_LOOKS {
                return Ok(taken);
            }
            // A replica that lags.
            tokio::time::sleep(limits::LAG_PAUSE).await;
        }
    }

    async fn take(
        &self,
        shared: &Shared,
        account: &Account,
        filter: &Filter,
        is_enough: impl Fn(&Taken) -> bool,
    ) -> Result<Taken, Error> {
        let scope = filter.scope();
        let slot = self.slot(&scope, account.usage().owner());
        let mut fold = slot.fold.lock().await;
        if let Some(taken) = fold.as_ref().and_then(|fold| fold.taken.as_ref())
            && is_enough(taken)
        {
            return Ok(taken.clone());
        }
        let whole = Filter {
            stream_id: filter.stream_id.clone(),
            node_id: filter.node_id.clone(),
            execution_id: filter.execution_id.clone(),
            ..Filter::all()
        };
        let _held = room(shared, account).await?;
        self.fold_on(shared, account, &whole, &mut fold).await?;
        let Some(found) = fold.as_mut() else { return Err(Error::Cursor("there is no such execution")) };
        let snapshot = &found.snapshot;
        let taken = found.taken.get_or_insert_with(|| Taken::new(snapshot)).clone();
        // Its text, and what it was made from.
        slot.bytes.store(3 * taken.text.bytes(), Ordering::Relaxed);
        drop(fold);
        self.trim();
        Ok(taken)
    }

    /// Folds what the log has behind `fold`. Interrupted, it has come as far as it has.
    async fn fold_on(
        &self,
        shared: &Shared,
        account: &Account,
        filter: &Filter,
        fold: &mut Option<Fold>,
    ) -> Result<(), Error> {
        let mut restarts = 0;
        loop {
            let begun = fold.as_ref().map(|fold| fold.read.clone());
            let is_whole = begun.is_some() || is_whole(shared, filter).await?;
            let page = page(shared, account, filter, begun.as_ref()).await?;
            if !page.gaps.is_empty() && restarts < limits::SNAPSHOT_RESTARTS {
                restarts += 1;
                *fold = None;
                continue;
            }
            let read = page.next.clone().unwrap_or_else(|| page.end.clone());
            let is_own = is_own(shared, filter, fold.as_ref(), &page).await?;
            let found = fold.get_or_insert_with(|| Fold {
                snapshot: Snapshot::begin(read.clone(), is_whole),
                read: read.clone(),
                taken: None,
                own: is_own,
            });
            if is_own && !std::mem::replace(&mut found.own, true) {
                // The fold may consist of earlier external events.
                *fold = None;
                continue;
            }
            let fold = found;
            if !page.gaps.is_empty() {
                fold.snapshot.miss();
            }
            let counts = |found: &&Delivered| !(fold.own && found.external);
            for found in page.events.iter().filter_map(event).filter(counts) {
                let (seq, external) = (found.seq, found.external);
                fold.snapshot.apply(&found.event, At { seq, merged: 1, external, cursor: &found.cursor });
                self.count();
                fold.taken = None;
            }
            if fold.snapshot.execution.is_none() && fold.snapshot.cursor != read {
                fold.snapshot.cursor.clone_from(&read);
                fold.taken = None;
            }
            fold.read = read;
            if page.next.is_none() {
                return Ok(());
            }
        }
    }
}

/// As of an earlier place. Nothing is kept of it.
///
/// # Errors
/// See [`Error`].
pub async fn at(shared: &Shared, account: &Account, filter: &Filter, at: &Cursor) -> Result<Snapshot, Error> {
    let _held = room(shared, account).await?;
    let log = shared.bus.log();
    let scope = filter.scope();
    let mut places: Vec<(runbus::subject::Shard, Place)> = Vec::new();
    for shard in scope.shards(&log.layout()) {
        let Some(place) = at.place(shard) else { continue };
        let bounds = log.bounds(scope.lane(), shard).await?;
        if bounds.epoch != place.epoch || place.sequence > bounds.last {
            return Err(Error::Cursor("is a cursor of another log, or of one that lost its end"));
        }
        places.push((shard, place));
    }
    if places.is_empty() {
        return Err(Error::Cursor("is no cursor of this execution"));
    }
    let is_before = |cursor: &Cursor| {
        places.iter().all(|(shard, place)| cursor.place(*shard).is_none_or(|found| !found.is_behind(*place)))
    };
    let mut snapshot: Option<Snapshot> = None;
    let mut read: Option<Cursor> = None;
    loop {
        let is_whole = snapshot.is_some() || is_whole(shared, filter).await?;
        let page = page(shared, account, filter, read.as_ref()).await?;
        let snapshot = snapshot.get_or_insert_with(|| Snapshot::begin(at.clone(), is_whole));
        if !page.gaps.is_empty() {
            snapshot.miss();
        }
        for found in page.events.iter().filter_map(event).filter(|found| is_before(&found.cursor)) {
            let (seq, external) = (found.seq, found.external);
            snapshot.apply(&found.event, At { seq, merged: 1, external, cursor: &found.cursor });
        }
        let is_reached = places.iter().all(|(shard, place)| {
            page.end.place(*shard).is_some_and(|end| end == *place || end.is_behind(*place))
        });
        match page.next {
            Some(next) if !is_reached => read = Some(next),
            _ => return Ok(snapshot.clone()),
        }
    }
}

/// Whether Runbus runs the filter's execution. Only what others say makes it a question.
async fn is_own(
    shared: &Shared,
    filter: &Filter,
    fold: Option<&Fold>,
    page: &Page,
) -> Result<bool, ReadError> {
    if fold.is_some_and(|fold| fold.own) {
        return Ok(true);
    }
    let Some(id) = &filter.execution_id else { return Ok(false) };
    if !page.events.iter().filter_map(event).any(|found| found.external) {
        return Ok(false);
    }
    match shared.control.own(id).await {
        Ok(own) => Ok(own.is_some()),
        Err(error) if error.code() == "unavailable" => Err(ReadError::Unavailable(error.to_string())),
        Err(error) => Err(ReadError::Refused(error.to_string())),
    }
}

fn event(delivery: &Delivery) -> Option<&Delivered> {
    match delivery {
        Delivery::Event(found) => Some(found),
        Delivery::Undecodable(_) | Delivery::Gap(_) | Delivery::CaughtUp => None,
    }
}

/// Whether the log has never removed anything that may be of this scope.
async fn is_whole(shared: &Shared, filter: &Filter) -> Result<bool, ReadError> {
    let log = shared.bus.log();
    let scope = filter.scope();
    for shard in scope.shards(&log.layout()) {
        if log.bounds(scope.lane(), shard).await?.first.0 > 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Room for a fold, and for the page of history that it reads.
async fn room(shared: &Shared, account: &Account) -> Result<ledger::Taken, Full> {
    let bytes = 2 * shared.ledger.page_bytes();
    shared.ledger.take_within(account.usage(), Table::Bytes, bytes, limits::ROOM_PATIENCE).await
}

async fn page(
    shared: &Shared,
    account: &Account,
    filter: &Filter,
    behind: Option<&Cursor>,
) -> Result<Page, ReadError> {
    let query = Query {
        filter: filter.clone(),
        order: Order::Oldest,
        limit: limits::SNAPSHOT_PAGE,
        // Events that are decoded take twice as much as their lines, and the fold takes something too.
        bytes: (shared.ledger.page_bytes() / 2).max(1),
        cursor: behind.cloned(),
    };
    // The semaphore is never closed.
    let _own = account.reading().await;
    let _permit = shared.history_reads.acquire().await;
    match shared.bus.history(&query).await {
        Ok(page) => Ok(page),
        Err(history::Error::Log(error)) => Err(error),
        Err(error @ (history::Error::Limit(_) | history::Error::Bytes(_))) => {
            Err(ReadError::Refused(error.to_string()))
        }
    }
}

/// Whether a snapshot's client finds in the hub's ring what is behind it, and that is little.
fn is_near(hub: &Hub, taken: &Taken) -> bool {
    let Some((_, place)) = taken.cursor.places().next() else { return false };
    hub.look(|ring| {
        ring.rejoin(place).is_some_and(|next| ring.end().saturating_sub(next) <= limits::SNAPSHOT_BEHIND)
    })
}
