//! Lists of executions, sessions, approvals and questions, a page at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use runbus::directory::entry::{ApprovalEntry, ExecutionEntry, QuestionEntry, SessionEntry};
use runbus::directory::{self, Counts, Listing, Query};
use runbus::store::index::Family;
use schemars::JsonSchema;
use serde::Serialize;

use super::caller::Caller;
use super::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::{Action, Rule};
use crate::ledger::{Table, Taken};
use crate::limits;
use crate::openapi::Operation;
use crate::protocol::list::parameters::{self, Way};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let reads = Rule::Handler(Some(Action::Read));
    let list = |family, id, summary| {
        Operation::new(id, summary)
            .says("Only what the caller may read is listed and counted. A page may be short, also empty, with a `next`: go on with it.")
            .takes(parameters::of(family, Way::Page))
    };
    vec![
        Endpoint::get(
            "/v1/executions",
            reads,
            list(Family::Executions, "list_executions", "Executions, newest first")
                .answers::<Executions>(200, "a page of them"),
            executions,
        ),
        Endpoint::get(
            "/v1/sessions",
            reads,
            list(Family::Sessions, "list_sessions", "Sessions, newest first")
                .answers::<Sessions>(200, "a page of them"),
            sessions,
        ),
        Endpoint::get(
            "/v1/approvals",
            reads,
            list(Family::Approvals, "list_all_approvals", "Approvals of all executions, those that wait")
                .answers::<Approvals>(200, "a page of them"),
            approvals,
        ),
        Endpoint::get(
            "/v1/questions",
            reads,
            list(Family::Questions, "list_all_questions", "Questions of all executions, those that wait")
                .answers::<Questions>(200, "a page of them"),
            questions,
        ),
    ]
}

/// The fields of every page beside its entries.
#[derive(Debug, Serialize, JsonSchema)]
struct Rest {
    /// Where the next page begins; absent: nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Entries that match, whatever their status, by status; absent: nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<BTreeMap<String, u64>>,
    /// Whether all were counted; else there are at least so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts_exact: Option<bool>,
    /// Whether the index follows the log; else it is being built, and more entries may come.
    complete: bool,
}

impl Rest {
    fn of<T>(listing: Listing<T>, complete: bool) -> (Vec<T>, Self) {
        let Listing { entries, next, counts } = listing;
        let (counts, counts_exact) =
            counts.map(|Counts { by_status, is_exact }| (by_status, is_exact)).unzip();
        (entries, Self { next, counts, counts_exact, complete })
    }
}

macro_rules! pages {
    ($($(#[$doc:meta])* $page:ident $schema:literal { $field:ident: $entry:ty } = $family:ident, $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Serialize, JsonSchema)]
        #[schemars(rename = $schema)]
        pub struct $page {
            /// The entries, in order.
            $field: Vec<$entry>,
            #[serde(flatten)]
            rest: Rest,
        }

        $(#[$doc])*
        ///
        /// # Errors
        /// The request is wrong, or the store does not answer.
        pub async fn $name(
            State(app): State<Arc<App>>,
            caller: Caller,
            RawQuery(query): RawQuery,
        ) -> Result<Json<$page>, Failure> {
            let query = asked(Family::$family, Way::Page, query.as_deref().unwrap_or(""))?;
            let _room = room(&app, &caller, &query).await?;
            let account = caller.account();
            // The semaphores are never closed.
            let (_own, _permit) = (account.reading().await, app.shared.history_reads.acquire().await.ok());
            let directory = &app.shared.directory;
            let standing = directory.standing().await.map_err(unavailable)?;
            let listing = directory.$name(&query, caller.principal.as_ref()).await?;
            let ($field, rest) = Rest::of(listing, standing.is_complete);
            Ok(Json($page { $field, rest }))
        }
    )*};
}

pages! {
    /// A page of executions.
    Executions "ExecutionList" { executions: ExecutionEntry } = Executions, executions;
    /// A page of sessions.
    Sessions "SessionList" { sessions: SessionEntry } = Sessions, sessions;
    /// A page of approvals.
    Approvals "ApprovalList" { approvals: ApprovalEntry } = Approvals, approvals;
    /// A page of questions.
    Questions "QuestionList" { questions: QuestionEntry } = Questions, questions;
}

/// Reads the query of a list.
///
/// # Errors
/// It is wrong.
pub fn asked(family: Family, way: Way, query: &str) -> Result<Query, Failure> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    let pairs = pairs.map(|(key, value)| (key.into_owned(), value.into_owned()));
    parameters::read(family, way, pairs).map_err(|wrong| Failure::invalid(wrong.path, wrong.message))
}

/// Room for what is looked at and what is shown.
async fn room(app: &App, caller: &Caller, query: &Query) -> Result<Taken, Failure> {
    let bytes = (query.limit + runbus::limits::LIST_SCAN_PAGE) * limits::ENTRY_COST_BYTES;
    let (ledger, account) = (&app.shared.ledger, caller.account());
    Ok(ledger.take_within(account.usage(), Table::Bytes, bytes, limits::ROOM_PATIENCE).await?)
}

fn unavailable(error: runbus::store::Error) -> Failure {
    directory::Error::Store(error).into()
}
