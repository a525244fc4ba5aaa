//! The permission that an endpoint requires.

use super::action::Action;

/// The permission that an endpoint requires, checked before its handler sees the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing.
    Open,
    /// A credential, now or in band.
    Later,
    /// A credential, or the handler says in its own words that there is none.
    Foreign,
    /// A credential; the handler asks for the action (if any) on the target of the request.
    Handler(Option<Action>),
    /// An action on the execution in the path.
    Execution(Action),
    /// An action on the session in the path.
    Session(Action),
    /// An action on the target of the approval or question in the path.
    Request(Action),
    /// An action on everything.
    Everything(Action),
}

impl Rule {
    /// The parameters of the query that hold a credential, where the server had one that an endpoint stands in for.
    #[must_use]
    pub const fn foreign(self) -> &'static [&'static str] {
        if matches!(self, Self::Foreign) { &["api_key", "token"] } else { &[] }
    }
}
