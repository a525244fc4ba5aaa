//! The state that all of a gateway shares: [`Shared`], for its clients; [`App`], for its endpoints.

use std::sync::Arc;

use runbus::bus::Bus;
use runbus::control::Control;
use runbus::directory::Directory;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Auth;
use crate::config::Config;
use crate::hosts::HostCheck;
use crate::hub::Hubs;
use crate::ledger::Ledger;
use crate::lists::Lists;
use crate::monitor::Monitors;
use crate::net::sockets::descriptors::Capacity;
use crate::net::sockets::{LimitReached, Peer};
use crate::openapi::{self, Catalogue};
use crate::presence::Room;
use crate::pressure::Pressure;
use crate::snapshots::Snapshots;

/// The shared state of all clients.
#[derive(Debug)]
pub struct Shared {
    /// How the gateway serves.
    pub config: Config,
    /// Access control.
    pub auth: Arc<Auth>,
    /// The bus.
    pub bus: Bus,
    /// Commands.
    pub control: Control,
    /// The hubs of watched scopes.
    pub hubs: Hubs,
    /// Monitors that are watched.
    pub monitors: Monitors,
    /// The lists.
    pub directory: Directory,
    /// Live lists that are watched.
    pub lists: Lists,
    /// The hubs of watched scopes.
    pub presence: Arc<Room>,
    /// The clients' shares of all shared resources.
    pub ledger: Arc<Ledger>,
    /// Snapshots of executions that clients joined with.
    pub snapshots: Snapshots,
    /// Places for clients that stay: WebSockets, event streams, requests that wait.
    pub connections: Arc<Semaphore>,
    /// How many of these there are.
    pub max_connections: usize,
    /// Reads of history at the same time.
    pub history_reads: Semaphore,
    /// The same for clients that read the log because they are slow: others do not wait for them.
    pub slow_reads: Semaphore,
    /// The cost of slow clients.
    pub pressure: Arc<Pressure>,
    /// Not ready any more: load balancers are to send nobody.
    pub leaving: CancellationToken,
    /// Take no new clients, tell those that are here to go.
    pub drain: CancellationToken,
}

impl Shared {
    /// A place for a client that stays and is known. `peer`: its socket, if it has one.
    ///
    /// # Errors
    /// [`LimitReached`].
    pub fn place(&self, peer: Option<&Peer>) -> Result<OwnedSemaphorePermit, LimitReached> {
        peer.map_or(Ok(()), Peer::admit)?;
        self.connections.clone().try_acquire_owned().map_err(|_full| LimitReached::All)
    }

    /// When a client must leave: at a random moment of the drain window, so that not all come back at once. It is served
    /// until then.
    pub(crate) fn drain_moment(&self) -> Instant {
        let share = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
        Instant::now() + self.config.drain_window().mul_f64(share)
    }
}

/// The dependencies of every endpoint.
#[derive(Debug)]
pub struct App {
    /// The shared state of all clients.
    pub shared: Arc<Shared>,
    /// Commands and questions.
    pub control: Control,
    /// The hosts that the gateway answers to.
    pub host_check: Arc<HostCheck>,
    /// How many sockets the process may have.
    pub capacity: Capacity,
    /// The endpoints: their rules and their document.
    pub catalogue: &'static Catalogue,
    /// Connections that draining waits for.
    pub tasks: TaskTracker,
}

/// An endpoint of a gateway.
pub type Endpoint = openapi::Endpoint<Arc<App>>;
