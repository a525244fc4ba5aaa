//! The endpoints of a gateway, to look up: their document, and the rules of each path.

use std::collections::BTreeMap;

use axum::http::Method;

use super::document::Document;
use super::endpoint::Endpoint;
use crate::auth::{Action, Rule};

/// A list of endpoints, read once.
#[derive(Debug)]
pub struct Catalogue {
    document: Document,
    rules: BTreeMap<&'static str, Vec<(Method, Rule)>>,
}

impl Catalogue {
    /// Of these endpoints.
    #[must_use]
    pub fn of<S>(endpoints: &[Endpoint<S>]) -> Self {
        let mut rules: BTreeMap<&'static str, Vec<(Method, Rule)>> = BTreeMap::new();
        for endpoint in endpoints {
            let known = rules.entry(endpoint.path).or_default();
            if endpoint.method == Method::GET {
                known.push((Method::HEAD, endpoint.rule));
            }
            known.push((endpoint.method.clone(), endpoint.rule));
        }
        Self { document: Document::of(endpoints), rules }
    }

    /// Their OpenAPI document.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The rules of a path, by method.
    #[must_use]
    pub fn rules(&self, path: &str) -> &[(Method, Rule)] {
        // A path that came past this list is nobody's but an administrator's.
        const CLOSED: &[(Method, Rule)] = &[
            (Method::GET, Rule::Everything(Action::Admin)),
            (Method::HEAD, Rule::Everything(Action::Admin)),
            (Method::POST, Rule::Everything(Action::Admin)),
        ];
        self.rules.get(path).map_or(CLOSED, Vec::as_slice)
    }
}
