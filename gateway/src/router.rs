//! Which path goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use runbus::control::Control;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::error::Failure;
use crate::api::{events, executions, health, root, stats};
use crate::connection::Shared;
use crate::limits;
use crate::origin;
use crate::transport::ws;

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

/// The router.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(root::get))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/v1/executions", post(executions::start::post))
        .route("/v1/executions/{execution_id}", get(executions::status::get))
        .route("/v1/events", get(events::get))
        .route("/v1/stats", get(stats::get))
        .route("/v1/ws", get(ws::upgrade))
        .fallback(|| async { Failure::not_found("there is no such endpoint; GET / lists them") })
        .method_not_allowed_fallback(|| async { Failure::method() })
        .layer(axum::middleware::from_fn_with_state(app.clone(), origin::check))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(CatchPanicLayer::new())
        .with_state(app)
}
