//! Every request of a listener is checked here, for every path.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::called::called;
use super::list::Hosts;
use crate::api::error::Failure;

/// A listener's hosts.
#[derive(Debug)]
pub struct HostCheck {
    /// Those that it answers to.
    pub hosts: Hosts,
    /// The key of the configuration that lists them.
    pub key: &'static str,
}

/// The address that a connection came to.
#[derive(Debug, Clone, Copy)]
pub struct Reached(pub IpAddr);

/// Lets a request pass that calls the listener by one of its hosts.
pub async fn check(State(host_check): State<Arc<HostCheck>>, request: Request, next: Next) -> Response {
    match host_check.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

impl HostCheck {
    fn admit(&self, request: &Request) -> Result<(), Failure> {
        let wrong = |unclear: super::called::Unclear| Failure::invalid("Host", unclear.to_string());
        let host = called(request.version(), request.uri(), request.headers()).map_err(wrong)?;
        let reached = request.extensions().get::<Reached>().map(|Reached(address)| *address);
        match host {
            Some(host) if !self.hosts.hold(&host, reached) => {
                let key = self.key;
                Err(Failure::misdirected(format!(
                    "this listener does not answer to {host}: {key} lists its hosts; a proxy must pass on the Host that its client sent, or one of these"
                )))
            }
            _ => Ok(()),
        }
    }
}
