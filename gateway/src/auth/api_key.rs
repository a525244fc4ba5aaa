//! API keys: random, kept as hashes, compared in constant time.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::{SecureRandom, SystemRandom};
use runbus::config::Secret;
use runbus::time::Timestamp;
use subtle::{Choice, ConstantTimeEq};

use super::config::Config;
use super::principal::{Kind, Principal};

/// The prefix of keys, so that people and scanners recognise them.
pub const PREFIX: &str = "rbk_";

/// SHA-256.
pub type Digest = [u8; 32];

/// A fresh key of 256 random bits.
///
/// # Errors
/// The system has no randomness.
pub fn generate() -> Result<Secret, ring::error::Unspecified> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
}

/// The hash of a key, as configuration holds it.
#[must_use]
pub fn hash(key: &str) -> String {
    digest_of(key).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest_of(key: &str) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, key.as_bytes()).as_ref());
    out
}

/// Reads 64 hex digits.
#[must_use]
pub fn digest_from_hex(text: &str) -> Option<Digest> {
    let mut out = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (n, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * n..2 * n + 2)?, 16).ok()?;
    }
    Some(out)
}

/// The keys that configuration knows.
#[derive(Debug, Default)]
pub struct ApiKeys {
    known: Vec<(Digest, Arc<Principal>)>,
}

impl ApiKeys {
    /// From configuration that was checked.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let known = config.api_keys.iter().filter_map(|(name, key)| {
            let id: Arc<str> = Arc::from(format!("key/{name}"));
            let principal = Principal {
                kind: Kind::ApiKey,
                subject: id.clone(),
                token_id: Some(id),
                parent_id: None,
                scopes: key.scopes.clone(),
                issued_at: Timestamp::from_micros(i64::MIN),
                expires_at: key.expires_at,
            };
            Some((digest_from_hex(&key.sha256)?, Arc::new(principal)))
        });
        Self { known: known.collect() }
    }

    /// The principal of a key. All known keys are compared, each in constant time: the duration reveals nothing.
    #[must_use]
    pub fn find(&self, key: &str) -> Option<Arc<Principal>> {
        let shown = digest_of(key);
        let mut found = None;
        for (known, principal) in &self.known {
            let same: Choice = known.ct_eq(&shown);
            if bool::from(same) {
                found = Some(principal.clone());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::ApiKey;
    use super::*;

    #[test]
    fn only_the_hash_is_kept() {
        let (key, other) = (generate().unwrap(), generate().unwrap());
        assert!(key.reveal().starts_with(PREFIX) && key.reveal().len() == 47 && key != other);
        let entry = ApiKey {
            sha256: hash(&key.reveal()).to_uppercase(),
            scopes: vec!["read".parse().unwrap()],
            expires_at: None,
        };
        let config = Config { api_keys: [("ops".into(), entry)].into(), ..Config::default() };
        let keys = ApiKeys::new(&config);
        assert_eq!(&*keys.find(&key.reveal()).unwrap().subject, "key/ops");
        for wrong in [&*other.reveal(), "", hash(&key.reveal()).as_str(), &key.reveal()[..46]] {
            assert!(keys.find(wrong).is_none());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_hex_or_not(text in "\\PC{0,70}|[0-9a-fA-F]{64}") {
            let read = digest_from_hex(&text);
            proptest::prop_assert_eq!(read.is_some(), text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()));
        }
    }
}
