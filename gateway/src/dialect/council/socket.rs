//! `GET /ws/council/{run_id}`: the connection of one client.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use runbus::bus::Filter;
use runbus::event::Event;
use runbus::execution::Execution;
use runbus::id::ExecutionId;
use runbus::log::Since;

use super::frames;
use super::translate::Run;
use crate::api::caller::{Caller, OptionalCaller};
use crate::api::error::Failure;
use crate::api::parameters;
use crate::app::{App, Endpoint};
use crate::auth::{Principal, Rule};
use crate::dialect::translated::{Incoming, Opened, Outgoing, Translate, WRONG_KEY};
use crate::dialect::upgrade::{self, Upgrade, Words};
use crate::openapi::Operation;
use crate::protocol::{Text, foreign};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/ws/council/{run_id}",
        Rule::Foreign,
        upgrade::described(Operation::new(
            "connect_council",
            "A council as its own server served it (WebSocket)",
        )),
        get,
    )]
}

/// Upgrades a request.
///
/// # Errors
/// The run's id is none, it is no upgrade, or the gateway drains or is full.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: OptionalCaller,
    id: Result<Path<String>, PathRejection>,
    upgrade: Upgrade,
) -> Result<Response, Failure> {
    let id = parameters::execution(id)?;
    let words = Words { refusal: frames::error(WRONG_KEY), greeting: None };
    let serving = app.clone();
    upgrade::open(&app, caller, upgrade, words, move |caller| {
        Box::pin(async move { follow(&serving, &caller, id).await })
    })
}

async fn follow(app: &App, caller: &Caller, id: ExecutionId) -> Result<Opened, Outgoing> {
    let last = |message: &str, code, reason| {
        let mut outgoing = Outgoing::one(frames::error(message));
        outgoing.end(code, reason);
        outgoing
    };
    let known = app.control.status(&id).await.map_err(|error| {
        tracing::warn!(code = error.code(), %error, "a council cannot be served");
        last(&error.to_string(), foreign::FAULT, "server fault")
    })?;
    let Some((filter, known)) = readable(&caller.principal, id.clone(), known) else {
        return Err(last("this credential does not allow it", foreign::FORBIDDEN, "not allowed"));
    };
    let Some(known) = known else {
        return Err(last(&frames::unknown(id.as_str()), foreign::DONE, "not found"));
    };
    Ok(Opened {
        filter,
        since: Since::All,
        until_terminal: true,
        greeting: Some(frames::connected(id.as_str(), known.status)),
        translate: Box::new(Client { run: Run::new(known, app.shared.config.dropin.clone()) }),
    })
}

/// The part of a run that a caller may read. Callers without read access to every execution of this id do not learn
/// whether there is one.
pub(super) fn readable(
    by: &Principal,
    id: ExecutionId,
    known: Option<Execution>,
) -> Option<(Filter, Option<Execution>)> {
    let all = Filter::execution(id.clone());
    if by.may_read(&all) {
        return Some((all, known));
    }
    let one = Filter::execution_of(known.as_ref()?.stream_id.clone(), id);
    by.may_read(&one).then_some((one, known))
}

struct Client {
    run: Run,
}

impl Client {
    fn push(&self, frames: Vec<String>, outgoing: &mut Outgoing) {
        frames.into_iter().for_each(|frame| outgoing.push(frame));
        if self.run.has_ended() {
            outgoing.end(foreign::DONE, "");
        }
    }
}

#[async_trait]
impl Translate for Client {
    fn event(&mut self, event: &Text, outgoing: &mut Outgoing) {
        match Event::decode(event.json().as_bytes()) {
            Ok(decoded) => {
                let frames = self.run.event(&decoded, event.is_external());
                self.push(frames, outgoing);
            }
            Err(error) => tracing::warn!(%error, "an event that was delivered cannot be read"),
        }
    }

    fn notice(&mut self, notice: &Text, outgoing: &mut Outgoing) {
        match notice.kind() {
            "caught_up" => {
                let frames = self.run.caught_up();
                self.push(frames, outgoing);
            }
            kind @ ("gap" | "undecodable") => outgoing.push(self.run.notice(kind, notice.json())),
            _ => {}
        }
    }

    fn receive(&mut self, _: &str) -> Incoming {
        // Clients of this server have nothing to say.
        Incoming::Nothing
    }

    fn fault(&self, message: &str) -> String {
        frames::error(message)
    }
}
