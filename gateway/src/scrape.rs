//! A listener of its own for `GET /metrics`: in workers, and where a gateway's metrics belong on another port. It asks
//! nobody who they are and serves nothing else.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::metrics;

/// The address cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("telemetry.metrics_listen = {address}: {error}")]
pub struct BindError {
    address: SocketAddr,
    error: std::io::Error,
}

/// A listener that does not answer yet.
#[derive(Debug)]
pub struct Scrape {
    listener: TcpListener,
    address: SocketAddr,
}

impl Scrape {
    /// Listens.
    ///
    /// # Errors
    /// See [`BindError`].
    pub async fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let failed = |error| BindError { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        if !bound.ip().is_loopback() {
            tracing::warn!(address = %bound, "other machines may read this process's metrics");
        }
        Ok(Self { listener, address: bound })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `end`: also while the process drains, so that its end can be seen.
    pub async fn run(self, end: CancellationToken) {
        tracing::info!(address = %self.address, "metrics are served");
        let router = Router::new().route("/metrics", get(metrics::get)).layer(CatchPanicLayer::new());
        let serving = async { axum::serve(self.listener, router).await };
        tokio::select! {
            _ = serving => {}
            () = end.cancelled() => {}
        }
    }
}
