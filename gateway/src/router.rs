//! Which path goes where.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::api::error::Failure;
use crate::api::{caller, traced};
use crate::app::{App, Endpoint};
use crate::console::{self, Bundle, Console};
use crate::endpoints;
use crate::guard::{hosts, later, media, origin};
use crate::limits;

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
