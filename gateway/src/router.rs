//! Which path goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use runbus::bus::history::{self, Page, Query};
use runbus::control::Control;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::error::Failure;
use crate::api::{
    approvals, auth, caller, dead_letters, events, executions, health, metrics, monitor, questions, root,
    sessions, stats, traced, workers,
};
use crate::connection::Shared;
use crate::dropin;
use crate::limits;
use crate::origin;
use crate::transport::{self, sse, ws};

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
    let routes = Router::new()
        .route("/", get(root::get))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::get))
        .route("/v1/executions", post(executions::start::post))
        .route("/v1/executions/{execution_id}", get(executions::status::get))
        .route("/v1/executions/{execution_id}/events", get(events::of_execution))
        .route("/v1/executions/{execution_id}/events/stream", get(sse::of_execution))
        .route("/v1/executions/{execution_id}/snapshot", get(executions::snapshot::get))
        .route("/v1/executions/{execution_id}/cancel", post(executions::commands::cancel))
        .route("/v1/executions/{execution_id}/pause", post(executions::commands::pause))
        .route("/v1/executions/{execution_id}/resume", post(executions::commands::resume))
        .route("/v1/executions/{execution_id}/approvals", get(executions::waiting::approvals))
        .route("/v1/executions/{execution_id}/questions", get(executions::waiting::questions))
        .route("/v1/executions/{execution_id}/presence", get(executions::presence::get))
        .route("/v1/approvals/{approval_id}", get(approvals::get))
        .route("/v1/approvals/{approval_id}/decision", post(approvals::decide))
        .route("/v1/questions/{request_id}/answer", post(questions::answer))
        .route("/v1/sessions", post(sessions::begin))
        .route("/v1/sessions/{session_id}", get(sessions::get))
        .route("/v1/sessions/{session_id}/messages", get(sessions::messages).post(sessions::send))
        .route("/v1/sessions/{session_id}/pending", get(sessions::pending))
        .route("/v1/sessions/{session_id}/resume", post(sessions::resume))
        .route("/v1/sessions/{session_id}/abort_pending", post(sessions::abort_pending))
        .route("/v1/sessions/{session_id}/close", post(sessions::close))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/{execution_id}", get(dead_letters::get))
        .route("/v1/dead-letters/{execution_id}/retry", post(dead_letters::retry))
        .route("/v1/events", get(events::get))
        .route("/v1/events/stream", get(sse::get))
        .route("/v1/monitor", get(monitor::get))
        .route("/v1/monitor/stream", get(transport::monitor::get))
        .route("/v1/monitor/{stream_id}", get(monitor::of_stream))
        .route("/v1/monitor/{stream_id}/stream", get(transport::monitor::of_stream))
        .route("/v1/stats", get(stats::get))
        .route("/v1/workers", get(workers::get))
        .route("/v1/ws", get(ws::upgrade))
        .route("/ws/tasks/{task_id}", get(dropin::tasks::socket::get))
        .route("/ws/council/{run_id}", get(dropin::council::socket::get))
        .route("/ws/agents", get(dropin::agents::socket::all))
        .route("/ws/agents/{agent_id}", get(dropin::agents::socket::get))
        .route("/api/councils/run", post(dropin::council::runs::post))
        .route("/api/councils/run/{run_id}", get(dropin::council::runs::get))
        .route("/v1/auth/tokens", post(auth::tokens::post))
        .route("/v1/auth/revocations", post(auth::revocations::post))
        // Every route above it, and whatever is added there.
        .route_layer(axum::middleware::from_fn_with_state(app.clone(), caller::check))
        .route_layer(axum::middleware::from_fn(traced::request))
        .fallback(|| async { Failure::not_found("there is no such endpoint; GET / lists them") })
        .method_not_allowed_fallback(|| async { Failure::method() });
    let routes = match origin::cors(&app.shared.config.allowed_origins) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes
        .layer(axum::middleware::from_fn_with_state(app.clone(), origin::check))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(CatchPanicLayer::new())
        .with_state(app)
}
