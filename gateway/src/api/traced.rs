//! A span for each request that may take long or change something, in the trace of its caller.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use runbus::log::Trace;
use runbus::telemetry::{self, TRACEPARENT, TRACESTATE};
use tracing::Instrument;

use crate::net::sockets::Peer;
use crate::spans;

/// Does the request in its caller's trace (`traceparent`). Health and metrics, which are asked all the time, have no spans.
pub async fn request(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str).to_owned();
    if !route.starts_with("/v1/") {
        return next.run(request).await;
    }
    let method = request.method().clone();
    let trace = caller(request.headers());
    let client = request.extensions().get::<Peer>().map(Peer::address);
    let span = spans::request(&method, &route, client);
    if let Some(trace) = &trace {
        telemetry::follow(&span, trace);
    }
    let answering = telemetry::passing(trace.map(Arc::new), next.run(request)).instrument(span.clone());
    let response = Box::pin(answering).await;
    answered(&span, &response);
    response
}

fn answered(span: &tracing::Span, response: &Response) {
    let status = response.status();
    telemetry::note(span, spans::STATUS, i64::from(status.as_u16()));
    if status.is_server_error() {
        telemetry::fail(span, status.as_str(), "the request failed");
    }
}

fn caller(headers: &HeaderMap) -> Option<Trace> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    telemetry::read(text(TRACEPARENT), text(TRACESTATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_is_read_or_left_out() {
        const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut headers = HeaderMap::new();
        assert_eq!(caller(&headers), None);
        headers.insert(TRACEPARENT, PARENT.parse().unwrap());
        headers.insert(TRACESTATE, "a=b".parse().unwrap());
        assert_eq!(caller(&headers), Some(Trace { parent: PARENT.into(), state: Some("a=b".into()) }));
        headers.insert(TRACESTATE, "x".repeat(600).parse().unwrap());
        assert_eq!(caller(&headers).unwrap().state, None);
        headers.insert(TRACEPARENT, "00-0-0-0".parse().unwrap());
        assert_eq!(caller(&headers), None);
    }
}
