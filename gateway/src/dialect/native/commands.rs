//! A client's commands: each in a task of its own, so that none waits for another, nor anything for them. Those that publish have
//! an order ([`Publishes`]).

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use runbus::control::{Control, Error};
use runbus::event::Draft;
use runbus::log::Trace;
use runbus::telemetry;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tracing::{Instrument, Span};

use super::publishes::{self, Publishes};
use crate::app::Shared;
use crate::auth::account::Account;
use crate::auth::permit::{self, Denied};
use crate::auth::{self, Principal};
use crate::ledger::{Table, Taken};
use crate::limits;
use crate::protocol::command::{Action, Command};
use crate::protocol::{Publish, server};
use crate::spans;

/// Commands at work.
#[derive(Debug, Default)]
pub(super) struct Commands {
    /// [`limits::COMMANDS`] at most. Nothing, while the client gives none: most only read.
    tasks: Option<Box<JoinSet<String>>>,
    /// The same of those that publish: as many as their window takes.
    publishes: Option<Box<Publishes>>,
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
        if let Action::Publish(Publish { events }) = action {
            return self.publish(shared, &principal, account, (id, events, trace, bytes));
        }
        let tasks = self.tasks.get_or_insert_default();
        if tasks.len() >= limits::COMMANDS {
            let message = format!("{} commands are at work already", limits::COMMANDS);
            return Err(server::error("limit_exceeded", &message, None, Some(&id)));
        }
        let held = hold(shared, account, &id, bytes)?;
        let shared = shared.clone();
        let trace = trace.or_else(telemetry::current_trace);
        let span = span(trace.as_ref());
        let obeying = async move {
            let _held = held;
            match AssertUnwindSafe(follow(&shared, &principal, &id, action)).catch_unwind().await {
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

    fn publish(
        &mut self,
        shared: &Arc<Shared>,
        principal: &Principal,
        account: &Account,
        (id, events, trace, bytes): (String, Vec<Draft>, Option<Trace>, usize),
    ) -> Result<(), String> {
        let held = hold(shared, account, &id, bytes)?;
        let trace = trace.or_else(telemetry::current_trace);
        let span = span(trace.as_ref());
        let command = publishes::Command { id, events, bytes, trace, span, held };
        self.publishes.get_or_insert_default().begin(shared, principal, account, command);
        Ok(())
    }

    /// Whether the next message may be read: it may be one more command that publishes.
    pub(super) fn has_room(&self) -> bool {
        self.publishes.as_ref().is_none_or(|publishes| publishes.has_room())
    }

    /// The next answers, all that are there; none come while nothing is at work.
    pub(super) async fn answers(&mut self, shared: &Arc<Shared>) -> Vec<String> {
        let mut answers = self.some(shared).await;
        while answers.len() < limits::ANSWERS
            && let Some(more) = self.some(shared).now_or_never()
        {
            answers.extend(more);
        }
        answers
    }

    async fn some(&mut self, shared: &Arc<Shared>) -> Vec<String> {
        let Self { tasks, publishes } = self;
        let done = async {
            loop {
                let next = tasks.as_mut()?.join_next().await;
                match next {
                    Some(Ok(answer)) => return Some(vec![answer]),
                    // Tasks catch their panics, and nobody aborts them.
                    Some(Err(error)) => tracing::error!(%error, "a command's task was lost"),
                    None => {
                        *tasks = None;
                        return None;
                    }
                }
            }
        };
        let published = async { publishes.as_mut()?.answers(shared).await };
        tokio::select! {
            biased;
            Some(answers) = done => answers,
            Some(answers) = published => answers,
            else => std::future::pending().await,
        }
    }

    /// Lets what was begun become durable: a command that is cut in half would wait for somebody who wakes its session.
    pub(super) async fn finish(mut self, shared: &Arc<Shared>) {
        let (mut tasks, mut publishes) = (self.tasks.take(), self.publishes.take());
        let all = async {
            while let Some(tasks) = &mut tasks
                && tasks.join_next().await.is_some()
            {}
            while let Some(publishes) = &mut publishes
                && publishes.answers(shared).await.is_some()
            {}
        };
        if tokio::time::timeout(limits::COMMANDS_PATIENCE, all).await.is_err() {
            tracing::warn!("commands of a connection that ended did not become durable in time");
        }
    }
}

/// A command's memory, also while its connection has ended and it goes on.
fn hold(shared: &Shared, account: &Account, id: &str, bytes: usize) -> Result<Taken, String> {
    let taken = shared.ledger.take(account.usage(), Table::Bytes, bytes + limits::COMMAND_COST_BYTES);
    taken.map_err(|full| server::error("limit_exceeded", &full.to_string(), None, Some(id)))
}

fn span(trace: Option<&Trace>) -> Span {
    let span = spans::command();
    if let Some(trace) = trace {
        telemetry::follow(&span, trace);
    }
    span
}

/// Why a command was not followed.
enum Failed {
    Denied(Denied),
    Control(Error),
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
async fn follow(shared: &Shared, principal: &Principal, id: &str, action: Action) -> String {
    if let Err(denied) = permit(&shared.control, principal, &action).await {
        return server::error(denied.code(), &denied.to_string(), None, Some(id));
    }
    match handle(&shared.control, principal, action).await {
        Ok(result) => server::ok(id, result),
        Err(Failed::Denied(denied)) => server::error(denied.code(), &denied.to_string(), None, Some(id)),
        Err(Failed::Control(error)) => {
            if matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
                tracing::warn!(code = error.code(), %error, "a command failed");
            }
            server::refused(id, &error)
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

async fn handle(control: &Control, principal: &Principal, action: Action) -> Result<Value, Failed> {
    let by = principal.name();
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
        // It has a way of its own.
        Action::Publish(_) => return Err(Error::Internal("a publish command among others".into()).into()),
    })
}

fn document(result: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(result).map_err(|error| Error::Internal(error.to_string().into()))
}
