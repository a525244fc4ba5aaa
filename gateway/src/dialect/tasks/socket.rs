//! `GET /ws/tasks/{task_id}`: the connection of one client.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use runbus::control::Control;
use runbus::event::Event;
use runbus::id::ExecutionId;
use runbus::log::Since;
use runbus::time::Clock;
use serde::Deserialize;
use serde_json::json;

use super::frames;
use super::start::{self, Asked};
use super::translate::Task;
use crate::api::caller::{Caller, OptionalCaller};
use crate::api::error::Failure;
use crate::api::parameters;
use crate::app::{App, Endpoint};
use crate::auth::permit::Denied;
use crate::auth::{Principal, Refusal, Rule};
use crate::dialect::commands;
use crate::dialect::translated::{Incoming, Opened, Outgoing, Translate, WRONG_KEY};
use crate::dialect::upgrade::{self, Upgrade, Words};
use crate::openapi::{Operation, Parameter};
use crate::protocol::{Text, foreign};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let text = || json!({ "type": "string" });
    vec![Endpoint::get(
        "/ws/tasks/{task_id}",
        Rule::Foreign,
        upgrade::described(Operation::new(
            "connect_task",
            "A task as its own server served it (WebSocket, docs/dropin.md)",
        ))
        .says("The task begins if it has not. Other parameters are ignored.")
        .takes([
            Parameter::new("agent", text(), "the agent or graph that it is for; by default as configured"),
            Parameter::new("input", text(), "the input; by default `{task_id}`"),
        ]),
        get,
    )]
}

/// Upgrades a request; the task begins if it has not.
///
/// # Errors
/// The task's id is none, it is no upgrade, or the gateway drains or is full.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: OptionalCaller,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    upgrade: Upgrade,
) -> Result<Response, Failure> {
    let id = parameters::execution(id)?;
    let asked = Asked::read(query.as_deref().unwrap_or(""))?;
    let words = Words { refusal: frames::error(WRONG_KEY), greeting: Some(frames::connected(id.as_str())) };
    let serving = app.clone();
    upgrade::open(&app, caller, upgrade, words, move |caller| {
        Box::pin(async move { follow(&serving, &caller, id, asked).await })
    })
}

async fn follow(app: &App, caller: &Caller, id: ExecutionId, asked: Asked) -> Result<Opened, Outgoing> {
    let config = &app.shared.config.dropin;
    let begun = start::begin(&app.control, config, &caller.principal, &id, asked).await;
    let (filter, known, own) = begun.map_err(|error| refused(&id, &error))?;
    let client = Client {
        task: Task::new(id, known, own),
        heartbeat: config.task_heartbeat(),
        control: app.control.clone(),
        principal: caller.principal.clone(),
    };
    Ok(Opened {
        filter,
        since: Since::All,
        until_terminal: true,
        greeting: None,
        translate: Box::new(client),
    })
}

/// Why a task is not followed, as its client hears it.
fn refused(id: &ExecutionId, error: &start::Error) -> Outgoing {
    match error {
        start::Error::NoAgent => {
            let mut outgoing = Outgoing::one(frames::no_agent(id.as_str()));
            outgoing.end(foreign::DONE, "No agent available");
            outgoing
        }
        start::Error::Denied(denied) => denied_messages(denied),
    }
}

fn denied_messages(denied: &Denied) -> Outgoing {
    let mut outgoing = Outgoing::one(frames::error(&denied.to_string()));
    match denied {
        Denied::Refusal(Refusal::Unauthenticated) => outgoing.end(foreign::UNAUTHENTICATED, WRONG_KEY),
        Denied::Refusal(_) | Denied::Reserved => outgoing.end(foreign::FORBIDDEN, "not allowed"),
        Denied::Control(error) => {
            tracing::warn!(code = error.code(), %error, "a task cannot be served");
            outgoing.end(foreign::FAULT, "server fault");
        }
    }
    outgoing
}

/// A client's message.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Message {
    Ping,
    Cancel,
}

struct Client {
    task: Task,
    heartbeat: Duration,
    control: Control,
    principal: Arc<Principal>,
}

#[async_trait]
impl Translate for Client {
    fn silence(&self) -> Option<Duration> {
        Some(self.heartbeat)
    }

    fn event(&mut self, event: &Text, outgoing: &mut Outgoing) {
        match Event::decode(event.json().as_bytes()) {
            Ok(decoded) => {
                let frame = self.task.event(&decoded, event.is_external());
                frame.into_iter().for_each(|frame| outgoing.push(frame));
            }
            Err(error) => tracing::warn!(%error, "an event that was delivered cannot be read"),
        }
    }

    fn notice(&mut self, notice: &Text, outgoing: &mut Outgoing) {
        match notice.kind() {
            kind @ ("gap" | "undecodable") => {
                outgoing.push(self.task.notice(kind, notice.json(), Clock::System.now()));
            }
            "caught_up" => self.task.caught_up().into_iter().for_each(|ending| outgoing.push(ending)),
            _ => {}
        }
    }

    fn receive(&mut self, text: &str) -> Incoming {
        match runbus::json::from_str(text) {
            Ok(Message::Ping) => Incoming::Reply(frames::pong()),
            Ok(Message::Cancel) => match self.task.ending() {
                Some(ending) => Incoming::Reply(ending.to_owned()),
                None => {
                    let (control, by) = (self.control.clone(), self.principal.clone());
                    let id = self.task.id().clone();
                    Incoming::Work(Box::pin(async move {
                        match commands::cancel(&control, &by, &id).await {
                            // Its effect is an event, for every client.
                            Ok(_) => Outgoing::default(),
                            Err(Denied::Refusal(refusal)) => {
                                Outgoing::one(frames::error(&refusal.to_string()))
                            }
                            Err(denied) => denied_messages(&denied),
                        }
                    }))
                }
            },
            // A text that is not JSON, or not of this protocol.
            Err(_) => Incoming::Nothing,
        }
    }

    fn fault(&self, message: &str) -> String {
        frames::error(message)
    }
}
