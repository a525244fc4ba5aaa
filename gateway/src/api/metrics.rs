//! `GET /metrics`: all metrics of this process, for Prometheus.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::IntoResponse;
use runbus::metrics;

use crate::app::Endpoint;
use crate::auth::{Action, Rule};
use crate::openapi::Operation;

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/metrics",
        Rule::Everything(Action::Metrics),
        Operation::new("get_metrics", "Counters and gauges of this process (OpenMetrics)")
            .answers_text("application/openmetrics-text", "all metrics of docs/metrics.md")
            .asks_nobody(),
        get,
    )]
}

/// `OpenMetrics` text. Where callers must say who they are, `metrics` must be among what they may do.
pub async fn get() -> impl IntoResponse {
    let headers: [(HeaderName, HeaderValue); 2] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, metrics::text())
}
