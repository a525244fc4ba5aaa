//! The one place where errors become HTTP.

use axum::Json;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use runbus::bus::history;
use runbus::control;
use runbus::log::ReadError;
use serde_json::{Value, json};

use crate::connection::{join, poll};
use crate::hub::registry;
use crate::limits;

/// An error as clients see it: `{"error": {"code", "message", "path"?, "details"?}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    path: Option<String>,
    /// What stands against the request: unresolved calls, the standing decision.
    details: Option<Value>,
}

impl Failure {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), path: None, details: None }
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

    /// 406.
    #[must_use]
    pub fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", message)
    }

    /// 405.
    #[must_use]
    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this endpoint has no such method")
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
        Self::invalid("body", rejection.body_text())
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
            join::Error::Hub(registry::Error::TooMany(_)) => Self::unavailable(error.to_string()),
            join::Error::Hub(registry::Error::Log(error)) | join::Error::Log(error) => error.into(),
        }
    }
}

impl From<poll::Error> for Failure {
    fn from(error: poll::Error) -> Self {
        match error {
            poll::Error::Join(error) => error.into(),
            poll::Error::Log(error) => error.into(),
        }
    }
}

impl From<history::Error> for Failure {
    fn from(error: history::Error) -> Self {
        match error {
            history::Error::Limit(_) => Self::invalid("limit", error.to_string()),
            history::Error::Log(error) => error.into(),
        }
    }
}

impl From<control::Error> for Failure {
    fn from(error: control::Error) -> Self {
        let (text, details) = (error.to_string(), error.details());
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
        if self.status.is_server_error() {
            tracing::warn!(code = self.code, message = self.message, "a request failed");
        }
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(path) = self.path {
            error["path"] = path.into();
        }
        if let Some(details) = self.details {
            error["details"] = details;
        }
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}
