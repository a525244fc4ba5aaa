//! The permissions that commands need, on every transport.

use runbus::control::{self, Acknowledged, Control, RESERVED_SESSIONS, SendRequest, StartRequest, addressed};
use runbus::event::Event;
use runbus::id::{ExecutionId, NodeId, SessionId, StreamId};
use runbus::session::view::PendingApproval;

use super::action::Action;
use super::narrow::Narrow;
use super::principal::Principal;
use super::refusal::Refusal;
use super::scope::Target;

/// Why a command is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Its caller may not give it.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The session's id is like one of the gateway's own.
    #[error("session ids do not begin with {:?}", RESERVED_SESSIONS)]
    Reserved,
    /// The permission cannot be checked now.
    #[error(transparent)]
    Control(#[from] control::Error),
}

impl Denied {
    /// A stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refusal(refusal) => refusal.code(),
            Self::Reserved => "invalid_argument",
            Self::Control(error) => error.code(),
        }
    }
}

/// Whether somebody may do something to all of `target`.
///
/// # Errors
/// They may not.
pub fn target(principal: &Principal, action: Action, target: Target<'_>) -> Result<(), Denied> {
    if principal.may(action, target) { Ok(()) } else { Err(Refusal::Forbidden.into()) }
}

/// Whether a session's id may be given by a client.
fn given(id: &SessionId) -> Result<(), Denied> {
    if id.as_str().starts_with(RESERVED_SESSIONS) { Err(Denied::Reserved) } else { Ok(()) }
}

/// Checks a permission on a session. In scopes a session is named like an execution; its streams are those of the execution
/// that it ran last and of those that wait. Callers without the permission anywhere do not learn whether there is one.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn session(
    control: &Control,
    principal: &Principal,
    action: Action,
    id: &SessionId,
) -> Result<(), Denied> {
    given(id)?;
    let on = |stream| Target { stream, node: None, execution: Some(id.as_str()) };
    if principal.may(action, on(None)) {
        return Ok(());
    }
    let Some(state) = control.state(id).await? else { return Err(Refusal::Forbidden.into()) };
    let last = state.run.iter().map(|run| &run.start);
    let mut streams = last.chain(&state.queue).map(|start| &start.stream_id).peekable();
    if streams.peek().is_none() {
        return Err(Refusal::Forbidden.into());
    }
    streams.try_for_each(|stream| target(principal, action, on(Some(stream.as_str()))))
}

/// Checks a permission on an approval or a question: on its node, where the approval names it, else on the execution
/// that asks. Callers without the permission anywhere do not learn whether there is one.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn request(
    control: &Control,
    principal: &Principal,
    action: Action,
    id: &str,
) -> Result<(), Denied> {
    if principal.may(action, Target::EVERYTHING) {
        return Ok(());
    }
    let forbidden = || Denied::from(Refusal::Forbidden);
    let session = addressed(id).ok_or_else(forbidden)?;
    let state = control.state(&session).await?.ok_or_else(forbidden)?;
    let (execution, node) = match state.approvals.get(id).map(PendingApproval::from) {
        Some(approval) => (approval.execution_id, Some(approval.node_id)),
        // Only the execution at work asks.
        None => (state.run.map(|run| run.start.execution_id).ok_or_else(forbidden)?, None),
    };
    let known = control.own(&execution).await?.ok_or_else(forbidden)?;
    let place = Target {
        stream: Some(known.stream_id.as_str()),
        node: node.as_ref().map(NodeId::as_str),
        execution: Some(execution.as_str()),
    };
    target(principal, action, place)
}

/// Whether somebody may say this to a session, or begin one with it.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn send(control: &Control, principal: &Principal, request: &SendRequest) -> Result<(), Denied> {
    let Some(id) = &request.session_id else {
        let stream = request.stream_id.as_ref().map(StreamId::as_str).or(request.definition.as_deref());
        return begin(control, principal, stream, request.execution_id.as_ref()).await;
    };
    session(control, principal, Action::Start, id).await?;
    if let Some(stream) = &request.stream_id {
        let there = Target { stream: Some(stream.as_str()), node: None, execution: Some(id.as_str()) };
        target(principal, Action::Start, there)?;
    }
    match &request.execution_id {
        Some(execution) => theirs(control, principal, execution).await,
        None => Ok(()),
    }
}

/// Checks a permission on an execution. Callers without it on every execution of this id do not learn whether
/// there is one.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn execution(
    control: &Control,
    principal: &Principal,
    action: Action,
    id: &ExecutionId,
) -> Result<Extent, Denied> {
    if principal.may(action, Target { execution: Some(id.as_str()), ..Target::EVERYTHING }) {
        return Ok(Extent::Any);
    }
    let known = control.status(id).await?.ok_or(Refusal::Forbidden)?;
    target(principal, action, Target::execution(&known.stream_id, id))?;
    Ok(if known.external { Extent::External } else { Extent::Own })
}

/// The extent of a permission on an execution. The same id may belong to another one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Every execution of this id, also one that is not begun yet.
    Any,
    /// The one that Runbus runs.
    Own,
    /// The one that others tell.
    External,
}

/// Checks a lasting permission to follow an execution by its id alone: external events about an id do not make it the producer's.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn follow(control: &Control, principal: &Principal, id: &ExecutionId) -> Result<(), Denied> {
    match execution(control, principal, Action::Read, id).await? {
        Extent::Any | Extent::Own => Ok(()),
        Extent::External => Err(Refusal::Forbidden.into()),
    }
}

/// Whether somebody may pause an execution, or let it go on: only what Runbus runs.
///
/// # Errors
/// They may not, others run it, or the log does not answer.
pub async fn hold(control: &Control, principal: &Principal, id: &ExecutionId) -> Result<(), Denied> {
    match execution(control, principal, Action::Cancel, id).await? {
        Extent::Any | Extent::Own => Ok(()),
        Extent::External => {
            let message = format!("execution {id} is not run by Runbus's workers");
            Err(control::Error::Conflict { message, standing: serde_json::Value::Null }.into())
        }
    }
}

/// Stops an execution for somebody, if they may.
///
/// # Errors
/// They may not, it has ended, or the log does not answer.
pub async fn cancel(
    control: &Control,
    principal: &Principal,
    id: &ExecutionId,
    (session_id, reason): (Option<SessionId>, Option<String>),
) -> Result<Acknowledged, Denied> {
    let by = principal.name();
    Ok(match execution(control, principal, Action::Cancel, id).await? {
        Extent::Any => control.cancel(id, session_id, reason, by).await?,
        // Its session is known; another one is none of theirs.
        Extent::Own => control.cancel(id, None, reason, by).await?,
        Extent::External => control.cancel_external(id, reason, by).await?,
    })
}

/// Whether somebody may start this. Sessions are named in scopes like executions: one that is left out has the
/// execution's id; one that there is must be theirs to go on with.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn start(control: &Control, principal: &Principal, request: &StartRequest) -> Result<(), Denied> {
    let stream = request.stream_id.as_ref().map_or(request.definition.as_str(), StreamId::as_str);
    if let Some(id) = &request.session_id {
        given(id)?;
        let there = Target { stream: Some(stream), node: None, execution: Some(id.as_str()) };
        target(principal, Action::Start, there)?;
    }
    begin(control, principal, Some(stream), request.execution_id.as_ref()).await?;
    // A caller that continues a conversation reads its messages.
    let named = request.execution_id.as_ref().map(|id| SessionId::new(id.as_str()));
    let id = request.session_id.clone().map_or_else(|| named.and_then(Result::ok), Some);
    fn anywhere(id: &SessionId) -> Target<'_> {
        Target { execution: Some(id.as_str()), ..Target::EVERYTHING }
    }
    match id {
        Some(id) if !principal.may(Action::Start, anywhere(&id)) && control.state(&id).await?.is_some() => {
            session(control, principal, Action::Start, &id).await
        }
        _ => Ok(()),
    }
}

/// Whether somebody may begin an execution in a stream; without an id any.
async fn begin(
    control: &Control,
    principal: &Principal,
    stream: Option<&str>,
    id: Option<&ExecutionId>,
) -> Result<(), Denied> {
    let place = Target { stream, node: None, execution: id.map(ExecutionId::as_str) };
    principal.check(Action::Start, place, Narrow::START)?;
    let Some(id) = id else { return Ok(()) };
    // The session has the execution's id where the request names none.
    if let Ok(session) = SessionId::new(id.as_str()) {
        given(&session)?;
    }
    theirs(control, principal, id).await
}

/// The same id may be known in somebody else's stream.
async fn theirs(control: &Control, principal: &Principal, id: &ExecutionId) -> Result<(), Denied> {
    if principal.may(Action::Start, Target { execution: Some(id.as_str()), ..Target::EVERYTHING }) {
        return Ok(());
    }
    match control.own(id).await? {
        Some(known) => target(principal, Action::Start, Target::execution(&known.stream_id, id)),
        None => Ok(()),
    }
}

/// The field of an event to publish that a caller's scopes do not cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uncovered(pub String);

/// Whether somebody may publish events where they say that they are: in each one's stream, node and execution. The answer
/// depends on nothing that is there.
///
/// # Errors
/// The first one that they may not.
pub fn publish(principal: &Principal, events: &[Event]) -> Result<(), Uncovered> {
    let may = |event: &Event| principal.may(Action::Publish, place(event, &event.stream_id));
    match events.iter().position(|event| !may(event)) {
        Some(n) => Err(Uncovered(format!("events[{n}].stream_id"))),
        None => Ok(()),
    }
}

fn place<'e>(event: &'e Event, stream: &'e StreamId) -> Target<'e> {
    Target {
        stream: Some(stream.as_str()),
        node: event.node_id.as_ref().map(NodeId::as_str),
        execution: event.execution_id.as_ref().map(ExecutionId::as_str),
    }
}
