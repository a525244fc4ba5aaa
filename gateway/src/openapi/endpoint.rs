//! An endpoint: its path, its rule, its parameters and answers, and its handler. None exists without the others.

use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{self, MethodRouter};

use super::operation::Operation;
use crate::auth::Rule;

/// An endpoint; `S`: the state that its handler takes.
#[derive(Debug, Clone)]
pub struct Endpoint<S> {
    /// The method; `HEAD` comes with `GET`.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The permission that it requires.
    pub rule: Rule,
    /// Its parameters and answers.
    pub operation: Operation,
    /// Its handler.
    pub handler: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Endpoint<S> {
    /// One that only looks.
    pub fn get<H: Handler<T, S>, T: 'static>(
        path: &'static str,
        rule: Rule,
        operation: Operation,
        handler: H,
    ) -> Self {
        Self { method: Method::GET, path, rule, operation, handler: routing::get(handler) }
    }

    /// One that does something.
    pub fn post<H: Handler<T, S>, T: 'static>(
        path: &'static str,
        rule: Rule,
        operation: Operation,
        handler: H,
    ) -> Self {
        Self { method: Method::POST, path, rule, operation, handler: routing::post(handler) }
    }
}
