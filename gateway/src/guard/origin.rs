//! Which web pages may talk to the gateway: those on this machine, those of the gateway's own host, and those that
//! `gateway.allowed_origins` names. Browsers let only the named ones read answers (CORS).
//!
//! Browsers let every page open a WebSocket to a loopback address, and send some requests there; without this check any
//! site could read what runs on a developer's machine. A site whose name suddenly resolves to this machine is its own origin: by
//! which host a request may call the gateway at all is checked first ([`super::hosts`]).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::api::error::Failure;
use crate::app::App;
use crate::limits;

/// Lets a request pass that comes from no page, or from one that may.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let config = &app.shared.config;
    if may(request.headers(), &config.allowed_origins) {
        next.run(request).await
    } else {
        let origin =
            request.headers().get(header::ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
        let message = format!(
            "pages of origin {} may not use this gateway: gateway.allowed_origins lists those that may",
            origin.as_deref().unwrap_or("")
        );
        Failure::forbidden(message).into_response()
    }
}

/// Tells browsers that pages of these origins may read answers; `None`: there are none.
pub fn cors(allowed: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = allowed.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let layer = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("x-api-key"),
            header::ACCEPT,
            header::CACHE_CONTROL,
            header::IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
            HeaderName::from_static("baggage"),
        ])
        .expose_headers([
            header::ALLOW,
            header::ETAG,
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("tracestate"),
        ])
        .max_age(limits::CORS_MAX_AGE);
    Some(layer)
}

/// Nothing between the gateway and its client may change an answer: what is compressed on the way is held back on the way, and events with
/// it. Answers that say nothing else of it are not stored.
pub async fn as_is(request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let said = answer.headers().get(header::CACHE_CONTROL).and_then(|said| said.to_str().ok());
    let said = format!("{}, no-transform", said.unwrap_or("no-store"));
    if let Ok(said) = HeaderValue::from_str(&said) {
        answer.headers_mut().insert(header::CACHE_CONTROL, said);
    }
    answer
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<Uri> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn may(headers: &HeaderMap, allowed: &[String]) -> bool {
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    if headers.get(header::ORIGIN).is_some_and(|origin| allowed.iter().any(|a| a.as_str() == origin)) {
        return true;
    }
    let Some(origin) = text(headers, header::ORIGIN) else { return false };
    let Some(host) = origin.host() else { return false };
    let own = text(headers, header::HOST);
    is_loopback(host) || own.is_some_and(|own| own.host().is_some_and(|own| own.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_and_host_may() {
        let ask = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "gate.example:8700".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            may(&headers, &["https://app.example".into()])
        };
        for good in [
            None,
            Some("http://localhost:5173"),
            Some("http://[::1]:1"),
            Some("https://gate.example"),
            Some("http://127.0.0.1"),
            Some("https://app.example"),
        ] {
            assert!(ask(good), "{good:?}");
        }
        for bad in [
            "https://evil.example",
            "null",
            "http://app.example",
            "https://app.example:444",
            "http://localhost.evil.example",
            "",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(!ask(Some(bad)), "{bad}");
        }
    }
}
