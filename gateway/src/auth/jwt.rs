//! Checking a token: a pure function of the token, the keys, the rules and the time.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm as Alg, Header, Validation};
use runbus::json;
use runbus::time::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::config::{self, Algorithm};
use super::keys::Keys;
use super::principal::{Kind, Principal};
use super::scope::Scope;
use crate::limits;

/// The fault of a token. For the log only: callers learn that a valid one is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is no token, or a part of it cannot be read.
    #[error("is no token")]
    Malformed,
    /// It is of another kind: one must not stand in for the other.
    #[error("is a token of another kind")]
    Kind,
    /// It is signed in a way that configuration does not allow.
    #[error("has an algorithm that is not allowed")]
    Algorithm,
    /// No key fits; perhaps the issuer has a new one.
    #[error("names a key that is not known")]
    UnknownKey,
    /// The signature is wrong.
    #[error("has a wrong signature")]
    Signature,
    /// It has ended.
    #[error("has expired")]
    Expired,
    /// It does not count yet.
    #[error("is not valid yet")]
    Early,
    /// It lives longer than `max_lifetime_s`.
    #[error("has a lifetime above the limit")]
    Lifetime,
    /// A claim is missing or another one is wanted.
    #[error("has no or a wrong {0}")]
    Claim(&'static str),
}

/// The required claims of tokens.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Whether it is a gateway's own token.
    pub kind: Kind,
    /// `typ` of the header that gateways' own tokens have, and no others may.
    pub own_type: &'static str,
    /// How they may be signed.
    pub algorithms: Vec<Algorithm>,
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`.
    pub audience: Option<String>,
    /// How far the issuer's clock may be ahead, in microseconds.
    pub leeway: i64,
    /// How long a token counts after its end, in microseconds.
    pub grace: i64,
    /// Longest time from `iat` to `exp`, in microseconds.
    pub max_lifetime: i64,
    /// The claim with the scopes.
    pub scope_claim: String,
}

const SECOND: i64 = 1_000_000;

fn micros(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(SECOND)
}

impl Rules {
    /// For tokens of somebody else's.
    #[must_use]
    pub fn foreign(config: &config::Jwt) -> Self {
        Self {
            kind: Kind::Jwt,
            own_type: super::stream_token::TYPE,
            algorithms: config.algorithms.clone(),
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            leeway: micros(config.leeway_s),
            grace: micros(config.leeway_s),
            max_lifetime: micros(config.max_lifetime_s),
            scope_claim: config.scope_claim.clone(),
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    #[serde(flatten)]
    all: Map<String, Value>,
}

/// A point in time in a claim (RFC 7519 `NumericDate`: seconds, perhaps with a fraction).
fn date(claims: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, Fault> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds)).ok_or(Fault::Claim(name))?;
    #[expect(clippy::cast_possible_truncation, reason = "the range was just checked")]
    Ok(Some((seconds * 1e6) as i64))
}

fn text(claims: &Map<String, Value>, name: &'static str) -> Result<Option<Arc<str>>, Fault> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= limits::CLAIM_BYTES => {
            Ok(Some(Arc::from(text.as_str())))
        }
        Some(_) => Err(Fault::Claim(name)),
    }
}

/// The header, if it asks for nothing that is not understood.
///
/// # Errors
/// It cannot be read.
pub fn header(token: &str) -> Result<Header, Fault> {
    readable(token)?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| Fault::Malformed)?;
    let plain = header.crit.is_none() && header.zip.is_none() && header.enc.is_none();
    if plain { Ok(header) } else { Err(Fault::Malformed) }
}

/// Whether a parser may see the header and the claims: `jsonwebtoken` parses both by itself.
fn readable(token: &str) -> Result<(), Fault> {
    token.split('.').take(2).try_for_each(|part| {
        let text = URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)?;
        json::scan::check_within(&text, runbus::limits::EDGE_DEPTH).map_err(|_| Fault::Malformed)
    })
}

const fn allowed(alg: Alg) -> Option<Algorithm> {
    match alg {
        Alg::HS256 => Some(Algorithm::HS256),
        Alg::RS256 => Some(Algorithm::RS256),
        Alg::EdDSA => Some(Algorithm::EdDSA),
        _ => None,
    }
}

/// Checks a token.
///
/// # Errors
/// See [`Fault`].
pub fn verify(token: &str, keys: &Keys, rules: &Rules, now: Timestamp) -> Result<Principal, Fault> {
    let header = header(token)?;
    let own = header.typ.as_deref() == Some(rules.own_type);
    if own != (rules.kind == Kind::StreamToken) {
        return Err(Fault::Kind);
    }
    let algorithm =
        allowed(header.alg).filter(|found| rules.algorithms.contains(found)).ok_or(Fault::Algorithm)?;
    let mut validation = Validation::new(header.alg);
    // Times, issuer and audience are checked below, by our clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let mut fault = Fault::UnknownKey;
    for key in keys.candidates(header.kid.as_deref(), algorithm) {
        match jsonwebtoken::decode::<Claims>(token, &key.key, &validation) {
            Ok(data) => return accept(&data.claims.all, rules, now),
            Err(error) => {
                fault = match error.kind() {
                    jsonwebtoken::errors::ErrorKind::InvalidSignature => Fault::Signature,
                    _ => Fault::Malformed,
                };
            }
        }
    }
    Err(fault)
}

fn accept(claims: &Map<String, Value>, rules: &Rules, now: Timestamp) -> Result<Principal, Fault> {
    let now = now.micros();
    let expires = date(claims, "exp")?.ok_or(Fault::Claim("exp"))?;
    let issued = date(claims, "iat")?.ok_or(Fault::Claim("iat"))?;
    if expires.saturating_add(rules.grace) <= now {
        return Err(Fault::Expired);
    }
    let from = date(claims, "nbf")?.unwrap_or(issued).max(issued);
    if from > now.saturating_add(rules.leeway) {
        return Err(Fault::Early);
    }
    if expires.saturating_sub(issued) > rules.max_lifetime {
        return Err(Fault::Lifetime);
    }
    if let Some(issuer) = &rules.issuer
        && text(claims, "iss")?.as_deref() != Some(issuer)
    {
        return Err(Fault::Claim("iss"));
    }
    if let Some(audience) = &rules.audience {
        let named = match claims.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        };
        if !named {
            return Err(Fault::Claim("aud"));
        }
    }
    let end = expires.saturating_add(rules.grace);
    Ok(Principal {
        kind: rules.kind,
        subject: text(claims, "sub")?.ok_or(Fault::Claim("sub"))?,
        token_id: text(claims, "jti")?,
        parent_id: if rules.kind == Kind::StreamToken { text(claims, "ptk")? } else { None },
        scopes: scopes(claims.get(&rules.scope_claim))?,
        issued_at: Timestamp::from_micros(issued),
        expires_at: Some(Timestamp::from_micros(end)),
    })
}

/// Other scopes are left out: issuers put scopes of other services into the same claim.
fn scopes(claim: Option<&Value>) -> Result<Vec<Scope>, Fault> {
    let texts: Vec<&str> = match claim {
        None => Vec::new(),
        Some(Value::String(text)) => text.split(' ').collect(),
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(Fault::Claim("scope")),
    };
    let scopes: Vec<Scope> = texts.into_iter().filter_map(|text| text.parse().ok()).collect();
    if scopes.len() > limits::TOKEN_SCOPES { Err(Fault::Claim("scope")) } else { Ok(scopes) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    fn rules() -> Rules {
        Rules::foreign(&config::Jwt { algorithms: vec![Algorithm::HS256], ..config::Jwt::default() })
    }

    fn refused(token: &str) -> Fault {
        verify(token, &Keys::default(), &rules(), Timestamp::from_micros(0)).unwrap_err()
    }

    #[test]
    fn no_parser_sees_a_hostile_header_or_hostile_claims() {
        let head = part(r#"{"alg":"HS256"}"#);
        let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        for hostile in [
            r#"{"alg":"HS256","x":{"$serde_json::private::RawValue":"[[1]]"}}"#.to_owned(),
            r#"{"alg":"HS256","x":{"$serde_json::private::Number":"1"}}"#.to_owned(),
            r#"{"alg":"HS256","x":{"\u0024serde_json::private::RawValue":"[[1]]"}}"#.to_owned(),
            deep(runbus::limits::EDGE_DEPTH + 1),
            deep(100_000),
        ] {
            let hostile = part(&hostile);
            for token in [format!("{hostile}.e30.c2ln"), format!("{head}.{hostile}.c2ln")] {
                assert_eq!(readable(&token), Err(Fault::Malformed));
                assert_eq!(refused(&token), Fault::Malformed);
            }
        }
        assert_eq!(refused(&format!("{head}.e30.c2ln")), Fault::UnknownKey);
    }

    proptest! {
        #[test]
        fn any_text_is_a_token_or_a_refusal(token in ".*", head in ".*", claims in ".*", times in any::<[f64; 3]>()) {
            refused(&token);
            refused(&format!("{}.{}.c2ln", part(&head), part(&claims)));
            let [exp, iat, nbf] = times;
            let claims = serde_json::json!({ "exp": exp, "iat": iat, "nbf": nbf, "sub": head, "scope": [claims] });
            let _any = accept(claims.as_object().unwrap(), &rules(), Timestamp::from_micros(0));
        }
    }
}
