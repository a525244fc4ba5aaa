//! Which path goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use runbus::bus::history::{Page, Query};
use runbus::control::Control;
use tokio::sync::{OwnedSemaphorePermit, SemaphorePermit};
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::error::Failure;
use crate::api::{caller, traced};
use crate::auth::account::{Account, Turn};
use crate::connection::Shared;
use crate::console::{self, Bundle, Console};
use crate::endpoints;
use crate::hosts::{self, HostCheck};
use crate::hub::Entry;
use crate::ledger::{Table, Taken};
use crate::limits;
use crate::media;
use crate::openapi::Endpoint;
use crate::origin;
use crate::protocol::Text;
use crate::sockets::Peer;
use crate::sockets::descriptors::Capacity;
use crate::transport::later;

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

    /// A turn to fold a session, with the bytes that it takes.
    ///
    /// # Errors
    /// There is no room for it.
    pub async fn folding<'a>(&'a self, account: &'a Account) -> Result<Folding<'a>, Failure> {
        let (ledger, usage) = (&self.shared.ledger, account.usage());
        let bytes = 2 * ledger.page_bytes();
        let held = ledger.take_within(usage, Table::Bytes, bytes, limits::ROOM_PATIENCE).await?;
        // The semaphores are never closed.
        let (own, permit) = (account.reading().await, self.shared.history_reads.acquire().await.ok());
        Ok(Folding { _held: held, _own: own, _permit: permit })
    }

    /// A page of history, when it is this request's turn, with the bytes that it holds.
    ///
    /// # Errors
    /// There is no room for it, or the log does not answer.
    pub async fn history(&self, account: &Account, query: &Query) -> Result<(Page<Text>, Taken), Failure> {
        let ledger = &self.shared.ledger;
        let query = &Query { bytes: query.bytes.min(ledger.page_bytes()), ..query.clone() };
        // The log's bytes, and the answer made of them.
        let cost = 2 * query.bytes;
        let mut held = ledger.take_within(account.usage(), Table::Bytes, cost, limits::ROOM_PATIENCE).await?;
        let page = {
            // The semaphores are never closed.
            let _own = account.reading().await;
            let _permit = self.shared.history_reads.acquire().await;
            let _counted = runbus::metrics::gateway::HISTORY_READS.hold();
            self.shared.bus.history_as(query, |found| Entry::found(found, &query.filter)).await?
        };
        held.set(page.events.iter().map(Text::bytes).sum());
        Ok((page, held))
    }
}

/// A turn to fold a session.
#[derive(Debug)]
pub struct Folding<'a> {
    _held: Taken,
    _own: Turn<'a>,
    _permit: Option<SemaphorePermit<'a>>,
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
        .route_layer(axum::middleware::from_fn_with_state(app.clone(), later::check))
        .route_layer(axum::middleware::from_fn(traced::request))
        .fallback(|| async { Failure::not_found("there is no such endpoint; GET / lists them") });
    // Pages may read why they are refused.
    let routes = routes.layer(axum::middleware::from_fn_with_state(app.clone(), media::check));
    let routes = match origin::cors(&app.shared.config.allowed_origins) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    let routes = match Console::new(&app.shared.config, Bundle::of_this_binary()) {
        Some(console) => routes.layer(axum::middleware::from_fn_with_state(console, console::serve)),
        None => routes,
    };
    routes
        .layer(axum::middleware::from_fn_with_state(app.clone(), origin::check))
        .layer(axum::middleware::from_fn_with_state(app.host_check.clone(), hosts::check))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES))
        .layer(axum::middleware::from_fn(origin::as_is))
        .layer(CatchPanicLayer::custom(|_| Failure::panicked().into_response()))
        .with_state(app)
}
