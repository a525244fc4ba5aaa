//! The backends that every case runs on.

use std::sync::Arc;

use runbus::adapters::embedded::{self, Embedded};
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
    let dir = tempfile::tempdir().unwrap();
    let config =
        embedded::Config { data_dir: dir.path().into(), hold_ms: 900, ..embedded::Config::default() };
    let opened = Embedded::open(&config, Clock::System).unwrap();
    Backend {
        name: "embedded",
        log: opened.log.clone(),
        queue: opened.queue.clone(),
        store: opened.store.clone(),
        _keep: Box::new((opened, dir)),
    }
}

/// Every backend, fresh and empty.
pub async fn all() -> Vec<Backend> {
    vec![embedded()]
}
