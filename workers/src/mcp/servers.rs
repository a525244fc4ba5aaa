//! All servers of a worker.

use std::sync::Arc;

use runbus::time::Clock;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::config::Config;
use super::link::{Link, Tools};
use super::status::{State, Status};
use super::supervisor::supervise;
use crate::tool::{Registry, RegistryFault};

/// The MCP servers of a worker. Cheap to clone; when the last one is dropped, the servers are stopped.
#[derive(Debug, Clone)]
pub struct Servers {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    links: Vec<Arc<Link>>,
    board: Board,
    stop: CancellationToken,
    tasks: TaskTracker,
    _guard: DropGuard,
}

/// Where every server's state is written, in the order of their names.
#[derive(Debug, Clone)]
pub(super) struct Board(Arc<watch::Sender<Vec<Status>>>);

impl Board {
    /// Writes a server's state in its place.
    pub(super) fn put(&self, status: Status) {
        self.0.send_modify(|all| {
            if let Some(place) = all.iter_mut().find(|place| place.server == status.server) {
                *place = status;
            }
        });
    }
}

impl Servers {
    /// Starts every server of a valid configuration, each in a task of its own, until `shutdown` is cancelled. Returns at
    /// once: see [`Servers::settled`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(config: &Config, clock: &Clock, shutdown: &CancellationToken) -> Self {
        let board = Board(Arc::new(watch::Sender::new(Vec::new())));
        let link = |(name, server): (&String, &super::config::Server)| {
            Link::new(name, server.clone(), clock.clone(), board.clone())
        };
        let links: Vec<Arc<Link>> = config.servers.iter().map(link).collect();
        board.0.send_replace(links.iter().map(|link| link.status()).collect());
        let stop = shutdown.child_token();
        let tasks = TaskTracker::new();
        for link in &links {
            tasks.spawn(supervise(link.clone(), stop.clone()));
        }
        tasks.close();
        let guard = stop.clone().drop_guard();
        Self { inner: Arc::new(Inner { links, board, stop, tasks, _guard: guard }) }
    }

    /// How each server is, sorted by name: for the monitoring snapshot.
    #[must_use]
    pub fn status(&self) -> Vec<Status> {
        self.inner.board.0.borrow().clone()
    }

    /// The same, whenever it changes.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Vec<Status>> {
        self.inner.board.0.subscribe()
    }

    /// Adds every server's tools to a registry, as they come and go.
    ///
    /// # Errors
    /// A tool of the registry has a name of theirs.
    pub fn register(&self, registry: Registry) -> Result<Registry, RegistryFault> {
        let add = |registry: Registry, link: &Arc<Link>| registry.with_source(Tools(link.clone()));
        self.inner.links.iter().try_fold(registry, add)
    }

    /// Waits until every server is up or was tried in vain: at most as long as the longest `start_timeout_ms`.
    pub async fn settled(&self) {
        let mut board = self.subscribe();
        let settled =
            |all: &Vec<Status>| all.iter().all(|status| status.restarts > 0 || status.state.is_settled());
        // It fails when the board is gone, and this handle holds it.
        let _ = board.wait_for(settled).await;
    }

    /// Which guards of the configuration cover no tool, as far as the tools are known.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.status().into_iter().filter_map(|status| status.guards).collect()
    }

    /// Stops every server and waits until their processes have ended, which is bounded by seconds.
    pub async fn stop(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.wait().await;
        debug_assert!(self.status().iter().all(|status| status.state == State::Stopped));
    }
}
