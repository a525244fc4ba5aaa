//! Which web pages may talk to the gateway: those on this machine, those of the gateway's own host, and those that
//! `gateway.allowed_origins` names. Browsers let only the named ones read answers (CORS).
//!
//! Browsers let every page open a WebSocket to a loopback address, and send some requests there; without this check any
//! site could read what runs on a developer's machine. A gateway that listens on loopback also wants to be called by a
//! loopback name, or that of an allowed origin: a site whose name suddenly resolves to this machine is its own origin.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::api::error::Failure;
use crate::limits;
use crate::router::App;

/// Lets a request pass that comes from no page, or from one that may.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let config = &app.shared.config;
    let only_here = config.listen.ip().is_loopback() && !config.allow_insecure;
    if only_here && !is_called_here(request.headers(), &config.allowed_origins) {
        return Failure::forbidden("this gateway is for this machine: call it by a loopback name")
            .into_response();
    }
    if may(request.headers(), &config.allowed_origins) {
        next.run(request).await
    } else {
        Failure::forbidden("pages of this origin may not use this gateway").into_response()
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
            HeaderName::from_static("last-event-id"),
        ])
        .max_age(limits::CORS_MAX_AGE);
    Some(layer)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<Uri> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Programs that send no `Host` are no browsers.
fn is_called_here(headers: &HeaderMap, allowed: &[String]) -> bool {
    if !headers.contains_key(header::HOST) {
        return true;
    }
    let Some(called) = text(headers, header::HOST) else { return false };
    let Some(host) = called.host() else { return false };
    let hosts = allowed.iter().filter_map(|origin| origin.parse::<Uri>().ok());
    is_loopback(host)
        || hosts.into_iter().any(|uri| uri.host().is_some_and(|own| own.eq_ignore_ascii_case(host)))
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
    fn a_gateway_of_this_machine_is_called_by_its_name() {
        for (host, may) in [
            ("127.0.0.1:8700", true),
            ("localhost:8700", true),
            ("[::1]:8700", true),
            ("127.0.0.2", true),
            ("LocalHost", true),
            ("app.example", true),
            ("evil.example:8700", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            assert_eq!(is_called_here(&headers, &["https://app.example".into()]), may, "{host}");
        }
    }

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
