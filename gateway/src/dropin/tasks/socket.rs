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
use crate::api::caller::{Caller, Perhaps};
use crate::api::error::Failure;
use crate::api::parameters;
use crate::auth::permit::Denied;
use crate::auth::{Principal, Refusal, Rule};
use crate::connection::translated::{End, Heard, Line, Said, Translate, WRONG_KEY};
use crate::dropin::commands;
use crate::dropin::upgrade::{self, Upgrade};
use crate::openapi::{Endpoint, Operation, Parameter};
use crate::protocol::{Text, foreign};
use crate::router::App;

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
    caller: Perhaps,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    upgrade: Upgrade,
) -> Result<Response, Failure> {
    let id = parameters::execution(id)?;
    let asked = Asked::read(query.as_deref().unwrap_or(""))?;
    let serving = app.clone();
    upgrade::open(&app, caller, upgrade, frames::error(WRONG_KEY), move |mut line, caller| {
        Box::pin(async move {
            let end = serve(&serving, &mut line, &caller, id, asked).await;
            line.finish(end).await;
        })
    })
}

async fn serve(app: &App, line: &mut Line, caller: &Caller, id: ExecutionId, asked: Asked) -> End {
    if let Err(end) = line.say(frames::connected(id.as_str())).await {
        return end;
    }
    let config = &app.shared.config.dropin;
    let begun = start::begin(&app.control, config, &caller.principal, &id, asked).await;
    let (filter, known, own) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            let said = refused(&id, &error);
            return line.end(said).await;
        }
    };
    let mut client = Client {
        task: Task::new(id, known, own),
        heartbeat: config.task_heartbeat(),
        control: app.control.clone(),
        principal: caller.principal.clone(),
    };
    line.follow(filter, &Since::All, true, &mut client).await
}

/// Why a task is not followed, as its client hears it.
fn refused(id: &ExecutionId, error: &start::Error) -> Said {
    match error {
        start::Error::NoAgent => {
            let mut said = Said::one(frames::no_agent(id.as_str()));
            said.end(foreign::DONE, "No agent available");
            said
        }
        start::Error::Denied(denied) => denied_words(denied),
    }
}

fn denied_words(denied: &Denied) -> Said {
    let mut said = Said::one(frames::error(&denied.to_string()));
    match denied {
        Denied::Refusal(Refusal::Unauthenticated) => said.end(foreign::UNAUTHENTICATED, WRONG_KEY),
        Denied::Refusal(_) | Denied::Reserved => said.end(foreign::FORBIDDEN, "not allowed"),
        Denied::Control(error) => {
            tracing::warn!(code = error.code(), %error, "a task cannot be served");
            said.end(foreign::FAULT, "server fault");
        }
    }
    said
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

    fn event(&mut self, event: &Text, said: &mut Said) {
        match Event::decode(event.json().as_bytes()) {
            Ok(decoded) => {
                let frame = self.task.event(&decoded, event.is_external());
                frame.into_iter().for_each(|frame| said.say(frame));
            }
            Err(error) => tracing::warn!(%error, "an event that was delivered cannot be read"),
        }
    }

    fn word(&mut self, word: &Text, said: &mut Said) {
        match word.kind() {
            kind @ ("gap" | "undecodable") => {
                said.say(self.task.word(kind, word.json(), Clock::System.now()));
            }
            "caught_up" => self.task.caught_up().into_iter().for_each(|ending| said.say(ending)),
            _ => {}
        }
    }

    fn hear(&mut self, text: &str) -> Heard {
        match runbus::json::from_str(text) {
            Ok(Message::Ping) => Heard::Say(frames::pong()),
            Ok(Message::Cancel) => match self.task.ending() {
                Some(ending) => Heard::Say(ending.to_owned()),
                None => {
                    let (control, by) = (self.control.clone(), self.principal.clone());
                    let id = self.task.id().clone();
                    Heard::Work(Box::pin(async move {
                        match commands::cancel(&control, &by, &id).await {
                            // Its effect is an event, for every client.
                            Ok(_) => Said::default(),
                            Err(Denied::Refusal(refusal)) => Said::one(frames::error(&refusal.to_string())),
                            Err(denied) => denied_words(&denied),
                        }
                    }))
                }
            },
            // A text that is not JSON, or not of this protocol.
            Err(_) => Heard::Nothing,
        }
    }

    fn fault(&self, message: &str) -> String {
        frames::error(message)
    }
}
