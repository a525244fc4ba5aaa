//! A listener of its own for `GET /metrics`, `/healthz` and, of a worker, `/readyz`: in workers, and where a gateway's metrics
//! belong on another port. It asks nobody who they are and serves nothing else.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::{health, metrics};
use crate::config::Bounds;
use crate::guard;
use crate::hosts::host::NotAHost;
use crate::hosts::{HostCheck, Hosts};
use crate::limits;
use crate::net::serving::Serving;
use crate::net::sockets::acceptor::Acceptor;
use crate::net::sockets::{Sockets, descriptors};
use crate::readiness::WorkerProbe;

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be listened at.
    #[error("telemetry.metrics_listen = {address}: {error}")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// A listed host is invalid.
    #[error("telemetry.metrics_hosts = {host}: {error}")]
    Host {
        /// Which.
        host: String,
        /// Why.
        error: NotAHost,
    },
}

/// A listener that does not answer yet.
#[derive(Debug)]
pub struct Scrape {
    listener: TcpListener,
    address: SocketAddr,
    host_check: Arc<HostCheck>,
    worker: Option<WorkerProbe>,
}

impl Scrape {
    /// Listens; answers to `hosts`, and to the hosts that [`Hosts`] lets every listener answer to.
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn bind(address: SocketAddr, hosts: &[String]) -> Result<Self, BindError> {
        let hosts = Hosts::new(hosts).map_err(|(host, error)| BindError::Host { host, error })?;
        let files = limits::SCRAPE_SOCKETS + limits::OTHER_FILES;
        descriptors::raise(u64::try_from(files).unwrap_or(u64::MAX));
        let failed = |error| BindError::Address { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        if !bound.ip().is_loopback() {
            tracing::warn!(address = %bound, "other machines may read this process's metrics");
        }
        let host_check = Arc::new(HostCheck { hosts, key: "telemetry.metrics_hosts" });
        Ok(Self { listener, address: bound, host_check, worker: None })
    }

    /// The same, with a worker's readiness.
    #[must_use]
    pub fn with_worker(self, worker: WorkerProbe) -> Self {
        Self { worker: Some(worker), ..self }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `end`: also while the process drains, so that its end can be seen.
    pub async fn run(self, end: CancellationToken) {
        tracing::info!(address = %self.address, "metrics are served");
        let mut router =
            Router::new().route("/metrics", get(metrics::get)).route("/healthz", get(health::alive));
        if let Some(worker) = self.worker {
            router = router.route("/readyz", get(async move || worker.check().await));
        }
        let router = router
            .layer(axum::middleware::from_fn_with_state(self.host_check, guard::hosts::check))
            .layer(CatchPanicLayer::new());
        let bounds = Bounds {
            admitted: 0,
            admitted_per_address: 0,
            waiting: limits::SCRAPE_SOCKETS,
            waiting_per_address: limits::SCRAPE_SOCKETS_PER_ADDRESS,
        };
        let sockets = Sockets::of_scrape(bounds);
        let patience = limits::SCRAPE_PATIENCE;
        let serving =
            Serving { router, tls: None, proxy_protocol: false, patience, stop: end.clone(), hard: end };
        serving.run(Acceptor::new(self.listener, sockets)).await;
    }
}
