//! Which web pages may talk to the gateway: those on this machine, and those of the gateway's own host.
//!
//! Browsers let every page open a WebSocket to a loopback address, and send some requests there; without this check any
//! site could read what runs on a developer's machine.

use axum::extract::Request;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::error::Failure;

/// Lets a request pass that comes from no page, or from one that may.
pub async fn check(request: Request, next: Next) -> Response {
    if may(request.headers()) {
        next.run(request).await
    } else {
        Failure::forbidden("pages of this origin may not use this gateway").into_response()
    }
}

fn may(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let Some(origin) = text(header::ORIGIN).and_then(|origin| origin.parse::<Uri>().ok()) else {
        return false;
    };
    let Some(host) = origin.host() else { return false };
    let own = text(header::HOST).and_then(|host| host.parse::<Uri>().ok());
    matches!(host, "localhost" | "127.0.0.1" | "[::1]") || own.is_some_and(|own| own.host() == Some(host))
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
            may(&headers)
        };
        for good in [
            None,
            Some("http://localhost:5173"),
            Some("http://[::1]:1"),
            Some("https://gate.example"),
            Some("http://127.0.0.1"),
        ] {
            assert!(ask(good), "{good:?}");
        }
        for bad in [
            "https://evil.example",
            "null",
            "http://localhost.evil.example",
            "",
            "http://127.0.0.1.evil.example",
        ] {
            assert!(!ask(Some(bad)), "{bad}");
        }
    }
}
