//! A client's commands: each in a task of its own, so that none waits for another, nor anything for them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use runbus::control::{Control, Error};
use runbus::telemetry;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::app::Shared;
use crate::auth::account::Account;
use crate::auth::permit::{self, Denied};
use crate::auth::{self, Principal};
use crate::ledger::Table;
use crate::limits;
use crate::protocol::command::{Action, Command};
use crate::protocol::{Publish, server};
use crate::publishing;
use crate::spans;

/// Commands at work, [`limits::COMMANDS`] at most.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// Nothing, while the client gives none: most only read.
    tasks: Option<Box<JoinSet<String>>>,
}

impl Commands {
    /// Begins a command; the answer that refuses it when there are too many.
    pub(super) fn begin(
        &mut self,
        shared: &Arc<Shared>,
        principal: Arc<Principal>,
        account: &Arc<Account>,
        (command, bytes): (Command, usize),
    ) -> Result<(), String> {
        let Command { id, action, trace } = command;
        let tasks = self.tasks.get_or_insert_default();
        if tasks.len() >= limits::COMMANDS {
            let message = format!("{} commands are at work already", limits::COMMANDS);
            return Err(server::error("limit_exceeded", &message, None, Some(&id)));
        }
        // Also while its connection has ended and it goes on.
        let taken = shared.ledger.take(account.usage(), Table::Bytes, bytes + limits::COMMAND_COST_BYTES);
        let held =
            taken.map_err(|full| server::error("limit_exceeded", &full.to_string(), None, Some(&id)))?;
        let shared = shared.clone();
        let account = account.clone();
        let trace = trace.or_else(telemetry::current_trace);
        let span = spans::command();
        if let Some(trace) = &trace {
            telemetry::follow(&span, trace);
        }
        let obeying = async move {
            let _held = held;
            match AssertUnwindSafe(follow(&shared, (&principal, &account), &id, action)).catch_unwind().await
            {
                Ok(answer) => answer,
                Err(_panic) => {
                    tracing::error!(request = id, "a command panicked");
                    server::error("internal", "the command failed in an unexpected way", None, Some(&id))
                }
            }
        };
        tasks.spawn(telemetry::passing(trace.map(Arc::new), obeying.instrument(span)));
        Ok(())
    }

    /// The next answer; never comes while nothing is at work.
    pub(super) async fn answer(&mut self) -> String {
        loop {
            let next = match &mut self.tasks {
                Some(tasks) => tasks.join_next().await,
                None => None,
            };
            match next {
                Some(Ok(answer)) => return answer,
                // Tasks catch their panics, and nobody aborts them.
                Some(Err(error)) => tracing::error!(%error, "a command's task was lost"),
                None => {
                    self.tasks = None;
                    std::future::pending::<()>().await;
                }
            }
        }
    }

    /// Lets what was begun become durable: a command that is cut in half would wait for somebody who wakes its session.
    pub(super) async fn finish(mut self) {
        let Some(mut tasks) = self.tasks.take() else { return };
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limits::COMMANDS_PATIENCE, all).await.is_err() {
            tracing::warn!("commands of a connection that ended did not become durable in time");
        }
    }
}

/// Why a command was not followed.
enum Failed {
    Denied(Denied),
    Control(Error),
    Publish(publishing::Refused),
}

impl From<Denied> for Failed {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Control(error) => Self::Control(error),
            denied => Self::Denied(denied),
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Control(error)
    }
}

/// Does what a command says, if its client may; the answer.
async fn follow(
    shared: &Shared,
    (principal, account): (&Principal, &Account),
    id: &str,
    action: Action,
) -> String {
    if let Err(denied) = permit(&shared.control, principal, &action).await {
        return server::error(denied.code(), &denied.to_string(), None, Some(id));
    }
    match handle(shared, (principal, account), action).await {
        Ok(result) => server::ok(id, result),
        Err(Failed::Denied(denied)) => server::error(denied.code(), &denied.to_string(), None, Some(id)),
        Err(Failed::Control(error)) => {
            if matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
                tracing::warn!(code = error.code(), %error, "a command failed");
            }
            server::refused(id, &error)
        }
        Err(Failed::Publish(refused)) => {
            if matches!(refused.code(), "unavailable" | "internal") {
                tracing::warn!(code = refused.code(), error = %refused, "events were not published");
            }
            server::failed(id, refused.code(), &refused.to_string(), refused.path(), refused.details())
        }
    }
}

/// Whether somebody may give a command. The rules are those of REST.
async fn permit(control: &Control, principal: &Principal, action: &Action) -> Result<(), Denied> {
    match action {
        Action::Start(request) => permit::start(control, principal, request).await,
        Action::Send(request) => permit::send(control, principal, request).await,
        Action::Resume(id) => permit::session(control, principal, auth::Action::Start, id).await,
        Action::AbortPending(id, _) | Action::Close(id, _) => {
            permit::session(control, principal, auth::Action::Cancel, id).await
        }
        Action::Pause(id, _) | Action::Unpause(id) => permit::hold(control, principal, id).await,
        // Asked where it is done: how much they may stop decides what is.
        Action::Cancel(..) => Ok(()),
        Action::Decide(id, _) | Action::Answer(id, _) => {
            permit::request(control, principal, auth::Action::Decide, id).await
        }
        // Asked for each event, where it is published.
        Action::Publish(_) => Ok(()),
    }
}

async fn handle(
    shared: &Shared,
    (principal, account): (&Principal, &Account),
    action: Action,
) -> Result<Value, Failed> {
    let (control, by) = (&shared.control, principal.name());
    Ok(match action {
        Action::Start(request) => document(&control.start_as(*request, by).await?)?,
        Action::Send(request) => document(&control.send(*request, by).await?)?,
        Action::Resume(session) => document(&control.resume(&session, by).await?)?,
        Action::AbortPending(session, reason) => {
            let aborted = control.abort_pending(&session, reason.text(), by).await?;
            json!({ "session_id": session, "aborted": aborted })
        }
        Action::Close(session, close) => {
            document(&control.close_session(&session, close.cascade, close.reason, by).await?)?
        }
        Action::Cancel(execution, cancel) => {
            let what = (cancel.session_id, cancel.reason);
            document(&permit::cancel(control, principal, &execution, what).await?)?
        }
        Action::Pause(execution, why) => document(&control.pause(&execution, why.reason, by).await?)?,
        Action::Unpause(execution) => document(&control.unpause(&execution, by).await?)?,
        Action::Decide(approval, request) => document(&control.decide(&approval, request, by).await?)?,
        Action::Answer(question, request) => document(&control.answer(&question, request, by).await?)?,
        Action::Publish(Publish { events }) => {
            let published =
                publishing::publish(control, (&shared.ledger, account.usage()), principal, events).await;
            document(&published.map_err(Failed::Publish)?)?
        }
    })
}

fn document(result: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(result).map_err(|error| Error::Internal(error.to_string().into()))
}
