//! The shared hubs.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use runbus::log::{Follower, Log, ReadError, Since};
use runbus::metrics::{Held, gateway as metrics};
use runbus::subject::Scope;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::bounds;
use super::ring::Ring;
use super::share::Shares;
use super::task;
use super::watcher::Watcher;
use crate::ledger::{Full, Ledger, Member, Payers, Table, TableUsage};
use crate::limits;

/// One reader of the log, shared by every client that watches its scope.
///
/// A hub of one execution reads from its oldest frame on, so that its ring has no beginning that it cannot prove; a broad one
/// begins with new frames.
#[derive(Debug)]
pub struct Hub {
    /// The scope that it reads.
    pub scope: Scope,
    /// Whether it is one execution in one shard.
    pub is_narrow: bool,
    ring: Mutex<Ring>,
    watchers: Mutex<Vec<Weak<dyn Watcher>>>,
    /// The principal that pays for it.
    payers: Arc<Payers>,
    /// Somebody left it a moment ago.
    left: AtomicBool,
    /// A task keeps it for those who come back.
    lingers: AtomicBool,
    _stop: DropGuard,
    _counted: Held,
}

impl Hub {
    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the ring.
    pub fn look<T>(&self, view: impl FnOnce(&Ring) -> T) -> T {
        view(&self.ring())
    }

    /// Changes the ring. The caller then notifies the watchers.
    pub(super) fn change(&self, update: impl FnOnce(&mut Ring)) {
        update(&mut self.ring());
    }

    fn watchers(&self) -> MutexGuard<'_, Vec<Weak<dyn Watcher>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether telling the watchers takes long.
    pub(super) fn has_many_watchers(&self) -> bool {
        self.watchers().len() >= MANY
    }

    /// Tells the watchers that there is news, some at a time: they may write to their clients at once, and nothing else runs here
    /// meanwhile.
    pub(super) async fn notify(&self) {
        let mut at = 0;
        let mut some: Vec<Arc<dyn Watcher>> = Vec::new();
        loop {
            {
                let mut watchers = self.watchers();
                while some.len() < NOTIFIED_AT_ONCE
                    && let Some(watcher) = watchers.get(at)
                {
                    match watcher.upgrade() {
                        Some(watcher) => {
                            some.push(watcher);
                            at += 1;
                        }
                        None => drop(watchers.swap_remove(at)),
                    }
                }
            }
            let is_last = some.len() < NOTIFIED_AT_ONCE;
            some.drain(..).for_each(|watcher| watcher.notify());
            if is_last {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Tells `watcher` whenever something comes; once however often it asks.
    pub fn watch(&self, watcher: &Arc<dyn Watcher>) {
        let mut watchers = self.watchers();
        if !watchers.iter().any(|known| std::ptr::addr_eq(known.as_ptr(), Arc::as_ptr(watcher))) {
            watchers.push(Arc::downgrade(watcher));
        }
    }
}

/// Watchers for which it is worth to look twice whether there is more to tell.
const MANY: usize = 8;

/// Watchers that are notified before others have their turn: about half a millisecond of writes.
const NOTIFIED_AT_ONCE: usize = 128;

/// Whether a scope is one execution in one shard: its whole log can be read by a hub.
#[must_use]
pub fn is_narrow(scope: &Scope, log: &dyn Log) -> bool {
    matches!(scope, Scope::Events { execution: Some(_), .. }) && scope.shards(&log.layout()).len() == 1
}

/// Why there is no hub.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The gateway has too many, or who asks.
    #[error(transparent)]
    TooMany(#[from] Full),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
}

/// Hubs that may start at the same time.
const STARTS: usize = 64;

fn lock_of(scope: &Scope) -> usize {
    let mut hasher = DefaultHasher::new();
    scope.hash(&mut hasher);
    usize::try_from(hasher.finish() % STARTS as u64).unwrap_or_default()
}

/// All hubs of a gateway.
#[derive(Debug)]
pub struct Hubs {
    log: Arc<dyn Log>,
    shares: Arc<Shares>,
    ledger: Arc<Ledger>,
    /// The bounds of shards.
    pub bounds: bounds::Shared,
    hubs: Mutex<HashMap<Scope, Weak<Hub>>>,
    /// One start at a time for each scope; scopes share locks, so that there are few, and many clients that come at once do not
    /// all wait for one.
    starting: [tokio::sync::Mutex<()>; STARTS],
}

impl Hubs {
    /// No hubs yet.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, shares: Arc<Shares>, ledger: Arc<Ledger>) -> Self {
        Self {
            log,
            shares,
            ledger,
            bounds: bounds::Shared::default(),
            hubs: Mutex::default(),
            starting: std::array::from_fn(|_| tokio::sync::Mutex::new(())),
        }
    }

    fn hubs(&self) -> MutexGuard<'_, HashMap<Scope, Weak<Hub>>> {
        self.hubs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self, scope: &Scope) -> Option<Arc<Hub>> {
        self.hubs().get(scope).and_then(Weak::upgrade).filter(|hub| hub.look(|ring| ring.broken.is_none()))
    }

    /// Scopes that are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.hubs().values().filter(|hub| hub.strong_count() > 0).count()
    }

    /// Whether nothing is watched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The hub of a scope; starts it when nobody watches the scope yet. It ends when the last handle is dropped. The member is one of
    /// those who pay for it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn join(&self, scope: Scope, usage: &Arc<TableUsage>) -> Result<(Arc<Hub>, Member), Error> {
        let with = |hub: Arc<Hub>| {
            let member = hub.payers.join(usage);
            (hub, member)
        };
        if let Some(hub) = self.running(&scope) {
            return Ok(with(hub));
        }
        let _starting = self.starting[lock_of(&scope)].lock().await;
        if let Some(hub) = self.running(&scope) {
            return Ok(with(hub));
        }
        let paid = self.ledger.take(usage, Table::Hubs, 1)?;
        {
            let mut hubs = self.hubs();
            // Those that have ended are looked for before the map grows, not with every start. Then quiet ones give up what is more
            // than their share by now.
            if hubs.len() >= hubs.capacity() {
                hubs.retain(|_, hub| match hub.upgrade() {
                    Some(hub) => {
                        hub.change(Ring::trim);
                        true
                    }
                    None => false,
                });
            }
        }
        let is_narrow = is_narrow(&scope, self.log.as_ref());
        let since = if is_narrow { Since::All } else { Since::New };
        let follower = Follower::start(self.log.clone(), scope.clone(), since).await?;
        let stop = CancellationToken::new();
        let hub = Arc::new(Hub {
            scope: scope.clone(),
            is_narrow,
            ring: Mutex::new(Ring::new(self.shares.share(), follower.cursor())),
            watchers: Mutex::default(),
            payers: Payers::new(paid),
            left: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            _stop: stop.clone().drop_guard(),
            _counted: metrics::HUBS.hold(),
        });
        self.hubs().insert(scope, Arc::downgrade(&hub));
        tokio::spawn(task::run(Arc::downgrade(&hub), follower, stop));
        Ok(with(hub))
    }

    /// Keeps a hub for a while after its last client left: clients that come back find it filled.
    pub fn linger(hub: Arc<Hub>) {
        hub.left.store(true, Ordering::Release);
        // A client that ends with its runtime needs no hub kept.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if hub.lingers.swap(true, Ordering::AcqRel) {
            return;
        }
        runtime.spawn(async move {
            while hub.left.swap(false, Ordering::AcqRel) {
                tokio::time::sleep(limits::HUB_LINGER).await;
            }
            hub.lingers.store(false, Ordering::Release);
        });
    }
}
