//! `GET /v1/executions/{execution_id}/approvals` and `/questions`: requests that wait for a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::id::ExecutionId;
use runbus::session::view::{PendingApproval, PendingQuestion};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::caller::Reach;
use crate::api::error::Failure;
use crate::api::parameters::Id;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/executions/{execution_id}/approvals",
            Rule::Execution(Action::Read),
            Operation::new("list_approvals", "Its calls that wait for a decision")
                .answers::<Approvals>(200, "the approvals")
                .refuses([Problem::NotFound]),
            approvals,
        ),
        Endpoint::get(
            "/v1/executions/{execution_id}/questions",
            Rule::Execution(Action::Read),
            Operation::new("list_questions", "Its questions that wait for an answer")
                .answers::<Questions>(200, "the questions")
                .refuses([Problem::NotFound]),
            questions,
        ),
    ]
}

/// Approvals that wait for a decision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Approvals {
    approvals: Vec<PendingApproval>,
}

/// Questions that wait for an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Questions {
    questions: Vec<PendingQuestion>,
}

/// The approvals that wait for a decision.
///
/// # Errors
/// The execution does not exist.
pub async fn approvals(
    State(app): State<Arc<App>>,
    reach: Reach,
    Id(id): Id<ExecutionId>,
) -> Result<Json<Approvals>, Failure> {
    let approvals = app.control.approvals(&id).await?;
    reach.holds(&app, &id).await?;
    Ok(Json(Approvals { approvals }))
}

/// The questions that wait for an answer.
///
/// # Errors
/// The execution does not exist.
pub async fn questions(
    State(app): State<Arc<App>>,
    reach: Reach,
    Id(id): Id<ExecutionId>,
) -> Result<Json<Questions>, Failure> {
    let questions = app.control.questions(&id).await?;
    reach.holds(&app, &id).await?;
    Ok(Json(Questions { questions }))
}
