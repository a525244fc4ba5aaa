//! The shared parts of log and queue: connections, names, and the gate that opens when the broker is set up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

use super::check;
use super::config::Config;
use super::elections::Elections;
use super::error::{ConnectError, Failure, SetupError, code};
use super::layouts::Layouts;
use super::names::Names;
use super::publish::Link;
use super::room::Room;
use super::seen::Seen;
use super::setup::{Gate, Setup};
use super::watch::Watch;
use crate::config::Invalid;
use crate::subject::Shard;

/// Shared by log and queue.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) names: Names,
    pub(super) layouts: Arc<Layouts>,
    pub(super) elections: Elections,
    pub(super) seen: Seen,
    pub(super) room: Room,
    pub(super) links: Vec<Arc<Link>>,
    turn: AtomicUsize,
    gate: watch::Receiver<Gate>,
    /// Asks for a look at the streams.
    doubt: Arc<Notify>,
    _setup: AbortOnDropHandle<()>,
}

impl Core {
    pub(super) async fn new(config: Config) -> Result<Self, ConnectError> {
        crate::config::check(&config)?;
        let layout = config.layout().map_err(|error| Invalid::new("shards", error.total, "1 to 256"))?;
        let layouts = Arc::new(Layouts::new(layout));
        let mut links = Vec::with_capacity(config.connections.into());
        for n in 0..config.connections.max(1) {
            links.push(Arc::new(Link::open(&config, n).await?));
        }
        let names = Names::new(&config.prefix);
        let (opened, gate) = watch::channel(Gate::Starting);
        let elections = Elections::follow(&links[0]).await?;
        let doubt = Arc::new(Notify::new());
        let setup = tokio::spawn({
            let link = links[0].clone();
            let (config, names, layouts) = (config.clone(), names.clone(), layouts.clone());
            let watch = Watch::new(doubt.clone(), elections.teller());
            Setup { link, config, names, layouts, gate: opened }.run(watch)
        });
        Ok(Self {
            elections,
            seen: Seen::new(),
            config,
            names,
            layouts,
            links,
            turn: AtomicUsize::new(0),
            gate,
            room: Room::default(),
            doubt,
            _setup: AbortOnDropHandle::new(setup),
        })
    }

    /// The connection for a shard's requests.
    pub(super) fn link(&self, shard: Shard) -> &Arc<Link> {
        &self.links[usize::from(shard.0) % self.links.len()]
    }

    /// The connection for a further live feed.
    pub(super) fn next_link(&self) -> &Arc<Link> {
        &self.links[self.turn.fetch_add(1, Ordering::Relaxed) % self.links.len()]
    }

    /// A request found nobody to answer it: perhaps its stream is gone.
    pub(super) fn doubt(&self, failure: &Failure) {
        if matches!(failure, Failure::NoResponders | Failure::Api { code: code::NO_STREAM, .. }) {
            self.doubt.notify_one();
        }
    }

    /// Whether the broker is set up.
    pub(super) fn is_open(&self) -> bool {
        matches!(*self.gate.borrow(), Gate::Open)
    }

    /// Waits until the broker is set up; says at once what will not pass by itself.
    pub(super) async fn open(&self, longest: Duration) -> Result<(), Arc<SetupError>> {
        let mut gate = self.gate.clone();
        let settled = gate.wait_for(|gate| match gate {
            Gate::Open => true,
            Gate::Failed(error) => !error.is_retryable(),
            Gate::Starting => false,
        });
        match tokio::time::timeout(longest, settled).await {
            Ok(Ok(gate)) => match &*gate {
                Gate::Failed(error) => Err(error.clone()),
                _ => Ok(()),
            },
            _ => match &*self.gate.borrow() {
                Gate::Open => Ok(()),
                Gate::Failed(error) => Err(error.clone()),
                Gate::Starting => Err(Arc::new(SetupError::no_answer(&self.config, &self.links[0]))),
            },
        }
    }

    /// Returns when the log is found to be split in another way than this process is configured to.
    pub(super) async fn refused(&self) -> Arc<SetupError> {
        let mut gate = self.gate.clone();
        let refused = gate.wait_for(
            |gate| matches!(gate, Gate::Failed(error) if matches!(**error, SetupError::Layout { .. })),
        );
        if let Ok(gate) = refused.await
            && let Gate::Failed(error) = &*gate
        {
            return error.clone();
        }
        std::future::pending().await
    }

    /// Waits as long as for an answer.
    pub(super) async fn open_soon(&self) -> Result<(), Arc<SetupError>> {
        if self.is_open() {
            return Ok(());
        }
        self.open(self.config.request_timeout()).await
    }

    /// The version that the server reports.
    pub(super) fn server_version(&self) -> Option<String> {
        self.links[0].client.try_server_info().map(|info| info.version)
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.links.iter().map(|link| link.waiting()).sum()
    }

    /// Answers when the broker is set up and answers.
    pub(super) async fn ready(&self) -> Result<(), Arc<SetupError>> {
        match &*self.gate.borrow() {
            Gate::Failed(error) => return Err(error.clone()),
            Gate::Starting | Gate::Open => {}
        }
        self.open_soon().await?;
        for link in &self.links {
            link.round_trip()
                .await
                .map_err(|failure| Arc::new(SetupError::step("asking the broker", &failure)))?;
        }
        check::jetstream(&self.links[0]).await.map_err(Arc::new)?;
        let room = self.room.check(&self.links[0], &self.config, &self.names).await;
        room.map_err(|failure| Arc::new(SetupError::step("storing a message", &failure)))
    }
}
