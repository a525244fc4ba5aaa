//! Which path goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use runbus::bus::history::{self, Page, Query};
use runbus::control::Control;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::error::Failure;
use crate::api::{caller, traced};
use crate::connection::Shared;
use crate::endpoints;
use crate::hosts::{self, Door};
use crate::limits;
use crate::openapi::Endpoint;
use crate::origin;
use crate::sockets::Peer;
use crate::sockets::descriptors::Capacity;

/// What every endpoint may use.
#[derive(Debug)]
pub struct App {
    /// What all clients share.
    pub shared: Arc<Shared>,
    /// Commands and questions.
    pub control: Control,
    /// The hosts that the gateway answers to.
    pub door: Arc<Door>,
    /// How many sockets the process may have.
    pub capacity: Capacity,
    /// Connections that draining waits for.
    pub tasks: TaskTracker,
}

impl App {
    /// A place for a client that stays, given back when it is dropped. `peer`: its socket, if it has one.
    ///
    /// # Errors
    /// The gateway drains or is full, or the client's address has its share.
    pub fn place(&self, peer: Option<&Peer>) -> Result<OwnedSemaphorePermit, Failure> {
        self.takes_clients()?;
        Ok(self.shared.place(peer)?)
    }

    /// Whether new clients may stay.
    ///
    /// # Errors
    /// The gateway drains.
    pub fn takes_clients(&self) -> Result<(), Failure> {
        if self.shared.drain.is_cancelled() {
            return Err(Failure::unavailable("this gateway drains"));
        }
        Ok(())
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
        .layer(axum::middleware::from_fn_with_state(app.door.clone(), hosts::check))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(CatchPanicLayer::custom(|_| Failure::panicked().into_response()))
        .with_state(app)
}
