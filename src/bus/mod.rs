//! The bus: publish, read, subscribe, wait, count. For anyone with the library; the CLI and the gateway use the same.
//!
//! # Layout
//! [`Filter`] says which events; [`Reader`] reads them for ever; [`delivery`] is what readers get; one file for each
//! thing that a [`Bus`] does.

mod beginning;
pub mod delivery;
mod emit;
mod filter;
pub mod history;
pub mod publish;
mod reader;
mod stats;
mod subscribe;
mod wait;

use std::sync::Arc;

use crate::log::{Log, ReadError, Since};
use crate::store::Store;

pub use beginning::{Beginning, beginning};
pub use delivery::{Delivered, Delivery, Undecodable};
pub use emit::Emitter;
pub use filter::{Filter, TooManyTypes};
pub use publish::Publisher;
pub use reader::Reader;
pub use stats::Stats;
pub use subscribe::{Counters, Options, SubscribeError, SubscriptionId};
pub use wait::Watch;

/// A cheap handle on the bus.
#[derive(Debug, Clone)]
pub struct Bus {
    log: Arc<dyn Log>,
    store: Arc<dyn Store>,
    subscriptions: Arc<subscribe::Subscriptions>,
}

impl Bus {
    /// A bus on a log; `store` keeps what can be rebuilt.
    #[must_use]
    pub fn new(log: Arc<dyn Log>, store: Arc<dyn Store>) -> Self {
        Self { log, store, subscriptions: Arc::default() }
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn Log> {
        &self.log
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Reads events for ever.
    ///
    /// # Errors
    /// The log refuses or does not answer.
    pub async fn read(&self, filter: Filter, since: Since) -> Result<Reader, ReadError> {
        Reader::start(self.log.clone(), filter, since).await
    }
}
