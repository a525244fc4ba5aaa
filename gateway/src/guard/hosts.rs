//! Every request of a listener is checked here, for every path.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::error::Failure;
use crate::hosts::HostCheck;
use crate::hosts::called::{Unclear, called};
use crate::net::serving::Reached;

/// Lets a request pass that calls the listener by one of its hosts.
pub async fn check(State(host_check): State<Arc<HostCheck>>, request: Request, next: Next) -> Response {
    match admit(&host_check, &request) {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}

fn admit(host_check: &HostCheck, request: &Request) -> Result<(), Failure> {
    let wrong = |unclear: Unclear| Failure::invalid("Host", unclear.to_string());
    let host = called(request.version(), request.uri(), request.headers()).map_err(wrong)?;
    let reached = request.extensions().get::<Reached>().map(|Reached(address)| *address);
    match host {
        Some(host) if !host_check.hosts.hold(&host, reached) => {
            let key = host_check.key;
            Err(Failure::misdirected(format!(
                "this listener does not answer to {host}: {key} lists its hosts; a proxy must pass on the Host that its client sent, or one of these"
            )))
        }
        _ => Ok(()),
    }
}
