//! A caller's identity and permissions.

use std::sync::Arc;

use runbus::bus::Filter;
use runbus::time::Timestamp;

use super::action::Action;
use super::scope::{Scope, Target};

/// The kind of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// None: this gateway asks nobody (`auth.mode = "none"`).
    Everyone,
    /// A key of `auth.api_keys`.
    ApiKey,
    /// A token of somebody else's.
    Jwt,
    /// A token that a gateway minted.
    StreamToken,
}

/// A caller, as their credential says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The kind of the credential.
    pub kind: Kind,
    /// The subject: `sub` of a token, `key/<name>` for a key.
    pub subject: Arc<str>,
    /// The credential's id for revocation: `jti` of a token, `key/<name>` for a key.
    pub token_id: Option<Arc<str>>,
    /// The same of the credential that a stream token was minted with.
    pub parent_id: Option<Arc<str>>,
    /// The permissions.
    pub scopes: Vec<Scope>,
    /// When the credential was issued; keys: at the beginning of time.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl Principal {
    /// Everybody, where nobody is asked.
    #[must_use]
    pub fn everyone() -> Self {
        Self {
            kind: Kind::Everyone,
            subject: Arc::from("everyone"),
            token_id: None,
            parent_id: None,
            scopes: vec![Scope::everywhere(Action::ALL)],
            issued_at: Timestamp::default(),
            expires_at: None,
        }
    }

    /// The name for records; `None` where authentication is disabled.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        (self.kind != Kind::Everyone).then(|| self.subject.to_string())
    }

    /// Whether one of the scopes allows an action on all of `target`.
    #[must_use]
    pub fn may(&self, action: Action, target: Target<'_>) -> bool {
        self.scopes.iter().any(|scope| scope.covers(action, target))
    }

    /// Whether one of the scopes allows an action on anything at all.
    #[must_use]
    pub fn may_somewhere(&self, action: Action) -> bool {
        self.scopes.iter().any(|scope| scope.actions().contains(&action))
    }

    /// Whether they may have everything that a filter lets through.
    #[must_use]
    pub fn may_read(&self, filter: &Filter) -> bool {
        self.may(Action::Read, Target::from(filter))
    }

    /// Whether the credential has ended.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}
