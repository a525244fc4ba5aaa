//! `GET /ws/agents/{agent_id}` and `/ws/agents`: the connection of one client.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::State;
use axum::response::Response;
use runbus::bus::Filter;
use runbus::control::{Control, DecideRequest, Error};
use runbus::event::Event;
use runbus::id::StreamId;
use runbus::log::Since;
use runbus::monitor::Revision;
use runbus::time::{Clock, Timestamp};
use tokio::time::Instant;

use super::approval::Record;
use super::envelope;
use super::message::{Decision, Message};
use super::translate::Agent;
use crate::api::caller::{Caller, OptionalCaller};
use crate::api::error::Failure;
use crate::api::parameters::Id;
use crate::app::{App, Endpoint};
use crate::auth::permit::{self, Denied, Extent};
use crate::auth::{Action, Principal, Rule};
use crate::dialect::translated::{Incoming, Opened, Outgoing, Translate, WRONG_KEY};
use crate::dialect::upgrade::{self, Upgrade, Words};
use crate::limits;
use crate::monitor::{Ended, Version, Watch};
use crate::openapi::Operation;
use crate::protocol::{Text, foreign};

/// The endpoints of this module.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/ws/agents/{agent_id}",
            Rule::Foreign,
            upgrade::described(Operation::new(
                "connect_agent",
                "An agent as its own server served it (WebSocket)",
            )),
            get,
        ),
        Endpoint::get(
            "/ws/agents",
            Rule::Foreign,
            upgrade::described(Operation::new("connect_agents", "All agents (WebSocket)")),
            all,
        ),
    ]
}

/// Upgrades a request for one agent.
///
/// # Errors
/// The agent's id is none, it is no upgrade, or the gateway drains or is full.
pub async fn get(
    State(app): State<Arc<App>>,
    caller: OptionalCaller,
    Id(stream): Id<StreamId>,
    upgrade: Upgrade,
) -> Result<Response, Failure> {
    open(&app, caller, Some(stream), upgrade)
}

/// The same for all agents.
///
/// # Errors
/// As for [`get`].
pub async fn all(
    State(app): State<Arc<App>>,
    caller: OptionalCaller,
    upgrade: Upgrade,
) -> Result<Response, Failure> {
    open(&app, caller, None, upgrade)
}

fn open(
    app: &Arc<App>,
    caller: OptionalCaller,
    stream: Option<StreamId>,
    upgrade: Upgrade,
) -> Result<Response, Failure> {
    let id = stream.as_ref().map(StreamId::as_str);
    let refusal = envelope::error(id, Clock::System.now(), "unauthenticated", WRONG_KEY);
    let serving = app.clone();
    upgrade::open(app, caller, upgrade, Words { refusal, greeting: None }, move |caller| {
        Box::pin(async move { follow(&serving, &caller, stream) })
    })
}

fn follow(app: &App, caller: &Caller, stream: Option<StreamId>) -> Result<Opened, Outgoing> {
    let filter = Filter { stream_id: stream.clone(), ..Filter::all() };
    let last = |(code, message): (&str, &str), close, reason| {
        let id = stream.as_ref().map(StreamId::as_str);
        let mut outgoing = Outgoing::one(envelope::error(id, Clock::System.now(), code, message));
        outgoing.end(close, reason);
        outgoing
    };
    if !caller.principal.may_read(&filter) {
        let message = ("forbidden", "this credential does not allow it");
        return Err(last(message, foreign::FORBIDDEN, "not allowed"));
    }
    let watch = app
        .shared
        .monitors
        .watch(stream.clone(), caller.account().usage())
        .map_err(|error| last(("limit_exceeded", &error.to_string()), foreign::FAULT, "server fault"))?;
    let client = Client {
        agent: Agent::new(stream),
        watch,
        came: None,
        shown: None,
        owed: None,
        told: false,
        requested: false,
        control: app.control.clone(),
        principal: caller.principal.clone(),
    };
    Ok(Opened {
        filter,
        since: Since::New,
        until_terminal: false,
        greeting: None,
        translate: Box::new(client),
    })
}

struct Client {
    agent: Agent,
    watch: Watch,
    /// The monitor's news that were not handled yet.
    came: Option<Result<Version, Ended>>,
    /// The revision that the client has.
    shown: Option<Revision>,
    /// An event was sent, and by then a snapshot must follow, whether or not the monitor has changed.
    owed: Option<Instant>,
    /// An event was sent since the last call of `settle`.
    told: bool,
    /// The client wants a snapshot.
    requested: bool,
    control: Control,
    principal: Arc<Principal>,
}

fn now() -> Timestamp {
    Clock::System.now()
}

impl Client {
    fn show(&mut self, version: &Version, outgoing: &mut Outgoing) {
        self.shown = Some(version.revision);
        (self.owed, self.requested) = (None, false);
        outgoing.push(self.agent.snapshot(&version.monitor, now()));
    }

    fn broken(&self, message: &str, outgoing: &mut Outgoing) {
        tracing::warn!(message, "an agent cannot be monitored");
        outgoing.push(self.fault(message));
        outgoing.end(foreign::FAULT, "server fault");
    }

    fn decide(&self, decision: Decision) -> Incoming {
        let call = decision.tool_call_id.as_deref();
        let known = call.and_then(|call| self.agent.approval_of(call)).map(str::to_owned);
        let Some(id) = decision.approval_id.filter(|id| !id.is_empty()).or(known) else {
            let message = "there is no such approval";
            return Incoming::Reply(envelope::error(self.agent.id(), now(), "not_found", message));
        };
        let request =
            DecideRequest { approved: decision.approved, note: decision.note, ..DecideRequest::default() };
        let (control, by) = (self.control.clone(), self.principal.clone());
        let stream = self.agent.id().map(str::to_owned);
        Incoming::Work(Box::pin(async move {
            match decide(&control, &by, &id, request).await {
                // Its effect is an event, for every client.
                Ok(None) => Outgoing::default(),
                Ok(Some(standing)) => {
                    let agent = standing.agent_id.as_deref();
                    let kind = standing.status.kind();
                    Outgoing::one(envelope::envelope(kind, agent, now(), &standing.payload()))
                }
                Err(denied) => {
                    let message = denied.to_string();
                    Outgoing::one(envelope::error(stream.as_deref(), now(), denied.code(), &message))
                }
            }
        }))
    }
}

/// Decides an approval. Returns the standing decision when another one came first.
async fn decide(
    control: &Control,
    by: &Principal,
    id: &str,
    request: DecideRequest,
) -> Result<Option<Record>, Denied> {
    // A caller with the permission on everything may learn that there is none.
    let approval = match control.approval(id).await {
        Err(Error::NotFound { .. }) if !by.may(Action::Decide, crate::auth::Target::EVERYTHING) => {
            return Err(crate::auth::Refusal::Forbidden.into());
        }
        approval => approval?,
    };
    // External events of an execution whose own events are gone grant no right to its requests.
    if permit::execution(control, by, Action::Decide, &approval.execution_id).await? == Extent::External {
        return Err(crate::auth::Refusal::Forbidden.into());
    }
    match control.decide(id, request, by.name()).await {
        Ok(_) => Ok(None),
        Err(Error::Conflict { .. }) => {
            let approval = control.approval(id).await?;
            let stream = control.own(&approval.execution_id).await?.map(|known| known.stream_id);
            Ok(Some(Record::standing(&approval, stream.as_ref())))
        }
        Err(error) => Err(error.into()),
    }
}

#[async_trait]
impl Translate for Client {
    async fn begin(&mut self, outgoing: &mut Outgoing) {
        match tokio::time::timeout(limits::MONITOR_WAIT, self.watch.next()).await {
            Ok(Ok(version)) => self.show(&version, outgoing),
            Ok(Err(ended)) => self.broken(&ended.to_string(), outgoing),
            Err(_elapsed) => self.broken("the stored events are still being read: retry soon", outgoing),
        }
    }

    fn event(&mut self, event: &Text, outgoing: &mut Outgoing) {
        match Event::decode(event.json().as_bytes()) {
            Ok(decoded) => {
                if let Some(message) = self.agent.event(&decoded, event.is_external()) {
                    outgoing.push(message);
                    self.told = true;
                }
            }
            Err(error) => tracing::warn!(%error, "an event that was delivered cannot be read"),
        }
    }

    fn notice(&mut self, notice: &Text, outgoing: &mut Outgoing) {
        let kind @ ("gap" | "undecodable") = notice.kind() else { return };
        let details: serde_json::Value = runbus::json::from_str(notice.json()).unwrap_or_default();
        outgoing.push(envelope::envelope(kind, self.agent.id(), now(), &details));
        // The next snapshot holds the state behind it.
        self.told = true;
    }

    async fn settle(&mut self, outgoing: &mut Outgoing) {
        if std::mem::take(&mut self.told) {
            self.owed.get_or_insert_with(|| Instant::now() + limits::SNAPSHOT_PATIENCE);
        }
        let is_new = match self.came.take() {
            Some(Ok(version)) => self.shown != Some(version.revision),
            Some(Err(ended)) => return self.broken(&ended.to_string(), outgoing),
            None => false,
        };
        if is_new || self.requested || self.owed.is_some_and(|then| Instant::now() >= then) {
            match self.watch.latest() {
                Ok(Some(version)) => self.show(&version, outgoing),
                // It was there once, so this does not happen; and what is owed must not be looked for all the time.
                Ok(None) => self.owed = None,
                Err(ended) => self.broken(&ended.to_string(), outgoing),
            }
        }
    }

    async fn changed(&mut self) {
        let owed = self.owed;
        let due = async {
            match owed {
                Some(then) => tokio::time::sleep_until(then).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            version = self.watch.next() => self.came = Some(version),
            () = due => {}
        }
    }

    fn receive(&mut self, text: &str) -> Incoming {
        match runbus::json::from_str(text) {
            Ok(Message::RequestSnapshot) => {
                self.requested = true;
                Incoming::Settle
            }
            Ok(Message::ToolApprovalDecision(decision)) => self.decide(decision),
            Err(_) => Incoming::Nothing,
        }
    }

    fn fault(&self, message: &str) -> String {
        envelope::error(self.agent.id(), now(), "unavailable", message)
    }
}
