//! The keys that tokens are checked with. Each is for one algorithm: a token never decides how its key is used.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::config::Algorithm;
use crate::limits;

/// One key.
#[derive(Debug, Clone)]
pub struct Key {
    /// Its name in a key set; `None`: the one that configuration names.
    pub id: Option<String>,
    /// The algorithm of the key.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
}

/// Keys, at most [`limits::JWKS_KEYS`] of a key set.
#[derive(Debug, Clone, Default)]
pub struct Keys(Vec<Key>);

impl FromIterator<Key> for Keys {
    fn from_iter<T: IntoIterator<Item = Key>>(keys: T) -> Self {
        Self(keys.into_iter().collect())
    }
}

/// Why something is no key, or no key set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Adds a key.
    pub fn add(&mut self, key: Key) {
        self.0.push(key);
    }

    /// The shared secret of HS256.
    #[must_use]
    pub fn secret(secret: &str) -> Key {
        Key { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.as_bytes()) }
    }

    /// A public key in PEM.
    ///
    /// # Errors
    /// It is no RSA or Ed25519 public key.
    pub fn public(pem: &[u8]) -> Result<Key, Invalid> {
        let rsa = DecodingKey::from_rsa_pem(pem).map(|key| (Algorithm::RS256, key));
        let found = rsa.or_else(|_| DecodingKey::from_ed_pem(pem).map(|key| (Algorithm::EdDSA, key)));
        let (algorithm, key) = found.map_err(|_| Invalid("is no public RSA or Ed25519 key in PEM".into()))?;
        Ok(Key { id: None, algorithm, key })
    }

    /// The keys of a key set (RFC 7517) that may check signatures of `allowed` algorithms. Others are left out: sets hold
    /// what is meant for others.
    ///
    /// # Errors
    /// It is no key set, or too large.
    pub fn set(json: &[u8], allowed: &[Algorithm]) -> Result<Self, Invalid> {
        let set: Set = runbus::json::from_slice(json).map_err(|error| Invalid(error.to_string()))?;
        if set.keys.len() > limits::JWKS_KEYS {
            return Err(Invalid(format!("has more than {} keys", limits::JWKS_KEYS)));
        }
        let keys = set.keys.into_iter().filter_map(|value| read(value, allowed));
        Ok(Self(keys.collect()))
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys that a token with this header may be checked with.
    pub fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        let fits = move |key: &&Key| key.algorithm == algorithm;
        // A token that names no key may be checked with the only one that there is.
        let named = self.0.iter().filter(fits).filter(|key| key.id.is_some()).count();
        self.0.iter().filter(fits).filter(move |key| match (&key.id, id) {
            (None, _) => true,
            (Some(own), Some(id)) => own == id,
            (Some(_), None) => named == 1,
        })
    }
}

fn read(value: Value, allowed: &[Algorithm]) -> Option<Key> {
    let jwk: Jwk = runbus::json::from_value(value).ok()?;
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let stated = jwk.common.key_algorithm;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) if stated.is_none_or(|stated| stated == KeyAlgorithm::RS256) => {
            Algorithm::RS256
        }
        AlgorithmParameters::OctetKeyPair(pair)
            if pair.curve == EllipticCurve::Ed25519
                && stated.is_none_or(|stated| stated == KeyAlgorithm::EdDSA) =>
        {
            Algorithm::EdDSA
        }
        // A shared secret in a public set is nobody's secret.
        _ => return None,
    };
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let sound = matches!(
        (algorithm, key.family()),
        (Algorithm::RS256, AlgorithmFamily::Rsa) | (Algorithm::EdDSA, AlgorithmFamily::Ed)
    );
    let id = Some(jwk.common.key_id.unwrap_or_default());
    (sound && allowed.contains(&algorithm)).then_some(Key { id, algorithm, key })
}
