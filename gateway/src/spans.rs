//! The spans of a gateway, each made in one place: its name, kind and attributes.

use std::net::IpAddr;

use axum::http::Method;
use runbus::bus::Filter;
use runbus::log::Trace;
use runbus::telemetry;
use tracing::Span;

/// The attribute with a response's status.
pub(crate) const STATUS: &str = "http.response.status_code";

/// A request. `route` is the pattern of its path, never the path.
#[must_use]
pub(crate) fn request(method: &Method, route: &str, client: Option<IpAddr>) -> Span {
    tracing::info_span!(
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = %method,
        http.route = route,
        client.address = client.map(tracing::field::display),
    )
}

/// A command on a connection.
#[must_use]
pub(crate) fn command() -> Span {
    tracing::info_span!("command", otel.kind = "server")
}

/// The first delivery of a subscription: from the moment that the event was taken to its write. Where the subscription is
/// of one execution it belongs to the event's trace, and `joined`, the trace of the client's own request, is a link; where
/// it is broader it belongs to the client's trace, and the event's is the link: the next event would have another one.
#[must_use]
pub(crate) fn deliver(
    transport: &'static str,
    filter: &Filter,
    event: &Trace,
    joined: Option<&Trace>,
) -> Span {
    let narrow = filter.execution_id.is_some();
    let span = tracing::info_span!(
        // A connection's task may stand in a request's span, which ended long ago.
        parent: None,
        "deliver",
        otel.kind = "consumer",
        messaging.system = "runbus",
        messaging.operation.name = "deliver",
        "messaging.operation.type" = "process",
        messaging.destination.name = "events",
        runbus.transport = transport,
    );
    if let Some(id) = &filter.execution_id {
        telemetry::note(&span, "runbus.execution_id", id.to_string());
    }
    match (narrow, joined) {
        (true, joined) => {
            telemetry::follow(&span, event);
            if let Some(joined) = joined {
                telemetry::link(&span, joined);
            }
        }
        (false, Some(joined)) => {
            telemetry::follow(&span, joined);
            telemetry::link(&span, event);
        }
        (false, None) => telemetry::link(&span, event),
    }
    span
}
