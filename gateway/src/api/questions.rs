//! `POST /v1/questions/{request_id}/answer`: answers a question. The first answer counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::{AnswerRequest, Decided};

use super::actor::Actor;
use super::body::Body;
use super::error::Failure;
use super::parameters::Id;
use crate::router::App;

/// Answers a question.
///
/// # Errors
/// It is unknown, was answered, or the answer is none of those to choose from.
pub async fn answer(
    State(app): State<Arc<App>>,
    Actor(by): Actor,
    Id(id): Id<String>,
    Body(request): Body<AnswerRequest>,
) -> Result<Json<Decided>, Failure> {
    Ok(Json(app.control.answer(&id, request, by).await?))
}
