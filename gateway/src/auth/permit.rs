//! What commands ask of whoever gives them, whichever way they come in.

use runbus::control::{self, Control, StartRequest};
use runbus::id::{ExecutionId, SessionId, StreamId};

use super::action::Action;
use super::principal::Principal;
use super::refusal::Refusal;
use super::revocations;
use super::scope::Target;

/// Why a command is not followed.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// Its caller may not give it.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The session's id is like one of the gateway's own.
    #[error("session ids do not begin with {:?}", revocations::RESERVED)]
    Reserved,
    /// Whether they may cannot be told now.
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
///
/// # Errors
/// It may not.
pub fn session(id: Option<&SessionId>) -> Result<(), Denied> {
    match id {
        Some(id) if id.as_str().starts_with(revocations::RESERVED) => Err(Denied::Reserved),
        _ => Ok(()),
    }
}

/// Whether somebody may do something to an execution. Who may not do it to every execution of this id is not told whether
/// there is one.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn execution(
    control: &Control,
    principal: &Principal,
    action: Action,
    id: &ExecutionId,
) -> Result<(), Denied> {
    if principal.may(action, Target { execution: Some(id.as_str()), ..Target::EVERYTHING }) {
        return Ok(());
    }
    match control.status(id).await? {
        Some(known) => target(principal, action, Target::execution(&known.stream_id, id)),
        None => Err(Refusal::Forbidden.into()),
    }
}

/// Whether somebody may start this. Sessions are named in scopes like executions: one that is left out has the
/// execution's id.
///
/// # Errors
/// They may not, or the log does not answer.
pub async fn start(control: &Control, principal: &Principal, request: &StartRequest) -> Result<(), Denied> {
    session(request.session_id.as_ref())?;
    let stream = Some(request.stream_id.as_ref().map_or(request.definition.as_str(), StreamId::as_str));
    let on = |execution| Target { stream, node: None, execution };
    let id = request.execution_id.as_ref();
    target(principal, Action::Start, on(id.map(ExecutionId::as_str)))?;
    if let Some(session) = &request.session_id {
        target(principal, Action::Start, on(Some(session.as_str())))?;
    }
    // The same id may be known in somebody else's stream.
    if let Some(id) = id
        && !principal.may(Action::Start, Target { execution: Some(id.as_str()), ..Target::EVERYTHING })
        && let Some(known) = control.status(id).await?
    {
        target(principal, Action::Start, Target::execution(&known.stream_id, id))?;
    }
    Ok(())
}
