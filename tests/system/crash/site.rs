//! A backend for one walk alone, with a store that can be wiped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use runbus::adapters::embedded::{self, Embedded};
use runbus::adapters::{nats, redis};
use runbus::bus::Bus;
use runbus::control::Control;
use runbus::log::Log;
use runbus::queue::Queue;
use runbus::store::{Applied, Error, Lease, Mark, Name, Projection, Store};
use runbus::time::Clock;

use crate::failpoints::Wipe;

/// How long a wake-up is held: longer than a lease, so that a takeover needs one look.
const HOLD_MS: u64 = 500;

/// The servers that sites are on.
#[derive(Debug, Clone)]
pub enum Servers {
    Embedded,
    Real(Arc<(nats::testing::Server, redis::testing::Server)>),
}

/// Three ports that nobody else uses.
pub struct Site {
    pub log: Arc<dyn Log>,
    pub queue: Arc<dyn Queue>,
    pub store: Arc<dyn Store>,
    pub wipe: Wipe,
    _keep: Box<dyn std::any::Any + Send + Sync>,
}

impl Site {
    pub fn control(&self) -> Control {
        Control::new(Bus::new(self.log.clone(), self.store.clone()), self.queue.clone(), Clock::System)
    }
}

impl Servers {
    pub fn real() -> Self {
        Self::Real(Arc::new((nats::testing::Server::start(), redis::testing::Server::start())))
    }

    pub async fn site(&self) -> Site {
        let Self::Real(servers) = self else { return embedded() };
        let config = nats::Config {
            hold_ms: HOLD_MS,
            shards: nats::Shards::Count(1),
            connections: 1,
            ..servers.0.config()
        };
        let prefix = config.prefix.clone();
        let nats = nats::Nats::connect(config).await.unwrap();
        crate::backends::ready(&nats).await;
        let config = redis::Config { prefix, ..servers.1.config() };
        let store = redis::Redis::new(&config).unwrap();
        let flushed = servers.clone();
        let wipe: Wipe = Arc::new(move || {
            let servers = flushed.clone();
            Box::pin(async move {
                let flush = move || servers.1.command::<()>(&["FLUSHALL"]).unwrap();
                tokio::task::spawn_blocking(flush).await.unwrap();
            })
        });
        let (log, queue) = (nats.log(), nats.queue());
        Site { log, queue, store: Arc::new(store), wipe, _keep: Box::new(nats) }
    }
}

fn embedded() -> Site {
    let dir = tempfile::tempdir().unwrap();
    let config = embedded::Config {
        data_dir: dir.path().into(),
        hold_ms: HOLD_MS,
        read_connections: 2,
        cache_mib: 2,
        synchronous: embedded::Synchronous::Normal,
        ..embedded::Config::default()
    };
    let opened = Embedded::open(&config, Clock::System).unwrap();
    let store = Arc::new(Wiped { store: opened.store.clone(), wipes: AtomicU64::new(0) });
    let wiped = store.clone();
    let wipe: Wipe = Arc::new(move || {
        wiped.wipes.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    });
    let (log, queue) = (opened.log.clone(), opened.queue.clone());
    Site { log, queue, store, wipe, _keep: Box::new((opened, dir)) }
}

/// A store that forgets everything: the same names mean others after a wipe.
#[derive(Debug)]
struct Wiped {
    store: Arc<dyn Store>,
    wipes: AtomicU64,
}

impl Wiped {
    fn name(&self, name: &Name) -> Name {
        Name { family: name.family, id: format!("{}/{}", self.wipes.load(Ordering::SeqCst), name.id) }
    }
}

#[async_trait]
impl Store for Wiped {
    async fn apply(
        &self,
        name: &Name,
        mark: Mark,
        document: Bytes,
        keep: Option<Duration>,
    ) -> Result<Applied, Error> {
        self.store.apply(&self.name(name), mark, document, keep).await
    }

    async fn get(&self, name: &Name) -> Result<Option<Projection>, Error> {
        self.store.get(&self.name(name)).await
    }

    async fn remove(&self, name: &Name) -> Result<(), Error> {
        self.store.remove(&self.name(name)).await
    }

    async fn lease(&self, name: &Name, owner: &str, ttl: Duration) -> Result<Lease, Error> {
        self.store.lease(&self.name(name), owner, ttl).await
    }

    async fn leased(&self, name: &Name) -> Result<Option<(String, Duration)>, Error> {
        self.store.leased(&self.name(name)).await
    }

    async fn release(&self, name: &Name, owner: &str) -> Result<(), Error> {
        self.store.release(&self.name(name), owner).await
    }

    async fn join(&self, name: &Name, member: &str, description: Bytes, ttl: Duration) -> Result<(), Error> {
        self.store.join(&self.name(name), member, description, ttl).await
    }

    async fn leave(&self, name: &Name, member: &str) -> Result<(), Error> {
        self.store.leave(&self.name(name), member).await
    }

    async fn present(&self, name: &Name) -> Result<Vec<(String, Bytes)>, Error> {
        self.store.present(&self.name(name)).await
    }

    async fn remember(&self, name: &Name, value: Bytes, ttl: Duration) -> Result<Bytes, Error> {
        self.store.remember(&self.name(name), value, ttl).await
    }

    async fn ready(&self) -> Result<(), Error> {
        self.store.ready().await
    }
}
