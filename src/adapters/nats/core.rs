//! What log and queue share: connections, names, and the gate that opens when the broker is set up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::config::Config;
use super::connect::jitter;
use super::elections::Elections;
use super::error::{ConnectError, Failure, SetupError, code};
use super::names::Names;
use super::publish::Link;
use super::seen::Seen;
use super::watch::Watch;
use super::{check, streams};
use crate::config::Invalid;
use crate::subject::{Layout, Shard};

/// Pauses between two attempts to set up: doubled from the first to the second.
const SETUP_PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How long an answer about the broker's room stands.
const ROOM_INTERVAL: Duration = Duration::from_secs(1);

/// How far the set-up is.
#[derive(Debug, Clone, Default)]
enum Gate {
    /// It runs for the first time.
    #[default]
    Starting,
    /// It failed, and is tried again.
    Failed(Arc<SetupError>),
    /// Done.
    Open,
}

/// Shared by log and queue.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) names: Names,
    pub(super) layout: Layout,
    pub(super) elections: Elections,
    pub(super) seen: Seen,
    links: Vec<Arc<Link>>,
    turn: AtomicUsize,
    gate: watch::Receiver<Gate>,
    /// Asks for a look at the streams.
    doubt: Arc<Notify>,
    /// The last answer about the broker's room.
    room: Mutex<Option<(Instant, Result<(), Failure>)>>,
    _setup: AbortOnDropHandle<()>,
}

impl Core {
    pub(super) async fn new(config: Config) -> Result<Self, ConnectError> {
        crate::config::check(&config)?;
        let layout = config.layout().map_err(|error| Invalid::new("shards", error.total, "1 to 256"))?;
        let mut links = Vec::with_capacity(config.connections.into());
        for n in 0..config.connections.max(1) {
            links.push(Arc::new(Link::open(&config, n).await?));
        }
        let names = Names::new(&config.prefix);
        let (opened, gate) = watch::channel(Gate::Starting);
        let elections = Elections::follow(&links[0]).await?;
        let doubt = Arc::new(Notify::new());
        let setup = tokio::spawn({
            let (link, config, names, layout) =
                (links[0].clone(), config.clone(), names.clone(), layout.clone());
            let mut watch = Watch::new(&names, &layout, doubt.clone(), elections.teller());
            async move {
                loop {
                    let (mut pause, longest) = SETUP_PAUSES;
                    while let Err(error) = set_up(&link, &config, &names, &layout).await {
                        if error.is_retryable() {
                            tracing::warn!(%error, "the broker is not ready");
                        } else {
                            tracing::error!(%error, "the broker cannot be used");
                        }
                        opened.send_replace(Gate::Failed(Arc::new(error)));
                        tokio::time::sleep(pause + jitter(pause)).await;
                        pause = (pause * 2).min(longest);
                    }
                    opened.send_replace(Gate::Open);
                    // Until one is gone, or another one: then it is made, or compared with the configuration.
                    loop {
                        match watch.look(&link).await {
                            Ok(false) => watch.pause(&link).await,
                            Ok(true) => break,
                            Err(error) => {
                                tracing::error!(%error, "the broker lost a stream; it is made again");
                                opened.send_replace(Gate::Failed(Arc::new(error)));
                                break;
                            }
                        }
                    }
                }
            }
        });
        Ok(Self {
            elections,
            seen: Seen::new(),
            config,
            names,
            layout,
            links,
            turn: AtomicUsize::new(0),
            gate,
            room: Mutex::default(),
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
                Gate::Starting => Err(Arc::new(SetupError::unreachable(&self.config))),
            },
        }
    }

    /// Waits as long as for an answer.
    pub(super) async fn open_soon(&self) -> Result<(), Arc<SetupError>> {
        if self.is_open() {
            return Ok(());
        }
        self.open(self.config.request_timeout()).await
    }

    /// What the server says of itself.
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
        self.room().await.map_err(|failure| Arc::new(SetupError::step("storing a message", &failure)))
    }

    /// Whether the broker has room, asked at most once in [`ROOM_INTERVAL`]: asking stores a message.
    async fn room(&self) -> Result<(), Failure> {
        let mut last = self.room.lock().await;
        if let Some((at, outcome)) = &*last
            && at.elapsed() < ROOM_INTERVAL
        {
            return outcome.clone();
        }
        let outcome = check::room(&self.links[0], &self.names).await;
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

/// One attempt: version, JetStream, compare-and-set, streams.
async fn set_up(link: &Link, config: &Config, names: &Names, layout: &Layout) -> Result<(), SetupError> {
    link.round_trip().await.map_err(|_failure| SetupError::unreachable(config))?;
    check::version(&link.client.server_info().version)?;
    check::jetstream(link).await?;
    streams::scratch(link, config, names).await?;
    check::compare_and_set(link, names).await?;
    streams::set_up(link, config, names, layout).await
}
