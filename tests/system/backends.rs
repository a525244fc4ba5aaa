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

/// Three ports on one backend, and the handle that keeps it alive.
///
/// On NATS `log` and `queue` are a worker's connection, with a worker's permissions; the bus and the control are a gateway's.
pub struct Backend {
    pub name: &'static str,
    pub log: Arc<dyn Log>,
    pub queue: Arc<dyn Queue>,
    pub store: Arc<dyn Store>,
    /// The worker's log. A test that puts another one into `log` means everybody's.
    worker: Arc<dyn Log>,
    gateway: (Arc<dyn Log>, Arc<dyn Queue>),
    _keep: Box<dyn std::any::Any + Send>,
}

impl Backend {
    pub fn bus(&self) -> Bus {
        let is_replaced = !Arc::ptr_eq(&self.log, &self.worker);
        let log = if is_replaced { &self.log } else { &self.gateway.0 };
        Bus::new(log.clone(), self.store.clone())
    }

    /// The bus with a worker's permissions.
    pub fn worker_bus(&self) -> Bus {
        Bus::new(self.log.clone(), self.store.clone())
    }

    pub fn control(&self) -> Control {
        Control::new(self.bus(), self.gateway.1.clone(), Clock::System)
    }

    /// Everything in one process, with one connection.
    fn of_one(name: &'static str, opened: Embedded, keep: impl std::any::Any + Send) -> Self {
        let (log, queue): (Arc<dyn Log>, Arc<dyn Queue>) = (opened.log.clone(), opened.queue.clone());
        let store = opened.store.clone();
        let (gateway, worker) = ((log.clone(), queue.clone()), log.clone());
        Self { name, log, queue, store, worker, gateway, _keep: Box::new((opened, keep)) }
    }

    /// A worker's and a gateway's connection to one broker, and a store.
    async fn of_servers(
        name: &'static str,
        config: &nats::Config,
        store: &redis::Config,
        keep: impl std::any::Any + Send,
    ) -> Self {
        let connect = async |role| {
            let nats = nats::Nats::connect(nats::testing::log_in(config.clone(), role)).await.unwrap();
            ready(&nats).await;
            nats
        };
        let (worker, gateway) = (connect(nats::Role::Worker).await, connect(nats::Role::Gateway).await);
        let store = Arc::new(redis::Redis::new(store).unwrap());
        let ports = (gateway.log() as Arc<dyn Log>, gateway.queue() as Arc<dyn Queue>);
        let (log, queue): (Arc<dyn Log>, Arc<dyn Queue>) = (worker.log(), worker.queue());
        let keep = Box::new((worker, gateway, keep));
        Self { name, worker: log.clone(), log, queue, store, gateway: ports, _keep: keep }
    }
}

pub fn embedded() -> Backend {
    embedded_with(900)
}

fn embedded_with(hold_ms: u64) -> Backend {
    let dir = tempfile::tempdir().unwrap();
    let config = embedded::Config { data_dir: dir.path().into(), hold_ms, ..embedded::Config::default() };
    let opened = Embedded::open(&config, Clock::System).unwrap();
    Backend::of_one("embedded", opened, dir)
}

/// NATS JetStream (one server) and Redis, both fresh.
pub async fn nats_and_redis() -> Backend {
    // Short holds, so that a dead worker's jobs come back soon.
    nats_and_redis_with(1000).await
}

async fn nats_and_redis_with(hold_ms: u64) -> Backend {
    let broker = nats::testing::Server::start();
    let store = redis::testing::Server::start();
    let config = nats::Config { hold_ms, ..broker.config() };
    let redis = store.config();
    Backend::of_servers("nats and redis", &config, &redis, (broker, store)).await
}

/// Waits until the broker is set up: a cluster elects leaders for every stream first.
pub async fn ready(nats: &nats::Nats) {
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
    let redis = store.config();
    Backend::of_servers("three nats servers and redis", &config, &redis, (servers, store)).await
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
                Backend::of_one("embedded", Embedded::open(&config, Clock::System).unwrap(), ())
            }
            Self::NatsAndRedis(servers) => {
                let Servers { config, store, .. } = servers.as_ref();
                Backend::of_servers("nats and redis", config, &store.config(), ()).await
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
