//! The backends that every case runs on.

use std::sync::Arc;

use runbus::adapters::embedded::{self, Embedded};
use runbus::adapters::{nats, redis};
use runbus::bus::Bus;
use runbus::control::Control;
use runbus::log::Log;
use runbus::queue::Queue;
use runbus::store::Store;
use runbus::time::Clock;

/// Three ports on one backend, and whatever keeps it alive.
pub struct Backend {
    pub name: &'static str,
    pub log: Arc<dyn Log>,
    pub queue: Arc<dyn Queue>,
    pub store: Arc<dyn Store>,
    _keep: Box<dyn std::any::Any + Send>,
}

impl Backend {
    pub fn bus(&self) -> Bus {
        Bus::new(self.log.clone(), self.store.clone())
    }

    pub fn control(&self) -> Control {
        Control::new(self.bus(), self.queue.clone(), Clock::System)
    }
}

pub fn embedded() -> Backend {
    embedded_with(900)
}

fn embedded_with(hold_ms: u64) -> Backend {
    let dir = tempfile::tempdir().unwrap();
    let config = embedded::Config { data_dir: dir.path().into(), hold_ms, ..embedded::Config::default() };
    let opened = Embedded::open(&config, Clock::System).unwrap();
    Backend {
        name: "embedded",
        log: opened.log.clone(),
        queue: opened.queue.clone(),
        store: opened.store.clone(),
        _keep: Box::new((opened, dir)),
    }
}

/// NATS JetStream (one server) and Redis, both fresh.
pub async fn nats_and_redis() -> Backend {
    // Small holds, so that what a dead worker held comes back soon.
    nats_and_redis_with(1000).await
}

async fn nats_and_redis_with(hold_ms: u64) -> Backend {
    let broker = nats::testing::Server::start();
    let store = redis::testing::Server::start();
    let config = nats::Config { hold_ms, ..broker.config() };
    let nats = nats::Nats::connect(config).await.unwrap();
    ready(&nats).await;
    let redis = redis::Redis::new(&redis::Config { url: store.url(), ..redis::Config::default() }).unwrap();
    Backend {
        name: "nats and redis",
        log: nats.log(),
        queue: nats.queue(),
        store: Arc::new(redis),
        _keep: Box::new((nats, broker, store)),
    }
}

/// Waits until the broker is set up: a cluster elects leaders for every stream first.
async fn ready(nats: &nats::Nats) {
    let patience = tokio::time::Instant::now() + std::time::Duration::from_secs(120);
    while let Err(error) = nats.ready().await {
        assert!(error.is_retryable() && tokio::time::Instant::now() < patience, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// NATS JetStream (three servers, every stream on all of them) and Redis, all fresh.
pub async fn cluster_and_redis() -> Backend {
    let servers = tokio::task::spawn_blocking(|| nats::testing::cluster(3)).await.unwrap();
    let store = redis::testing::Server::start();
    let config = nats::Config { hold_ms: 1000, replicas: 3, ..nats::testing::config(&servers) };
    let nats = nats::Nats::connect(config).await.unwrap();
    ready(&nats).await;
    let redis = redis::Redis::new(&redis::Config { url: store.url(), ..redis::Config::default() }).unwrap();
    Backend {
        name: "three nats servers and redis",
        log: nats.log(),
        queue: nats.queue(),
        store: Arc::new(redis),
        _keep: Box::new((nats, servers, store)),
    }
}

/// Every backend, fresh and empty; with `RUNBUS_TEST_NODES=3` only the cluster.
pub async fn all() -> Vec<Backend> {
    match std::env::var("RUNBUS_TEST_NODES").as_deref() {
        Ok("3") => vec![cluster_and_redis().await],
        _ => vec![embedded(), nats_and_redis().await],
    }
}

/// The same, with the usual patience for workers that show no life.
pub async fn patient() -> Vec<Backend> {
    vec![embedded_with(6000), nats_and_redis_with(6000).await]
}

/// A backend that can be left and opened again.
pub enum Lasting {
    Embedded(tempfile::TempDir),
    NatsAndRedis(Box<Servers>),
}

/// Running servers, and how to reach the broker.
pub struct Servers {
    config: nats::Config,
    _broker: nats::testing::Server,
    store: redis::testing::Server,
}

impl Lasting {
    pub fn all() -> [Self; 2] {
        let broker = nats::testing::Server::start();
        let config = nats::Config { hold_ms: 1000, ..broker.config() };
        let store = redis::testing::Server::start();
        [
            Self::Embedded(tempfile::tempdir().unwrap()),
            Self::NatsAndRedis(Box::new(Servers { config, _broker: broker, store })),
        ]
    }

    pub async fn open(&self) -> Backend {
        match self {
            Self::Embedded(dir) => {
                let config = embedded::Config {
                    data_dir: dir.path().into(),
                    hold_ms: 900,
                    ..embedded::Config::default()
                };
                let opened = Embedded::open(&config, Clock::System).unwrap();
                Backend {
                    name: "embedded",
                    log: opened.log.clone(),
                    queue: opened.queue.clone(),
                    store: opened.store.clone(),
                    _keep: Box::new(opened),
                }
            }
            Self::NatsAndRedis(servers) => {
                let Servers { config, store, .. } = servers.as_ref();
                let nats = nats::Nats::connect(config.clone()).await.unwrap();
                tokio::time::timeout(std::time::Duration::from_secs(60), nats.ready())
                    .await
                    .unwrap()
                    .unwrap();
                let redis =
                    redis::Redis::new(&redis::Config { url: store.url(), ..redis::Config::default() })
                        .unwrap();
                Backend {
                    name: "nats and redis",
                    log: nats.log(),
                    queue: nats.queue(),
                    store: Arc::new(redis),
                    _keep: Box::new(nats),
                }
            }
        }
    }

    /// The store loses everything, where it is apart from the log.
    pub fn forget_store(&self) {
        if let Self::NatsAndRedis(servers) = self {
            servers.store.command::<()>(&["FLUSHALL"]).unwrap();
        }
    }
}
