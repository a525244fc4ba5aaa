//! The one place where errors become HTTP.

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use runbus::bus::history;
use runbus::control;
use runbus::directory;
use runbus::log::ReadError;
use runbus::metrics;
use serde_json::{Value, json};

use crate::auth::permit::Denied;
use crate::auth::{Refusal, revocations};
use crate::connection::{join, poll, snapshots};
use crate::hub::registry;
use crate::ledger::{Full, Whose};
use crate::limits;
use crate::net::body_drain;
use crate::net::sockets::LimitReached;
use crate::openapi::Problem;
use crate::publishing;

/// An error as clients see it: `{"error": {"code", "message", "path"?, "details"?}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    path: Option<String>,
    /// The conflicting state: unresolved calls, the standing decision.
    details: Option<Box<Value>>,
    /// The header of the answer: the allowed methods, or when to come back.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), path: None, details: None, header: None }
    }

    /// 400: the request is wrong at `path`.
    #[must_use]
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        let path = Some(path.into());
        Self { path, ..Self::new(StatusCode::BAD_REQUEST, "invalid_argument", message) }
    }

    /// 404.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 503: the same request may succeed later.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
    }

    /// 403.
    #[must_use]
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// 421: the request calls this gateway by a host that it does not answer to.
    #[must_use]
    pub fn misdirected(message: impl Into<String>) -> Self {
        let path = Some("Host".into());
        Self { path, ..Self::new(StatusCode::MISDIRECTED_REQUEST, "misdirected", message) }
    }

    /// 406.
    #[must_use]
    pub fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
    }

    /// 415: the request's body is not said to be JSON.
    #[must_use]
    pub fn media(said: Option<&str>) -> Self {
        let said = said.map_or_else(|| "is missing".to_owned(), |said| format!("is {said:?}"));
        let message = format!("Content-Type {said}: a request to change something needs application/json");
        let failure = Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message);
        Self { path: Some("Content-Type".into()), ..failure }
    }

    /// 405; `allowed` are the methods that there are.
    #[must_use]
    pub fn method(allowed: &[&str]) -> Self {
        let message = "this endpoint has no such method";
        let failure = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        let allowed = HeaderValue::from_str(&allowed.join(", ")).ok();
        Self { header: allowed.map(|allowed| Box::new((header::ALLOW, allowed))), ..failure }
    }

    /// 500: a bug; the log has the panic.
    #[must_use]
    pub fn panicked() -> Self {
        Self::internal("the gateway failed to answer this request")
    }

    fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
    }

    fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large(format!("the body is larger than {} bytes", limits::BODY_BYTES));
        }
        if body_drain::Slow::caused(&rejection) {
            return Self::new(StatusCode::REQUEST_TIMEOUT, "too_slow", body_drain::Slow.to_string());
        }
        Self::invalid("body", rejection.body_text())
    }
}

impl From<LimitReached> for Failure {
    fn from(limit_reached: LimitReached) -> Self {
        limit_reached.count();
        match limit_reached {
            LimitReached::All | LimitReached::Evicted => Self::unavailable(limit_reached.to_string()),
            LimitReached::Address => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "limit_exceeded", limit_reached.to_string())
            }
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        refusal.count();
        let status = match refusal {
            Refusal::Unauthenticated => StatusCode::UNAUTHORIZED,
            Refusal::Forbidden | Refusal::TooBroad(_) => StatusCode::FORBIDDEN,
            Refusal::Connections | Refusal::Rate(_) => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let header = match refusal {
            Refusal::Rate(wait) => {
                let seconds = HeaderValue::from(wait.as_secs().saturating_add(1));
                Some(Box::new((header::RETRY_AFTER, seconds)))
            }
            _ => None,
        };
        Self { header, ..Self::new(status, refusal.code(), refusal.to_string()) }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refusal(refusal) => refusal.into(),
            Denied::Reserved => Self::invalid("session_id", denied.to_string()),
            Denied::Control(error) => error.into(),
        }
    }
}

impl From<revocations::Error> for Failure {
    fn from(error: revocations::Error) -> Self {
        match &error {
            revocations::Error::Full => Self::new(StatusCode::CONFLICT, "limit_exceeded", error.to_string()),
            revocations::Error::Log(reason) if reason.is_retryable() => Self::unavailable(error.to_string()),
            revocations::Error::Log(_) | revocations::Error::Encode(_) => Self::internal(error.to_string()),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        if error.is_retryable() {
            Self::unavailable(error.to_string())
        } else {
            Self::internal(error.to_string())
        }
    }
}

impl From<join::Error> for Failure {
    fn from(error: join::Error) -> Self {
        match error {
            join::Error::Hub(registry::Error::TooMany(full)) | join::Error::Full(full) => full.into(),
            join::Error::Hub(registry::Error::Log(error)) | join::Error::Log(error) => error.into(),
            join::Error::Snapshot(error) => error.into(),
        }
    }
}

impl From<snapshots::Error> for Failure {
    fn from(error: snapshots::Error) -> Self {
        match error {
            snapshots::Error::Cursor(message) => Self::invalid("at", message),
            snapshots::Error::Full(full) => full.into(),
            snapshots::Error::Log(error) => error.into(),
        }
    }
}

impl From<Full> for Failure {
    fn from(full: Full) -> Self {
        let (status, code) = match full.whose {
            Whose::Principal => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Whose::Gateway => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        let header = Some(Box::new((header::RETRY_AFTER, HeaderValue::from(limits::ROOM_RETRY.as_secs()))));
        Self { header, ..Self::new(status, code, full.to_string()) }
    }
}

impl From<poll::Error> for Failure {
    fn from(error: poll::Error) -> Self {
        match error {
            poll::Error::Join(error) => error.into(),
            poll::Error::Log(error) => error.into(),
            poll::Error::Ended => Refusal::Unauthenticated.into(),
        }
    }
}

impl From<history::Error> for Failure {
    fn from(error: history::Error) -> Self {
        match error {
            history::Error::Limit(_) | history::Error::Bytes(_) => Self::invalid("limit", error.to_string()),
            history::Error::Log(error) => error.into(),
        }
    }
}

impl From<directory::Error> for Failure {
    fn from(error: directory::Error) -> Self {
        match &error {
            directory::Error::Cursor(_) => Self::invalid("cursor", error.to_string()),
            directory::Error::Limit(_) => Self::invalid("limit", error.to_string()),
            directory::Error::Status { .. } => Self::invalid("status", error.to_string()),
            directory::Error::Store(store) if store.is_retryable() => Self::unavailable(error.to_string()),
            directory::Error::Store(_) => Self::internal(error.to_string()),
        }
    }
}

impl From<publishing::Refused> for Failure {
    fn from(refused: publishing::Refused) -> Self {
        let status = match refused.code() {
            "invalid_argument" => StatusCode::BAD_REQUEST,
            "forbidden" => StatusCode::FORBIDDEN,
            "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
            "conflict" => StatusCode::CONFLICT,
            "unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let (path, details) = (refused.path().map(str::to_owned), refused.details().map(Box::new));
        Self { path, details, ..Self::new(status, refused.code(), refused.to_string()) }
    }
}

impl From<control::Error> for Failure {
    fn from(error: control::Error) -> Self {
        let (text, details) = (error.to_string(), error.details().map(Box::new));
        match error {
            control::Error::NotFound { .. } => Self::not_found(text),
            control::Error::Pending { .. }
            | control::Error::Busy { .. }
            | control::Error::Closed { .. }
            | control::Error::Conflict { .. } => {
                Self { details, ..Self::new(StatusCode::CONFLICT, error.code(), text) }
            }
            control::Error::Invalid { path, message } => Self::invalid(path, message),
            control::Error::TooLarge { .. } => Self::too_large(text),
            control::Error::Unavailable(text) => Self::unavailable(text.to_string()),
            control::Error::Internal(text) => Self::internal(text.to_string()),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        debug_assert!(
            Problem::is_known(self.status.as_u16(), self.code),
            "{} {} is not in the list of problems",
            self.status,
            self.code
        );
        metrics::gateway::REFUSALS.of(metrics::Refused::of(self.code)).inc();
        if self.status.is_server_error() {
            tracing::warn!(code = self.code, message = self.message, "a request failed");
        }
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(path) = self.path {
            error["path"] = path.into();
        }
        if let Some(details) = self.details {
            error["details"] = *details;
        }
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
