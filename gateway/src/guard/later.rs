//! Event streams that cannot begin now.
//!
//! By its standard a browser's `EventSource` ends for good at any answer but 200. So where the same request may succeed later, it gets a
//! stream that says when to come back, and nothing else.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::limits;
use crate::transport::pieces::head;

/// Turns 503 into a stream that ends at once, for clients that take nothing but event streams.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let asks = request.method() == Method::GET && asks_for_stream(request.headers());
    let answer = next.run(request).await;
    if !asks || answer.status() != StatusCode::SERVICE_UNAVAILABLE {
        return answer;
    }
    let pause = match app.shared.drain.is_cancelled() {
        true => limits::STREAM_DRAIN_RETRY,
        false => limits::STREAM_RETRY,
    };
    // Not all of them at once.
    let spread = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
    let pause = pause + pause.mul_f64(spread);
    (head(), format!(": not now, come back\nretry: {}\n\n", pause.as_millis())).into_response()
}

/// As browsers and those that stand in for them ask. Programs that take anything see the status.
fn asks_for_stream(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepts
        .flat_map(|accept| accept.split(','))
        .any(|accept| accept.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("text/event-stream"))
}
