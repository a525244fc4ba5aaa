//! A caller's identity and permissions.

use std::sync::Arc;

use runbus::bus::Filter;
use runbus::time::Timestamp;

use super::action::Action;
use super::narrow::Narrow;
use super::refusal::Refusal;
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

    /// The same with the reason: where the request could name `fields` and would be allowed then, the refusal says which.
    ///
    /// # Errors
    /// None of the scopes does.
    pub fn check(&self, action: Action, target: Target<'_>, fields: Narrow) -> Result<(), Refusal> {
        let missing = self.scopes.iter().filter_map(|scope| scope.lacks(action, target));
        match missing.filter(|missing| missing.is_within(fields)).min_by_key(|missing| missing.count()) {
            Some(missing) if missing.count() == 0 => Ok(()),
            Some(missing) => Err(Refusal::TooBroad(missing)),
            None => Err(Refusal::Forbidden),
        }
    }

    /// Whether one of the scopes allows an action on anything at all.
    #[must_use]
    pub fn may_somewhere(&self, action: Action) -> bool {
        self.scopes.iter().any(|scope| scope.actions().contains(&action))
    }

    /// Whether they may have everything that a filter lets through.
    #[must_use]
    pub fn may_read(&self, filter: &Filter) -> bool {
        self.check_read(filter).is_ok()
    }

    /// The same with the reason.
    ///
    /// # Errors
    /// They may not.
    pub fn check_read(&self, filter: &Filter) -> Result<(), Refusal> {
        self.check(Action::Read, Target::from(filter), Narrow::FILTER)
    }

    /// Whether the credential has ended.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_fields_that_would_be_enough() {
        let says = |scopes: &[&str], target: Target<'_>, fields| {
            let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
            let asked = Principal { scopes, ..Principal::everyone() };
            assert_eq!(asked.check(Action::Read, target, fields).is_ok(), asked.may(Action::Read, target));
            asked.check(Action::Read, target, fields).map_err(|refusal| refusal.to_string())
        };
        let run = Target { execution: Some("run-1"), ..Target::EVERYTHING };
        let filter = Narrow::FILTER;
        assert_eq!(says(&["read:s"], Target { stream: Some("s"), ..run }, filter), Ok(()));
        for (scopes, target, fields, missing) in [
            (&["read:s"][..], run, filter, "stream_id"),
            (&["read:s/n"], run, filter, "stream_id and node_id"),
            (&["read:s/n", "read:t-*"], run, filter, "stream_id"),
            (&["read:s/*/run-*"], Target::EVERYTHING, filter, "stream_id and execution_id"),
            (&["read:s"], Target::EVERYTHING, Narrow::MONITOR, "stream_id"),
        ] {
            let said = says(scopes, target, fields).unwrap_err();
            assert!(said.ends_with(&format!(": add {missing}")), "{scopes:?}: {said}");
        }
        for (scopes, target, fields) in [
            // No value of the missing field makes it theirs.
            (&["read:s/*/run-2"][..], run, filter),
            (&["start:s"], run, filter),
            (&["read:s"], Target { stream: Some("t"), ..run }, filter),
            (&["read:s/n"], Target::EVERYTHING, Narrow::MONITOR),
            (&[], run, filter),
        ] {
            assert_eq!(
                says(scopes, target, fields).unwrap_err(),
                Refusal::Forbidden.to_string(),
                "{scopes:?}"
            );
        }
    }
}
