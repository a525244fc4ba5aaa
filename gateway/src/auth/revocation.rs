//! The revoked rights: a pure set, fed by entries of the log.

use runbus::json;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use runbus::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::principal::Principal;

/// One revocation, as the log holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    /// The revoked right.
    #[serde(flatten)]
    pub what: What,
    /// When it was.
    pub at: Timestamp,
    /// Until when it must be remembered; `None`: for ever.
    pub until: Option<Timestamp>,
    /// The caller that revoked it.
    pub by: Arc<str>,
}

/// A revoked right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "revoke", rename_all = "snake_case")]
pub enum What {
    /// One credential, and the stream tokens that were minted with it.
    Token {
        /// `jti`, or `key/<name>`.
        token_id: Arc<str>,
    },
    /// Everything of somebody that was issued before a time.
    Subject {
        /// The subject.
        subject: Arc<str>,
        /// Tokens with an earlier `iat`.
        issued_before: Timestamp,
    },
}

impl Revocation {
    /// As one line.
    ///
    /// # Errors
    /// It cannot be written as JSON, or no gateway could read it.
    pub fn encode(&self) -> Result<Bytes, json::Error> {
        let line = serde_json::to_vec(self)?;
        Self::decode(&line)?;
        Ok(line.into())
    }

    /// From one line.
    ///
    /// # Errors
    /// It is no revocation.
    pub fn decode(line: &[u8]) -> Result<Self, json::Error> {
        json::from_slice(line)
    }
}

/// Everything that is revoked now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Revoked {
    tokens: HashMap<Arc<str>, Option<Timestamp>>,
    subjects: HashMap<Arc<str>, (Timestamp, Option<Timestamp>)>,
}

/// The later of two ends; `None` is never.
fn later(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    Some(a?.max(b?))
}

impl Revoked {
    /// Adds a revocation; in any order, and twice is once.
    pub fn add(&mut self, revocation: &Revocation) {
        let until = revocation.until;
        match &revocation.what {
            What::Token { token_id } => {
                let known = self.tokens.entry(token_id.clone()).or_insert(until);
                *known = later(*known, until);
            }
            What::Subject { subject, issued_before } => {
                let known = self.subjects.entry(subject.clone()).or_insert((*issued_before, until));
                *known = (known.0.max(*issued_before), later(known.1, until));
            }
        }
    }

    /// Forgets what nobody can show any more.
    pub fn forget(&mut self, now: Timestamp) {
        self.tokens.retain(|_, until| until.is_none_or(|until| until > now));
        self.subjects.retain(|_, (_, until)| until.is_none_or(|until| until > now));
    }

    /// Whether a credential is revoked.
    #[must_use]
    pub fn holds(&self, principal: &Principal) -> bool {
        let ids = [&principal.token_id, &principal.parent_id];
        ids.into_iter().flatten().any(|id| self.tokens.contains_key(id))
            || self.subjects.get(&principal.subject).is_some_and(|(before, _)| principal.issued_at < *before)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tokens.len() + self.subjects.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = Timestamp> {
        (0i64..20).prop_map(Timestamp::from_micros)
    }

    fn revocation() -> impl Strategy<Value = Revocation> {
        let what = prop_oneof![
            "[ab]".prop_map(|id| What::Token { token_id: id.into() }),
            ("[ab]", time())
                .prop_map(|(id, issued_before)| What::Subject { subject: id.into(), issued_before }),
        ];
        (what, time(), proptest::option::of(time())).prop_map(|(what, at, until)| Revocation {
            what,
            at,
            until,
            by: Arc::from("ops"),
        })
    }

    fn principal() -> impl Strategy<Value = Principal> {
        use proptest::option::of;
        ("[abc]", of("[abc]"), of("[abc]"), time()).prop_map(|(subject, id, parent, issued_at)| Principal {
            subject: subject.into(),
            token_id: id.map(Into::into),
            parent_id: parent.map(Into::into),
            issued_at,
            ..Principal::everyone()
        })
    }

    proptest! {
        #[test]
        fn lines_round_trip(revocation in revocation()) {
            prop_assert_eq!(Revocation::decode(&revocation.encode().unwrap()).unwrap(), revocation);
        }

        /// For any order and any repetition, the same rights are revoked: gateways agree.
        #[test]
        fn order_and_repetition_do_not_matter(all in proptest::collection::vec(revocation(), 0..12), again in any::<prop::sample::Index>()) {
            let (mut one, mut two) = (Revoked::default(), Revoked::default());
            all.iter().for_each(|revocation| one.add(revocation));
            all.iter().rev().for_each(|revocation| two.add(revocation));
            if !all.is_empty() {
                two.add(again.get(&all));
            }
            prop_assert_eq!(one, two);
        }

        /// Until its time a revocation counts, alone or among others.
        #[test]
        fn nothing_is_forgotten_too_early(all in proptest::collection::vec(revocation(), 1..12), principal in principal(), now in time()) {
            let mut set = Revoked::default();
            all.iter().for_each(|revocation| set.add(revocation));
            set.forget(now);
            let hit = all.iter().any(|revocation| revocation.until.is_none_or(|until| until > now) && {
                let mut alone = Revoked::default();
                alone.add(revocation);
                alone.holds(&principal)
            });
            prop_assert!(!hit || set.holds(&principal));
        }
    }
}
