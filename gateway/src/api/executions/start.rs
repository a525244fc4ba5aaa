//! `POST /v1/executions`: start an execution, once.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use runbus::control::{StartRequest, Started};

use crate::api::error::Failure;
use crate::router::App;

/// 201 when this call started it, 200 when it was there.
///
/// # Errors
/// The request is wrong, or the log does not answer; the same call with the same `execution_id` is safe.
pub async fn post(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Started>), Failure> {
    let body = body?;
    let deserializer = &mut serde_json::Deserializer::from_slice(&body);
    let request: StartRequest = serde_path_to_error::deserialize(&mut *deserializer)
        .map_err(|error| Failure::invalid(error.path().to_string(), error.inner().to_string()))?;
    deserializer.end().map_err(|error| Failure::invalid(".", error.to_string()))?;
    let started = app.control.start(request).await?;
    let status = if started.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(started)))
}
