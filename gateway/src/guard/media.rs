//! Requests with a body must say that it is JSON.
//!
//! A browser sends a page's request to another origin without asking first when the body is a form or plain text, or has no type. So
//! pages of any other port of this machine could start executions. With `application/json` it asks first (CORS), and only pages of
//! `gateway.allowed_origins` may.

use std::sync::Arc;

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::error::Failure;
use crate::app::App;

/// Lets a request pass that has no body, or one of JSON.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let is_command = ![Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let has_body = !request.body().is_end_stream() || request.headers().contains_key(header::CONTENT_TYPE);
    if is_command
        && (has_body || is_of_another_page(request.headers(), &app.shared.config.allowed_origins))
        && !is_json(request.headers())
    {
        let said =
            request.headers().get(header::CONTENT_TYPE).map(|said| String::from_utf8_lossy(said.as_bytes()));
        return Failure::media(said.as_deref()).into_response();
    }
    next.run(request).await
}

/// Whether a page of another origin sends it that nobody named. A browser does not ask first either when there is no body.
fn is_of_another_page(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or(""));
    let Some(origin) = text(header::ORIGIN) else { return false };
    if allowed.iter().any(|allowed| allowed == origin) {
        return false;
    }
    let authority = origin.parse::<Uri>().ok().and_then(|origin| origin.authority().cloned());
    let own = text(header::HOST);
    !authority.is_some_and(|authority| own.is_some_and(|own| authority.as_str().eq_ignore_ascii_case(own)))
}

/// Whether the body is said to be JSON, once and clearly.
fn is_json(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(said), None) = (all.next(), all.next()) else { return false };
    let Ok(said) = said.to_str() else { return false };
    let essence = said.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_browsers_ask_for_first_is_json() {
        let ask = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_TYPE, value.parse().unwrap());
            }
            is_json(&headers)
        };
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.a.b+json"] {
            assert!(ask(&[good]), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "text/plain; application/json",
            "text/plain;charset=application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/json",
            "application/jsonp",
            "text/json",
            "application/json, text/plain",
        ] {
            assert!(!ask(&[bad]), "{bad}");
        }
        assert!(!ask(&[]));
        assert!(!ask(&["application/json", "text/plain"]));
    }

    #[test]
    fn pages_of_other_ports_are_other_pages() {
        let ask = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "127.0.0.1:8700".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_of_another_page(&headers, &["https://app.example".into()])
        };
        for own in [None, Some("http://127.0.0.1:8700"), Some("https://app.example")] {
            assert!(!ask(own), "{own:?}");
        }
        for other in ["http://127.0.0.1:5173", "http://localhost:8700", "null", "https://evil.example"] {
            assert!(ask(Some(other)), "{other}");
        }
    }
}
