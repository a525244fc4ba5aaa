//! What an endpoint asks of a caller.

use super::action::Action;

/// What an endpoint asks of a caller, before its handler sees the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing.
    Open,
    /// A credential, now or in band.
    Later,
    /// A credential; the handler asks for the action (if any) on what the request is about.
    Handler(Option<Action>),
    /// An action on the execution in the path.
    Execution(Action),
    /// An action on the session in the path.
    Session(Action),
    /// An action on what the approval or question in the path is about.
    Request(Action),
    /// An action on everything.
    Everything(Action),
}
