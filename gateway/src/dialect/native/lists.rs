//! `GET /v1/live/...`: lists as event streams (SSE).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse, Response};
use runbus::store::index::Family;

use super::monitor_stream;
use super::sse;
use crate::api::caller::Caller;
use crate::api::error::Failure;
use crate::api::lists::asked;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::connection::gate::Gate;
use crate::openapi::{Operation, Problem};
use crate::protocol::list::parameters::{self, Way};
use crate::transport::pieces::{Pieces, head};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let stream = |family, id, summary| {
        Operation::new(id, summary)
            .says("Server-sent events: `event` is `list_snapshot`, then `list_changes` (docs/lists.md).")
            .takes(parameters::of(family, Way::Live))
            .streams("the stream; it ends only as docs/lists.md says")
            .refuses([Problem::NotAcceptable, Problem::Connections])
    };
    let reads = Rule::Handler(Some(Action::Read));
    vec![
        Endpoint::get(
            "/v1/live/executions",
            reads,
            stream(Family::Executions, "follow_executions", "The list of executions as it changes (SSE)"),
            executions,
        ),
        Endpoint::get(
            "/v1/live/sessions",
            reads,
            stream(Family::Sessions, "follow_sessions", "The list of sessions as it changes (SSE)"),
            sessions,
        ),
        Endpoint::get(
            "/v1/live/approvals",
            reads,
            stream(Family::Approvals, "follow_approvals", "The list of approvals as it changes (SSE)"),
            approvals,
        ),
        Endpoint::get(
            "/v1/live/questions",
            reads,
            stream(Family::Questions, "follow_questions", "The list of questions as it changes (SSE)"),
            questions,
        ),
    ]
}

macro_rules! streams {
    ($($(#[$doc:meta])* $name:ident = $family:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// The request is wrong, or the gateway drains or is full.
        pub async fn $name(
            State(app): State<Arc<App>>,
            caller: Caller,
            method: Method,
            headers: HeaderMap,
            RawQuery(query): RawQuery,
        ) -> Result<Response, Failure> {
            open(&app, &caller, (&method, &headers), Family::$family, query.as_deref().unwrap_or(""))
        }
    )*};
}

streams! {
    /// Executions.
    executions = Executions;
    /// Sessions.
    sessions = Sessions;
    /// Approvals.
    approvals = Approvals;
    /// Questions.
    questions = Questions;
}

fn open(
    app: &Arc<App>,
    caller: &Caller,
    (method, headers): (&Method, &HeaderMap),
    family: Family,
    query: &str,
) -> Result<Response, Failure> {
    sse::check_accept(headers)?;
    let query = asked(family, Way::Live, query)?;
    if method == Method::HEAD {
        return Ok(head().into_response());
    }
    let place = app.place(caller.peer())?;
    let gate = Gate::open(app.shared.clone(), caller.ticket()?, place);
    let (stream, link) = monitor_stream::list(app.shared.clone(), (family, query), &caller.principal, gate)?;
    Ok((head(), Body::from_stream(Pieces::new(stream, link, app.tasks.token()))).into_response())
}
