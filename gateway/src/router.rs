//! Which path goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use runbus::bus::history::{self, Page, Query};
use runbus::control::Control;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::error::Failure;
use crate::api::{caller, traced};
use crate::connection::Shared;
use crate::endpoints;
use crate::limits;
use crate::openapi::Endpoint;
use crate::origin;

/// What every endpoint may use.
#[derive(Debug)]
pub struct App {
    /// What all clients share.
    pub shared: Arc<Shared>,
    /// Commands and questions.
    pub control: Control,
    /// Places for connections.
    pub connections: Arc<Semaphore>,
    /// Connections that draining waits for.
    pub tasks: TaskTracker,
}

impl App {
    /// A place for a connection, given back when it is dropped.
    ///
    /// # Errors
    /// The gateway drains or is full.
    pub fn place(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if self.shared.drain.is_cancelled() {
            return Err(Failure::unavailable("this gateway drains"));
        }
        let full = |_| Failure::unavailable("this gateway has as many connections as it may have");
        self.connections.clone().try_acquire_owned().map_err(full)
    }

    /// A page of history, when it is this request's turn.
    ///
    /// # Errors
    /// See [`history::Error`].
    pub async fn history(&self, query: &Query) -> Result<Page, history::Error> {
        // The semaphore is never closed.
        let _permit = self.shared.history_reads.acquire().await;
        let _counted = runbus::metrics::gateway::HISTORY_READS.hold();
        self.shared.bus.history(query).await
    }
}

/// The router.
pub fn router(app: Arc<App>) -> Router {
    let mut routes = Router::new();
    for Endpoint { path, handler, .. } in endpoints::all() {
        routes = routes.route(path, handler);
    }
    let routes = routes
        // Every endpoint.
        .route_layer(axum::middleware::from_fn_with_state(app.clone(), caller::check))
        .route_layer(axum::middleware::from_fn(traced::request))
        .fallback(|| async { Failure::not_found("there is no such endpoint; GET / lists them") });
    let routes = match origin::cors(&app.shared.config.allowed_origins) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes
        .layer(axum::middleware::from_fn_with_state(app.clone(), origin::check))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_| Failure::panicked().into_response()))
        .with_state(app)
}
