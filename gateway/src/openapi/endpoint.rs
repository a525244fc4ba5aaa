//! An endpoint: its path, its rule, its parameters and answers, and its handler. None exists without the others.

use std::sync::Arc;

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};

use super::operation::Operation;
use crate::auth::Rule;
use crate::router::App;

/// An endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The method; `HEAD` comes with `GET`.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The permission that it requires.
    pub rule: Rule,
    /// Its parameters and answers.
    pub operation: Operation,
    /// Its handler.
    pub handler: MethodRouter<Arc<App>>,
}

impl Endpoint {
    /// One that only looks.
    pub fn get<H: Handler<T, Arc<App>>, T: 'static>(
        path: &'static str,
        rule: Rule,
        operation: Operation,
        handler: H,
    ) -> Self {
        Self { method: Method::GET, path, rule, operation, handler: routing::get(handler) }
    }

    /// One that does something.
    pub fn post<H: Handler<T, Arc<App>>, T: 'static>(
        path: &'static str,
        rule: Rule,
        operation: Operation,
        handler: H,
    ) -> Self {
        Self { method: Method::POST, path, rule, operation, handler: routing::post(handler) }
    }
}
