//! Signatures as [Standard Webhooks](https://www.standardwebhooks.com/) says: HMAC-SHA256 over id, time and body.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use runbus::time::Timestamp;

/// The prefix of a secret.
const PREFIX: &str = "whsec_";
/// The prefix of a signature of this kind.
const VERSION: &str = "v1,";
/// Fewest and most bytes of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Most signatures that one header is searched for.
const SIGNATURES: usize = 16;

/// A key that signs. `Debug` does not show it.
#[derive(Clone)]
pub struct Key(hmac::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// The signature headers of a request: `webhook-id`, `webhook-timestamp` and `webhook-signature`.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    /// `webhook-id`: the event's id; the same for every try.
    pub id: &'a str,
    /// `webhook-timestamp`: when it was sent, in seconds since 1970.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more, separated by spaces.
    pub signature: &'a str,
}

/// Why a request's signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The secret is no `whsec_` text.
    #[error("the secret must be whsec_ and the base64 of 24 to 64 bytes")]
    Secret,
    /// The time is no number.
    #[error("webhook-timestamp is no number of seconds")]
    Timestamp,
    /// It was sent too long ago: perhaps somebody sends it again.
    #[error("webhook-timestamp is too old")]
    TooOld,
    /// It was sent in the future.
    #[error("webhook-timestamp is too new")]
    TooNew,
    /// No signature is right: another key, or something was changed.
    #[error("no signature of webhook-signature is right")]
    Signature,
}

impl Key {
    /// Reads a secret.
    ///
    /// # Errors
    /// [`Refused::Secret`].
    pub fn parse(secret: &str) -> Result<Self, Refused> {
        let text = secret.strip_prefix(PREFIX).ok_or(Refused::Secret)?;
        let bytes = STANDARD.decode(text).map_err(|_not_base64| Refused::Secret)?;
        if !KEY_BYTES.contains(&bytes.len()) {
            return Err(Refused::Secret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }
}

/// The signed content: `<id>.<timestamp>.<body>`.
fn signed(id: &str, timestamp: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

/// The value of `webhook-signature`: one signature for each key. `timestamp` is in seconds since 1970.
#[must_use]
pub fn sign(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    let content = signed(id, &timestamp.to_string(), body);
    let one = |key: &Key| format!("{VERSION}{}", STANDARD.encode(hmac::sign(&key.0, &content)));
    keys.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Whether a request comes from somebody who has the secret, unchanged, and was sent not longer than `tolerance` before
/// (or after) `now`. Takes the same time wherever a wrong signature differs. `body` is the body's bytes as they came.
///
/// A receiver that must not act twice also remembers `webhook-id`: deliveries are at least once.
///
/// # Errors
/// See [`Refused`].
pub fn verify(
    secret: &str,
    headers: Headers<'_>,
    body: &[u8],
    tolerance: Duration,
    now: Timestamp,
) -> Result<(), Refused> {
    let key = Key::parse(secret)?;
    let sent: i64 = headers.timestamp.parse().map_err(|_no_number| Refused::Timestamp)?;
    let age = now.micros().div_euclid(1_000_000).saturating_sub(sent);
    let tolerance = i64::try_from(tolerance.as_secs()).unwrap_or(i64::MAX);
    if age > tolerance {
        return Err(Refused::TooOld);
    }
    if age < -tolerance {
        return Err(Refused::TooNew);
    }
    let content = signed(headers.id, headers.timestamp, body);
    let is_right = |text: &str| {
        let found = text.strip_prefix(VERSION).and_then(|text| STANDARD.decode(text).ok());
        found.is_some_and(|found| hmac::verify(&key.0, &content, &found).is_ok())
    };
    if headers.signature.split(' ').take(SIGNATURES).any(is_right) { Ok(()) } else { Err(Refused::Signature) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // The vector that the reference implementations of Standard Webhooks test themselves with.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SENT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const OTHER: &str = "whsec_c29tZSBvdGhlciAyNC1ieXRlIGtleSB4eA==";

    fn check(signature: &str, body: &[u8], seconds_later: i64) -> Result<(), Refused> {
        let headers = Headers { id: ID, timestamp: &SENT.to_string(), signature };
        let now = Timestamp::from_micros((SENT + seconds_later) * 1_000_000);
        verify(SECRET, headers, body, Duration::from_secs(300), now)
    }

    #[test]
    fn the_published_vector_is_met() {
        assert_eq!(sign(&[Key::parse(SECRET).unwrap()], ID, SENT, BODY), SIGNATURE);
        assert_eq!(check(SIGNATURE, BODY, 0), Ok(()));
    }

    #[test]
    fn a_different_signature_is_refused() {
        assert_eq!(check(SIGNATURE, br#"{"test": 2432232315}"#, 0), Err(Refused::Signature));
        assert_eq!(check(SIGNATURE, BODY, 300), Ok(()));
        assert_eq!(check(SIGNATURE, BODY, 301), Err(Refused::TooOld));
        assert_eq!(check(SIGNATURE, BODY, -301), Err(Refused::TooNew));
        for signature in
            ["", "v1,", "v1", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,AAAA", "v1a,x y"]
        {
            assert_eq!(check(signature, BODY, 0), Err(Refused::Signature), "{signature}");
        }
        let other_id = Headers { id: "x", timestamp: "1614265330", signature: SIGNATURE };
        let now = Timestamp::from_micros(SENT * 1_000_000);
        assert_eq!(verify(SECRET, other_id, BODY, Duration::ZERO, now), Err(Refused::Signature));
        let no_time = Headers { timestamp: "soon", ..other_id };
        assert_eq!(verify(SECRET, no_time, BODY, Duration::ZERO, now), Err(Refused::Timestamp));
        assert_eq!(verify("hunter2", no_time, BODY, Duration::ZERO, now), Err(Refused::Secret));
        let extreme = Headers { timestamp: &i64::MIN.to_string(), ..other_id };
        assert_eq!(verify(SECRET, extreme, BODY, Duration::MAX, now), Err(Refused::Signature));
    }

    #[test]
    fn while_a_secret_is_replaced_both_are_right() {
        let keys = [Key::parse(OTHER).unwrap(), Key::parse(SECRET).unwrap()];
        let both = sign(&keys, ID, SENT, BODY);
        assert_eq!(both.split(' ').count(), 2);
        assert_eq!(check(&both, BODY, 0), Ok(()));
        assert_eq!(check(&sign(&keys[..1], ID, SENT, BODY), BODY, 0), Err(Refused::Signature));
    }

    proptest! {
        #[test]
        fn a_signature_verifies(
            key in proptest::collection::vec(any::<u8>(), 24..=64),
            id in "[a-z0-9-]{1,40}",
            sent in 0..4_000_000_000_i64,
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let secret = format!("whsec_{}", STANDARD.encode(key));
            let signature = sign(&[Key::parse(&secret).unwrap()], &id, sent, &body);
            let timestamp = sent.to_string();
            let headers = Headers { id: &id, timestamp: &timestamp, signature: &signature };
            let now = Timestamp::from_micros(sent * 1_000_000);
            prop_assert_eq!(verify(&secret, headers, &body, Duration::from_secs(1), now), Ok(()));
        }

        #[test]
        fn any_header_gives_an_answer(timestamp in "\\PC{0,30}", signature in "(v1,|\\PC){0,30}") {
            let headers = Headers { id: ID, timestamp: &timestamp, signature: &signature };
            let now = Timestamp::from_micros(0);
            prop_assert!(verify(SECRET, headers, BODY, Duration::MAX, now).is_err());
        }
    }
}
