//! Revocations of all gateways: one topic of the log, which every gateway reads when it starts and follows from then on.
//!
//! The log is the one place that forgets none of them. The live feed makes them quick, a look every two seconds makes them
//! certain.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runbus::id::{EventId, SessionId};
use runbus::log::{AppendError, Direction, Epoch, Expect, Frame, Log, Read, ReadError, Sequence, Tail};
use runbus::subject::{Key, Lane, Scope, Shard, Topic};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::live::Live;
use super::principal::Principal;
use super::revocation::{Revocation, Revoked};
use crate::limits;

/// Where they live: a journal that no session can have, because the library gives no command to one with such an id
/// ([`RESERVED_SESSIONS`](runbus::control::RESERVED_SESSIONS)).
pub const TOPIC: &str = "runbus/auth/revocations";

/// Why something was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are too many.
    #[error("{} revocations are kept already", limits::REVOCATIONS)]
    Full,
    /// It cannot be written.
    #[error("{0}")]
    Encode(#[from] runbus::json::Error),
    /// The log took it not, or did not say.
    #[error(transparent)]
    Log(#[from] AppendError),
}

/// The revoked rights, here and at all other gateways.
#[derive(Debug)]
pub struct Revocations {
    log: Arc<dyn Log>,
    revoked: std::sync::RwLock<Revoked>,
    live: Arc<Live>,
    /// Whether everything that was there at the start has been read.
    loaded: AtomicBool,
    told: Notify,
}

/// How far a shard has been read.
type Places = BTreeMap<Shard, (Epoch, Sequence)>;

fn session() -> Option<SessionId> {
    SessionId::new(TOPIC).ok()
}

impl Revocations {
    /// Nothing is known yet: see [`Revocations::follow`].
    #[must_use]
    pub fn new(log: Arc<dyn Log>, live: Arc<Live>) -> Self {
        let revoked = std::sync::RwLock::default();
        Self { log, revoked, live, loaded: AtomicBool::new(false), told: Notify::new() }
    }

    /// Whether a credential is revoked.
    #[must_use]
    pub fn holds(&self, principal: &Principal) -> bool {
        self.read_set().holds(principal)
    }

    fn read_set(&self) -> std::sync::RwLockReadGuard<'_, Revoked> {
        self.revoked.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write_set(&self) -> std::sync::RwLockWriteGuard<'_, Revoked> {
        self.revoked.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Waits until what was revoked before this gateway started is known; `false`: it is not, after a while.
    pub async fn loaded(&self) -> bool {
        let loading = async {
            loop {
                let told = self.told.notified();
                tokio::pin!(told);
                told.as_mut().enable();
                if self.loaded.load(Ordering::Acquire) {
                    return;
                }
                told.await;
            }
        };
        if self.loaded.load(Ordering::Acquire) {
            return true;
        }
        tokio::time::timeout(limits::REVOCATIONS_PATIENCE, loading).await.is_ok()
    }

    /// Revokes something everywhere. Done when it is durable, and counts here at once.
    ///
    /// # Errors
    /// See [`Error`]. The same call again is safe.
    pub async fn revoke(&self, revocation: &Revocation) -> Result<(), Error> {
        if self.read_set().len() >= limits::REVOCATIONS {
            return Err(Error::Full);
        }
        let line = revocation.encode()?;
        let Some(session) = session() else { return Err(Error::Full) };
        let id = EventId::generate();
        self.log.append(&Topic::Journal(session), &Frame::open(&[line]), Expect::Open(id)).await?;
        self.take(std::slice::from_ref(revocation));
        Ok(())
    }

    fn take(&self, revocations: &[Revocation]) {
        if revocations.is_empty() {
            return;
        }
        let mut set = self.write_set();
        revocations.iter().for_each(|revocation| set.add(revocation));
        drop(set);
        self.live.end(|principal| self.holds(principal));
    }

    /// Reads present and new entries, until `end`.
    pub async fn follow(&self, clock: &runbus::time::Clock, end: CancellationToken) {
        let Some(session) = session() else { return };
        let key = Key::Journal(session);
        let scope = Scope::from(&key);
        let (mut places, mut feed) = (Places::new(), None);
        loop {
            if feed.is_none() {
                feed = self.log.tail(&scope).await.ok();
            }
            match self.catch_up(&key, &scope, &mut places).await {
                Ok(()) => {
                    self.write_set().forget(clock.now());
                    if !self.loaded.swap(true, Ordering::AcqRel) {
                        tracing::debug!(revocations = self.read_set().len(), "revocations are known");
                        self.told.notify_waiters();
                    }
                }
                Err(error) => tracing::warn!(%error, "revocations cannot be read now"),
            }
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(limits::REVOCATIONS_POLL) => {}
                gone = news(&mut feed) => if gone { feed = None },
            }
        }
    }

    /// Reads everything behind `places`.
    async fn catch_up(&self, key: &Key, scope: &Scope, places: &mut Places) -> Result<(), ReadError> {
        // The first time, nothing that was acknowledged may be missing: replicas lag.
        let loaded = self.loaded.load(Ordering::Acquire);
        let last = if loaded {
            None
        } else {
            self.log.last(key).await?.map(|stored| (stored.shard, stored.sequence))
        };
        for shard in scope.shards(&self.log.layout()) {
            let epoch = self.log.bounds(Lane::Journal, shard).await?.epoch;
            let place = places.entry(shard).or_insert((epoch, Sequence::default()));
            if place.0 != epoch {
                // The log was made again: rights that were revoked stay revoked.
                *place = (epoch, Sequence::default());
            }
            loop {
                let read = Read {
                    scope: scope.clone(),
                    shard,
                    from: place.1.next(),
                    direction: Direction::Forward,
                    max_frames: runbus::limits::PAGE_FRAMES,
                    max_bytes: runbus::limits::PAGE_BYTES,
                };
                let page = self.log.read(&read).await?;
                let mut found = Vec::new();
                for stored in &page.frames {
                    place.1 = stored.sequence;
                    if stored.frame.author.is_external() {
                        tracing::error!(at = %stored.sequence, "a message among the revocations is not Runbus's");
                        continue;
                    }
                    for line in stored.frame.lines() {
                        match Revocation::decode(&line) {
                            Ok(revocation) => found.push(revocation),
                            Err(error) => tracing::error!(%error, "an entry is no revocation"),
                        }
                    }
                }
                self.take(&found);
                if page.frames.is_empty() {
                    break;
                }
            }
            if last.is_some_and(|(home, last)| home == shard && place.1 < last) {
                return Err(ReadError::Unavailable("a replica lags".into()));
            }
        }
        Ok(())
    }
}

/// Waits for the feed to say something; `true`: it has ended.
async fn news(feed: &mut Option<Tail>) -> bool {
    match feed {
        Some(feed) => feed.next().await.is_none(),
        None => std::future::pending().await,
    }
}
