//! `POST /v1/questions/{request_id}/answer`: answers a question. The first answer counts.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::{AnswerRequest, Decided};
use serde_json::json;

use super::actor::Actor;
use super::body::Body;
use super::error::Failure;
use super::parameters::Id;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::post(
        "/v1/questions/{request_id}/answer",
        Rule::Request(Action::Decide),
        Operation::new("answer_question", "Answer a question")
            .says("The first answer counts; with an `answer_id` the same one can be repeated.")
            .body::<AnswerRequest>(json!({ "input": "the blue one" }))
            .answers::<Decided>(200, "the answer counts")
            .refuses([Problem::NotFound, Problem::Conflict]),
        answer,
    )]
}

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
