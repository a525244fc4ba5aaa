//! Which request gets which file.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::accept;
use super::bundle::Bundle;
use super::file::File;
use super::page;
use crate::api::error::Failure;
use crate::config::Config;

/// The console of one gateway.
#[derive(Debug)]
pub struct Console {
    bundle: Bundle,
    page: File,
    policy: HeaderValue,
}

/// The part of the console that a request asks for.
enum Asked<'a> {
    File(&'a File),
    Nothing,
}

impl Console {
    /// The console, if the configuration has it on.
    #[must_use]
    pub fn new(config: &Config, bundle: Bundle) -> Option<Arc<Self>> {
        let page = page::of(&bundle, &config.console_gateways);
        // Origins have no character that a header cannot carry.
        let policy = HeaderValue::from_str(&page::policy(&config.console_gateways)).ok()?;
        config.console.then(|| Arc::new(Self { bundle, page, policy }))
    }

    /// The part of the console at a path; `None`: it is none of it.
    fn find(&self, path: &str, headers: &HeaderMap) -> Option<Asked<'_>> {
        if path == "/" {
            return accept::wants_page(headers).then_some(Asked::File(&self.page));
        }
        let name = match path.strip_prefix("/console")? {
            "" => "",
            below => below.strip_prefix('/')?,
        };
        Some(match self.bundle.get(name) {
            Some(file) if name != "index.html" => Asked::File(file),
            // A part of another build; any other address is a view of the page.
            None if name.starts_with("assets/") => Asked::Nothing,
            _ => Asked::File(&self.page),
        })
    }

    fn answer(&self, request: &Request) -> Option<Response> {
        let (method, headers) = (request.method(), request.headers());
        if method != Method::GET && method != Method::HEAD {
            return None;
        }
        let mut response = match self.find(request.uri().path(), headers)? {
            Asked::File(file) => file.answer(method, headers),
            Asked::Nothing => {
                Failure::not_found("this gateway's console has no such file: load the page again")
                    .into_response()
            }
        };
        let fixed = [
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_FRAME_OPTIONS, "DENY"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ];
        let sent = response.headers_mut();
        sent.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        for (name, value) in fixed {
            sent.insert(name, HeaderValue::from_static(value));
        }
        Some(response)
    }
}

/// Answers what is the console's, and passes on everything else.
pub async fn serve(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let is_root = request.uri().path() == "/";
    let mut response = match console.answer(&request) {
        Some(response) => response,
        None => next.run(request).await,
    };
    if is_root {
        // A page for browsers, an index for programs.
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    }
    response
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::http::StatusCode;
    use axum::routing::get;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

    fn bundle() -> Bundle {
        Bundle::of(
            [
                ("index.html", "<head></head>the page"),
                ("assets/a-1.js", "code"),
                ("icon.svg", "<svg/>"),
                (".gitignore", "*"),
            ]
            .map(|(name, text)| (name.to_owned(), Bytes::from_static(text.as_bytes()))),
        )
    }

    async fn ask(
        config: &Config,
        bundle: Bundle,
        method: Method,
        path: &str,
        accept: &str,
    ) -> (StatusCode, HeaderMap, String) {
        let routes = Router::new().route("/", get(|| async { "the index" }));
        let routes = match Console::new(config, bundle) {
            Some(console) => routes.layer(axum::middleware::from_fn_with_state(console, serve)),
            None => routes,
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .unwrap();
        let (parts, body) = TowerToHyperService::new(routes).call(request).await.unwrap().into_parts();
        let text = axum::body::to_bytes(Body::new(body), 1 << 20).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(text.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn browsers_get_the_page_at_every_address_of_a_view() {
        for path in ["/", "/console", "/console/", "/console/executions/a%2Fb?at=c", "/console/index.html"] {
            let (status, headers, text) = ask(&Config::default(), bundle(), Method::GET, path, BROWSER).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(text.ends_with("the page"), "{path}: {text}");
            assert!(
                headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'")
            );
            assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        }
    }

    #[tokio::test]
    async fn programs_get_the_index_and_both_vary() {
        let (_, headers, text) = ask(&Config::default(), bundle(), Method::GET, "/", "*/*").await;
        assert_eq!(
            (text.as_str(), &headers[header::VARY]),
            ("the index", &HeaderValue::from_static("accept"))
        );
        let (_, headers, _) = ask(&Config::default(), bundle(), Method::GET, "/", BROWSER).await;
        let varies: Vec<_> = headers.get_all(header::VARY).into_iter().collect();
        assert_eq!(varies, ["accept-encoding", "accept"]);
    }

    #[tokio::test]
    async fn files_are_what_they_are_and_a_part_of_another_build_is_not_the_page() {
        let (status, headers, text) =
            ask(&Config::default(), bundle(), Method::GET, "/console/assets/a-1.js", "*/*").await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "code"));
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
        for path in ["/console/assets/b-2.js", "/console/assets/../icon.svg"] {
            let (status, _, _) = ask(&Config::default(), bundle(), Method::GET, path, BROWSER).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
        let (_, headers, text) =
            ask(&Config::default(), bundle(), Method::HEAD, "/console/icon.svg", "*/*").await;
        assert_eq!((text.as_str(), &headers[header::CONTENT_LENGTH]), ("", &HeaderValue::from_static("6")));
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_none_of_the_consoles() {
        for (method, path) in
            [(Method::GET, "/consoles"), (Method::GET, "/v1/stats"), (Method::POST, "/console/")]
        {
            let (status, headers, _) = ask(&Config::default(), bundle(), method, path, BROWSER).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert!(!headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        }
    }

    #[tokio::test]
    async fn the_configuration_turns_it_off() {
        let off = Config { console: false, ..Config::default() };
        assert_eq!(ask(&off, bundle(), Method::GET, "/", BROWSER).await.2, "the index");
        assert_eq!(ask(&off, bundle(), Method::GET, "/console/", BROWSER).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn without_a_bundle_a_page_says_how_to_build_it() {
        for path in ["/", "/console/inbox"] {
            let (status, _, text) =
                ask(&Config::default(), Bundle::default(), Method::GET, path, BROWSER).await;
            assert!(status == StatusCode::OK && text.contains("make console"), "{path}");
        }
    }
}
