//! A gateway from configuration to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use runbus::config::Invalid;
use runbus::control::Control;
use runbus::directory::Directory;
use runbus::metrics::gateway as metrics;
use runbus::time::Clock;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::app::App;
use crate::app::Shared;
use crate::auth::{self, Auth, authenticator};
use crate::config::Config;
use crate::endpoints;
use crate::hosts::HostCheck;
use crate::hub::{Hubs, Shares};
use crate::ledger::{Ledger, Table};
use crate::limits;
use crate::lists::Lists;
use crate::monitor::Monitors;
use crate::net::serving::Serving;
use crate::net::sockets::acceptor::Acceptor;
use crate::net::sockets::{Sockets, descriptors};
use crate::net::tls::{self, Tls};
use crate::presence::Room;
use crate::pressure::Pressure;
use crate::report;
use crate::router::router;
use crate::snapshots::Snapshots;

/// Why a gateway does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The configuration is wrong; nothing was bound.
    #[error("gateway.{0}")]
    Invalid(#[from] Invalid),
    /// The same of `[auth]`.
    #[error("auth.{0}")]
    InvalidAuth(Invalid),
    /// The keys of `[auth]` cannot be had.
    #[error("auth.{0}")]
    Auth(#[from] authenticator::Error),
    /// TLS cannot be served.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// The address is taken or not ours.
    #[error("gateway.listen = {address}: {error}")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
}

/// A gateway that listens and does not answer yet.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    tls: Option<Tls>,
    address: SocketAddr,
    app: Arc<App>,
    sockets: Arc<Sockets>,
    drain: CancellationToken,
}

impl Gateway {
    /// Checks the configuration, then listens. Nobody is asked who they are.
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn bind(config: Config, control: Control) -> Result<Self, BindError> {
        Self::secured(config, auth::Config::default(), control).await
    }

    /// Checks the configuration, then listens.
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn secured(config: Config, auth: auth::Config, control: Control) -> Result<Self, BindError> {
        runbus::config::check(&config)?;
        runbus::config::check(&auth).map_err(BindError::InvalidAuth)?;
        config.check_exposure(&auth)?;
        let host_check = Arc::new(HostCheck { hosts: config.hosts()?, key: "gateway.hosts" });
        let trusted = config.trusted()?;
        let tls = Tls::new(&config)?;
        let largest = config.max_message_bytes.max(limits::BODY_BYTES);
        let sizes = (largest, config.history_reads);
        let auth = Arc::new(Auth::new(auth, control.bus().log().clone(), sizes, Clock::System)?);
        say_who_may(&config, &auth);
        let capacity = descriptors::provide(&config);
        let sockets = Sockets::new(capacity.bounds, trusted);
        let wanted = config.listen;
        let failed = |error| BindError::Address { address: wanted, error };
        let listener = listen(&config).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let drain = CancellationToken::new();
        let bus = control.bus().clone();
        let shares = Shares::new(config.recent_bytes, config.hub_buffer_bytes);
        let ledger = ledger(&config, &auth);
        let hubs = Hubs::new(bus.log().clone(), shares, ledger.clone());
        let max_connections = capacity.bounds.admitted.min(Semaphore::MAX_PERMITS);
        metrics::MAX_CONNECTIONS.set(i64::try_from(max_connections).unwrap_or(i64::MAX));
        let history_reads = Semaphore::new(config.history_reads);
        let slow_reads = Semaphore::new((config.history_reads / limits::SLOW_READS_SHARE).max(1));
        let pressure = Pressure::new(ledger.clone());
        let monitors = Monitors::new(config.monitor.clone(), control.clone(), ledger.clone());
        let config_of_lists = config.directory.clone();
        let directory = Directory::new(bus.clone(), Clock::System, config.directory.bounds());
        let shared = Arc::new(Shared {
            config,
            auth,
            bus,
            control: control.clone(),
            hubs,
            monitors,
            lists: Lists::new(config_of_lists, directory.clone(), ledger.clone()),
            directory,
            presence: Room::new(Clock::System, ledger.clone()),
            ledger,
            snapshots: Snapshots::default(),
            connections: Arc::new(Semaphore::new(max_connections)),
            max_connections,
            history_reads,
            slow_reads,
            pressure,
            leaving: CancellationToken::new(),
            drain: drain.clone(),
        });
        let app = Arc::new(App {
            shared,
            control,
            host_check,
            capacity,
            catalogue: endpoints::catalogue(),
            tasks: TaskTracker::new(),
        });
        Ok(Self { listener, tls, address, app, sockets, drain })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `soft` is cancelled. Then it is not ready, and serves on for `gateway.shutdown_delay_ms`; then it drains: no new
    /// clients, and those that are here are told to connect elsewhere over `gateway.drain_window_ms`. Clients that still run
    /// [`limits::DRAIN_GRACE`] later are cut. `hard` cuts at once.
    pub async fn run(self, soft: CancellationToken, hard: CancellationToken) {
        let Self { listener, tls, address, app, sockets, drain } = self;
        let (tasks, shared) = (app.tasks.clone(), app.shared.clone());
        tracing::info!(%address, "gateway listens");
        // Cut when the drain takes too long, or by `hard`.
        let (done, cut) = (CancellationToken::new(), hard.child_token());
        let following = {
            let (auth, end) = (shared.auth.clone(), done.clone());
            tokio::spawn(async move { auth.follow(end).await })
        };
        let presence = {
            let (shared, end) = (shared.clone(), done.clone());
            let store = shared.bus.store().clone();
            // Dropping the gateway ends it.
            AbortOnDropHandle::new(tokio::spawn(async move { shared.presence.keep(store, end).await }))
        };
        let counting = {
            let queue = app.control.queue().clone();
            AbortOnDropHandle::new(tokio::spawn(async move { runbus::queue::keep_counting(&*queue).await }))
        };
        let id = uuid::Uuid::new_v4().to_string();
        let reporting = {
            let (app, id, end) = (app.clone(), id.clone(), done.clone());
            AbortOnDropHandle::new(tokio::spawn(report::keep(app, id, address, end)))
        };
        let listing = shared.config.directory.keep.then(|| {
            let (directory, end) = (shared.directory.clone(), drain.clone());
            AbortOnDropHandle::new(tokio::spawn(async move { directory.keep(&id, end).await }))
        });
        let serving = Serving {
            tls,
            proxy_protocol: shared.config.proxy_protocol,
            patience: shared.config.write_timeout().saturating_add(limits::STUCK_GRACE),
            router: router(app),
            stop: done.clone(),
            hard: cut.clone(),
        };
        let mut serving = tokio::spawn(serving.run(Acceptor::new(listener, sockets)));
        tokio::select! {
            () = soft.cancelled() => {}
            () = hard.cancelled() => {}
        }
        shared.leaving.cancel();
        let _draining = runbus::metrics::gateway::DRAINING.hold();
        let _ = hard.run_until_cancelled(tokio::time::sleep(shared.config.shutdown_delay())).await;
        drain.cancel();
        tasks.close();
        let ending = async {
            tasks.wait().await;
            done.cancel();
            // Only a panic of its own keeps it from saying that it has ended.
            let _ = (&mut serving).await;
            let _ = presence.await;
            let _ = reporting.await;
            if let Some(listing) = listing {
                let _ = listing.await;
            }
        };
        let most = shared.config.drain_window().saturating_add(limits::DRAIN_GRACE);
        let ended = hard.run_until_cancelled(tokio::time::timeout(most, ending)).await;
        if !matches!(ended, Some(Ok(()))) {
            tracing::warn!(clients = tasks.len(), "clients that did not go are cut off");
        }
        done.cancel();
        cut.cancel();
        if !serving.is_finished() {
            // Its port is free when this ends.
            let _ = serving.await;
        }
        following.abort();
        drop(counting);
        tracing::info!(%address, "gateway ended");
    }
}

/// The bounds of the shared resources.
fn ledger(config: &Config, auth: &Auth) -> Arc<Ledger> {
    let max = |table| match table {
        Table::Bytes => config.held_bytes,
        Table::Hubs => config.max_hubs,
        Table::Monitors => config.monitor.max_streams,
        Table::Beginnings => limits::MONITOR_BEGINNINGS,
        Table::Lists => config.directory.max_live,
        Table::Followed => limits::PRESENCE_FOLLOWED,
        Table::Publishing => limits::PUBLISHING_BYTES,
    };
    Ledger::new(max, auth.config().limits.token_share as usize)
}

/// A socket's buffer is the kernel's memory: its part for a slow client is bounded too. Accepted connections inherit it.
fn listen(config: &Config) -> std::io::Result<TcpListener> {
    let socket = if config.listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;

    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(config.socket_buffer_bytes)?;
    socket.bind(config.listen)?;
    socket.listen(limits::BACKLOG)
}

fn say_who_may(config: &Config, auth: &Auth) {
    let local = config.listen.ip().is_loopback();
    let open = config.tls_cert_file.is_none();
    match (auth.is_required(), local) {
        (false, true) => tracing::info!("authentication is disabled: only this machine can connect"),
        (false, false) => tracing::warn!("authentication is disabled, and other machines can connect"),
        (true, false) if open => {
            tracing::warn!("credentials travel in the clear: set gateway.tls_cert_file or put TLS in front");
        }
        (true, _) => tracing::info!("callers must say who they are"),
    }
}
