//! A gateway from configuration to its end.

use std::net::SocketAddr;
use std::sync::Arc;

use runbus::config::Invalid;
use runbus::control::Control;
use runbus::time::Clock;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{self, Auth, authenticator};
use crate::config::Config;
use crate::connection::Shared;
use crate::hub::Hubs;
use crate::limits;
use crate::listener::Patient;
use crate::router::{App, router};
use crate::tls::{self, Tls};

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
        let tls = Tls::new(&config)?;
        let largest = config.max_message_bytes.max(limits::BODY_BYTES);
        let auth = Arc::new(Auth::new(auth, control.bus().log().clone(), largest, Clock::System)?);
        say_who_may(&config, &auth);
        let wanted = config.listen;
        let failed = |error| BindError::Address { address: wanted, error };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let drain = CancellationToken::new();
        let bus = control.bus().clone();
        let hubs = Hubs::new(bus.log().clone(), config.hub_buffer_bytes, config.max_hubs);
        let connections = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
        let history_reads = Semaphore::new(config.history_reads);
        let shared = Arc::new(Shared {
            config,
            auth,
            bus,
            control: control.clone(),
            hubs,
            history_reads,
            drain: drain.clone(),
        });
        let app = Arc::new(App { shared, control, connections, tasks: TaskTracker::new() });
        Ok(Self { listener, tls, address, app, drain })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `soft` is cancelled, then drains: not ready, no new clients, those that are here are told to connect
    /// elsewhere over the drain window. `hard` cuts.
    pub async fn run(self, soft: CancellationToken, hard: CancellationToken) {
        let Self { listener, tls, address, app, drain } = self;
        let tasks = app.tasks.clone();
        tracing::info!(%address, "gateway listens");
        let (drained, done) = (drain.clone(), CancellationToken::new());
        let stop_accepting = done.clone();
        let following = {
            let (auth, end) = (app.shared.auth.clone(), done.clone());
            tokio::spawn(async move { auth.follow(end).await })
        };
        let listener = Patient::new(
            listener,
            tls,
            app.shared.config.write_timeout().saturating_add(limits::STUCK_GRACE),
        );
        let serving = axum::serve(listener, router(app)).with_graceful_shutdown(async move {
            stop_accepting.cancelled().await;
        });
        let serving = tokio::spawn(async move { serving.await });
        tokio::select! {
            () = soft.cancelled() => {}
            () = hard.cancelled() => {}
        }
        drained.cancel();
        let _draining = runbus::metrics::gateway::DRAINING.hold();
        tasks.close();
        tokio::select! {
            () = tasks.wait() => {}
            () = hard.cancelled() => {}
        }
        done.cancel();
        let abort = serving.abort_handle();
        tokio::select! {
            _ = serving => {}
            () = hard.cancelled() => abort.abort(),
        }
        following.abort();
        tracing::info!(%address, "gateway ended");
    }
}

fn say_who_may(config: &Config, auth: &Auth) {
    let local = config.listen.ip().is_loopback();
    let open = config.tls_cert_file.is_none();
    match (auth.is_required(), local) {
        (false, true) => tracing::info!("nobody is asked who they are: only this machine may connect"),
        (false, false) => tracing::warn!("nobody is asked who they are, and other machines may connect"),
        (true, false) if open => {
            tracing::warn!("credentials travel in the clear: set gateway.tls_cert_file or put TLS in front");
        }
        (true, _) => tracing::info!("callers must say who they are"),
    }
}
