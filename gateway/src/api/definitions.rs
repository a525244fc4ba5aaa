//! `GET /v1/definitions`: the agents and graphs that workers have.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use runbus::control::definitions::{Definition, Summary};
use runbus::id::ExecutionId;
use schemars::JsonSchema;
use serde::Serialize;

use super::caller::{Caller, Reach};
use super::error::Failure;
use super::parameters::Id;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule, Target};
use crate::openapi::{Operation, Problem};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/v1/definitions",
            Rule::Handler(Some(Action::Read)),
            Operation::new("list_definitions", "Agents and graphs that workers have")
                .says("Those whose stream of the same name the caller may read.")
                .answers::<Definitions>(200, "the definitions, by name"),
            list,
        ),
        Endpoint::get(
            "/v1/definitions/{name}",
            Rule::Handler(Some(Action::Read)),
            Operation::new("get_definition", "An agent or a graph: nodes, edges, tools, input schema")
                .answers::<Definition>(200, "the definition; where workers differ, that of most of them")
                .refuses([Problem::NotFound]),
            get,
        ),
        Endpoint::get(
            "/v1/executions/{execution_id}/definition",
            Rule::Execution(Action::Read),
            Operation::new(
                "get_execution_definition",
                "The definition that an execution runs: as it was when the latest execution of a session began, \
                 the present one for earlier executions of the session",
            )
            .answers::<Definition>(200, "the definition")
            .refuses([Problem::NotFound]),
            of_execution,
        ),
    ]
}

/// Definitions, by name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Definitions {
    definitions: Vec<Summary>,
}

fn of(name: &str) -> Target<'_> {
    Target { stream: Some(name), ..Target::EVERYTHING }
}

/// The definitions that the caller may read.
///
/// # Errors
/// The store does not answer.
pub async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Definitions>, Failure> {
    let all = app.control.definitions().await?;
    let may = |definition: &&Definition| caller.may(Action::Read, of(&definition.name)).is_ok();
    Ok(Json(Definitions { definitions: all.iter().filter(may).map(Definition::summary).collect() }))
}

/// One definition.
///
/// # Errors
/// The caller may not read it, or no worker has it.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(name): Id<String>,
) -> Result<Json<Definition>, Failure> {
    caller.may(Action::Read, of(&name))?;
    let found = app.control.definition(&name).await?;
    found.map(Json).ok_or_else(|| Failure::not_found(format!("no worker has a definition {name:?}")))
}

/// The definition that an execution runs.
///
/// # Errors
/// It does not exist, or its definition is unknown.
pub async fn of_execution(
    State(app): State<Arc<App>>,
    reach: Reach,
    Id(id): Id<ExecutionId>,
) -> Result<Json<Definition>, Failure> {
    let found = app.control.definition_of(&id).await?;
    reach.holds(&app, &id).await?;
    found
        .map(Json)
        .ok_or_else(|| Failure::not_found(format!("the definition of {id:?} is not known any more")))
}
