//! Stream tokens: credentials of a caller's page or program for some minutes, minted by a gateway, valid at all of them.

use std::sync::Arc;

use jsonwebtoken::{Algorithm as Alg, EncodingKey, Header};
use runbus::config::Derived;
use runbus::time::Timestamp;
use serde_json::json;

use super::action::Action;
use super::config::{Algorithm, StreamTokens};
use super::crypto;
use super::jwt::{self, Fault, Rules};
use super::keys::Keys;
use super::principal::{Kind, Principal};
use super::refusal::Refusal;
use super::scope::Scope;
use crate::limits;

/// `typ` of their header: keeps them apart from an issuer's tokens, even if both were signed with one secret.
pub const TYPE: &str = "runbus-stream+jwt";

const ISSUER: &str = "runbus";
const SECOND: i64 = 1_000_000;

/// Mints and checks them.
#[derive(Clone)]
pub struct Mint {
    secret: Arc<Derived<Pair>>,
    rules: Rules,
    ttl: i64,
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mint").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

/// The keys of one secret.
#[derive(Clone)]
struct Pair {
    signing: EncodingKey,
    keys: Keys,
}

impl Pair {
    fn new(secret: &str) -> Self {
        let mut keys = Keys::default();
        keys.add(Keys::secret(secret));
        Self { signing: EncodingKey::from_secret(secret.as_bytes()), keys }
    }
}

/// A token with its principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// The token itself.
    pub token: runbus::config::Secret,
    /// Its principal.
    pub principal: Principal,
}

impl Mint {
    /// `None`: configuration has no secret for them.
    #[must_use]
    pub fn new(config: &StreamTokens) -> Option<Self> {
        let long = |text: &str| (text.len() >= limits::SECRET_MIN_BYTES).then(|| Pair::new(text));
        let secret = Arc::new(Derived::new(config.secret.clone()?, long)?);
        let ttl = i64::try_from(config.ttl_s).unwrap_or(i64::MAX).saturating_mul(SECOND);
        let rules = Rules {
            kind: Kind::StreamToken,
            own_type: TYPE,
            algorithms: vec![Algorithm::HS256],
            issuer: Some(ISSUER.into()),
            audience: None,
            // Gateways' clocks may differ; tokens end on time.
            leeway: 30 * SECOND,
            grace: 0,
            max_lifetime: 3600 * SECOND,
            scope_claim: "scope".into(),
        };
        Some(Self { secret, rules, ttl })
    }

    /// Mints one for `caller`, with some of its scopes (absent: its read scopes) and for at most `ttl_s` seconds.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`]: the caller may not do all of that, or has itself only a stream token.
    pub fn mint(
        &self,
        caller: &Principal,
        scopes: Option<Vec<Scope>>,
        ttl_s: Option<u64>,
        now: Timestamp,
    ) -> Result<Minted, Refusal> {
        let scopes = scopes.unwrap_or_else(|| {
            caller.scopes.iter().filter_map(|scope| scope.only(|action| action == Action::Read)).collect()
        });
        let ordinary = scopes.iter().all(|scope| !scope.actions().contains(&Action::Admin));
        let within = scopes.iter().all(|scope| scope.is_within(&caller.scopes));
        if caller.kind == Kind::StreamToken || scopes.is_empty() || !ordinary || !within {
            return Err(Refusal::Forbidden);
        }
        let asked =
            ttl_s.and_then(|ttl| i64::try_from(ttl).ok()).map_or(self.ttl, |ttl| ttl.saturating_mul(SECOND));
        let end = now.micros().saturating_add(asked.min(self.ttl));
        let end = caller.expires_at.map_or(end, |own| own.micros().min(end));
        let principal = Principal {
            kind: Kind::StreamToken,
            subject: caller.subject.clone(),
            token_id: Some(Arc::from(uuid::Uuid::new_v4().to_string())),
            parent_id: caller.token_id.clone(),
            scopes,
            issued_at: now,
            expires_at: Some(Timestamp::from_micros(end)),
        };
        let token = self.sign(&principal).ok_or(Refusal::Unavailable)?;
        Ok(Minted { token, principal })
    }

    fn sign(&self, principal: &Principal) -> Option<runbus::config::Secret> {
        crypto::install();
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this age fit a float's 53 bits")]
        let date = |time: Timestamp| time.micros() as f64 / 1e6;
        let mut claims = json!({
            "iss": ISSUER,
            "sub": principal.subject,
            "jti": principal.token_id,
            "iat": date(principal.issued_at),
            "exp": principal.expires_at.map(date),
            "scope": principal.scopes,
        });
        if let Some(parent) = &principal.parent_id {
            claims["ptk"] = parent.as_ref().into();
        }
        let header = Header { typ: Some(TYPE.into()), ..Header::new(Alg::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.secret.get().signing)
            .ok()
            .map(runbus::config::Secret::new)
    }

    /// Checks one.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Fault> {
        crypto::install();
        jwt::verify(token, &self.secret.get().keys, &self.rules, now)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use runbus::config::Secret;

    use super::*;

    fn mint() -> Mint {
        Mint::new(&StreamTokens { ttl_s: 300, secret: Some(Secret::new("x".repeat(32))) }).unwrap()
    }

    fn caller(scopes: &[&str]) -> Principal {
        let scopes = scopes.iter().map(|scope| scope.parse().unwrap()).collect();
        Principal { kind: Kind::Jwt, scopes, token_id: Some(Arc::from("t1")), ..Principal::everyone() }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros((1_700_000_000 + seconds) * SECOND)
    }

    #[test]
    fn minted_tokens_name_their_purpose() {
        let mint = mint();
        let caller = caller(&["read,start:a-*", "decide"]);
        let minted = mint.mint(&caller, None, None, at(0)).unwrap();
        let found = mint.verify(&minted.token.reveal(), at(1)).unwrap();
        assert_eq!(found, minted.principal);
        assert_eq!(found.scopes, ["read:a-*".parse().unwrap()]);
        assert_eq!(found.parent_id.as_deref(), Some("t1"));
        assert_eq!(mint.verify(&minted.token.reveal(), at(300)), Err(Fault::Expired));
        let ask = |scope: &str, ttl| mint.mint(&caller, Some(vec![scope.parse().unwrap()]), ttl, at(0));
        let short = ask("start:a-b", Some(10)).unwrap().principal;
        assert_eq!(short.expires_at, Some(at(10)));
        assert_eq!(ask("read:a-b", Some(u64::MAX)).unwrap().principal.expires_at, Some(at(300)));
        for wider in ["read:a", "read:*", "cancel:a-b", "admin"] {
            assert_eq!(ask(wider, None), Err(Refusal::Forbidden), "{wider}");
        }
        assert_eq!(mint.mint(&found, None, None, at(0)), Err(Refusal::Forbidden));
    }

    #[test]
    fn one_kind_does_not_stand_in_for_the_other() {
        let mint = mint();
        let minted = mint.mint(&caller(&["read"]), None, None, at(0)).unwrap();
        let rules = Rules { kind: Kind::Jwt, issuer: None, ..mint.rules.clone() };
        assert_eq!(
            jwt::verify(&minted.token.reveal(), &mint.secret.get().keys, &rules, at(1)),
            Err(Fault::Kind)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_refused(text in "\\PC{0,80}|[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}") {
            mint().verify(&text, at(0)).unwrap_err();
        }

        /// Header and claims of every shape, soundly signed: read or refused, never a panic.
        #[test]
        fn any_claims_are_read_or_refused(
            claims in proptest::collection::btree_map(
                prop_oneof![Just("exp"), Just("iat"), Just("nbf"), Just("sub"), Just("scope"), Just("iss"), Just("jti")],
                prop_oneof![
                    Just(json!(null)), Just(json!("runbus")), Just(json!(1.7e9)), Just(json!(-1)), Just(json!(1e300)),
                    Just(json!(1_700_000_100)), Just(json!(["read"])), Just(json!({"a": []})), Just(json!(u64::MAX)),
                ], 0..7),
        ) {
            crypto::install();
            let mint = mint();
            let header = Header { typ: Some(TYPE.into()), ..Header::new(Alg::HS256) };
            let token = jsonwebtoken::encode(&header, &claims, &mint.secret.get().signing).unwrap();
            if let Ok(principal) = mint.verify(&token, at(0)) {
                prop_assert!(principal.expires_at.unwrap() > at(0) && principal.issued_at <= at(0));
            }
        }

        #[test]
        fn a_changed_token_is_refused(at_byte in 0usize..400, bit in 0u8..7) {
            let mint = mint();
            let token = mint.mint(&caller(&["read"]), None, None, at(0)).unwrap().token;
            let mut bytes = token.reveal().as_bytes().to_vec();
            let place = at_byte % bytes.len();
            bytes[place] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                // The last digit of a signature has bits that say nothing: they must be zero.
                prop_assert!(mint.verify(&text, at(1)).is_err());
            }
        }
    }
}
