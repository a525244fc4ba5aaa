//! The three ports of a session's runtime on fresh backends: one process with files, or nats-server and Redis.

use std::path::Path;
use std::sync::Arc;

use runbus::adapters::nats::{Config, Nats, Shards};
use runbus::bus::Bus;
use runbus::control::Control;
use runbus::log::Log;
use runbus::queue::Queue;
use runbus::store::Store;
use runbus::time::Clock;

use crate::counted::{Calls, Counted};
use crate::{Setup, append, embedded, nats, redis};

/// Log, queue and store; they live as long as this does.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) store: Arc<dyn Store>,
    /// A value that must live as long as the ports.
    _handle: Arc<dyn std::any::Any + Send + Sync>,
}

impl Ports {
    /// On files.
    pub(crate) fn embedded(dir: &Path) -> anyhow::Result<Self> {
        let opened = embedded::open(dir)?;
        Ok(Self {
            log: opened.log.clone(),
            queue: opened.queue.clone(),
            store: opened.store.clone(),
            _handle: Arc::new(opened),
        })
    }

    /// On servers that run. `hold_ms`: see the section `[nats]`; absent: its default.
    pub(crate) async fn connect(nats: &str, redis: &str, hold_ms: Option<u64>) -> anyhow::Result<Self> {
        let defaults = Config::default();
        let config = Config {
            servers: vec![nats.into()],
            shards: Shards::Count(append::SHARDS),
            hold_ms: hold_ms.unwrap_or(defaults.hold_ms),
            ..defaults
        };
        let nats = Nats::connect(config).await?;
        nats.ready().await?;
        Ok(Self {
            log: nats.log(),
            queue: nats.queue(),
            store: Arc::new(redis::connect(redis)?),
            _handle: Arc::new(nats),
        })
    }

    /// The same, with the calls of log and store counted.
    pub(crate) fn counted(&self, calls: &Arc<Calls>) -> Self {
        Self {
            log: Arc::new(Counted { inner: self.log.clone(), calls: calls.clone() }),
            store: Arc::new(Counted { inner: self.store.clone(), calls: calls.clone() }),
            ..self.clone()
        }
    }

    /// The control that gateways and the CLI use.
    pub(crate) fn control(&self) -> Control {
        Control::new(Bus::new(self.log.clone(), self.store.clone()), self.queue.clone(), Clock::System)
    }
}

/// Both servers, fresh.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) nats: nats::Server,
    pub(crate) redis: redis::Server,
}

impl Servers {
    pub(crate) async fn start(setup: &Setup) -> anyhow::Result<Self> {
        Ok(Self { nats: nats::Server::start(setup).await?, redis: redis::Server::start(setup).await? })
    }

    pub(crate) async fn ports(&self, hold_ms: Option<u64>) -> anyhow::Result<Ports> {
        Ports::connect(&self.nats.url, &self.redis.url, hold_ms).await
    }

    pub(crate) fn pids(&self) -> anyhow::Result<[u32; 2]> {
        Ok([self.nats.pid()?, self.redis.pid()?])
    }
}
