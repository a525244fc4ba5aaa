//! The `[auth]` section: access to the gateway.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use runbus::config::{Invalid, Secret, Validate};
use runbus::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api_key;
use super::scope::Scope;
use crate::limits;

/// Whether callers must say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nobody is asked. Only for loopback, unless `gateway.allow_insecure`.
    #[default]
    None,
    /// Everybody is, except on `/healthz` and `/readyz`.
    Required,
}

/// Access to the gateway, and its limits.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// `none`: authentication is disabled; `required`: every client authenticates.
    pub mode: Mode,
    /// Keys by name: `{ sha256, scopes, expires_at? }`. `runbus auth key` makes one and says what to write here.
    pub api_keys: BTreeMap<String, ApiKey>,
    /// Tokens of another issuer.
    pub jwt: Jwt,
    /// Short-lived tokens that gateways mint (`POST /v1/auth/tokens`).
    pub stream_tokens: StreamTokens,
    /// How much one principal may use. Only with `auth.mode = "required"`.
    pub limits: Limits,
}

/// One API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// SHA-256 of the key, 64 hex digits: `runbus auth hash`.
    pub sha256: String,
    /// The scopes of the key: `actions[:stream[/node[/execution]]]`.
    pub scopes: Vec<Scope>,
    /// When it ends (RFC 3339); absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// How a token may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Algorithm {
    /// HMAC with SHA-256: every holder of the key can check and make tokens.
    HS256,
    /// RSA (PKCS #1) with SHA-256, 2048 to 8192 bits.
    RS256,
    /// Ed25519.
    EdDSA,
}

/// Tokens of another issuer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jwt {
    /// How tokens may be signed: `HS256`, `RS256`, `EdDSA`. Empty: no such tokens.
    pub algorithms: Vec<Algorithm>,
    /// The shared secret of HS256, at least 32 bytes.
    pub hs256_secret: Option<Secret>,
    /// A public key (PEM) for RS256 or EdDSA.
    pub public_key_file: Option<PathBuf>,
    /// Where the issuer's keys are (JWKS). https, or http to loopback.
    pub jwks_url: Option<String>,
    /// A file with the issuer's keys (JWKS); read again like `jwks_url`.
    pub jwks_file: Option<PathBuf>,
    /// Time after which the JWKS is read again, in seconds. 5 to 86400.
    #[schemars(range(min = 5, max = 86_400))]
    pub jwks_ttl_s: u64,
    /// Least time between two reads of the JWKS for tokens whose key is not known, in milliseconds. 100 to 600000.
    #[schemars(range(min = 100, max = 600_000))]
    pub jwks_floor_ms: u64,
    /// The `iss` that tokens must have.
    pub issuer: Option<String>,
    /// The `aud` that tokens must have, or have among theirs.
    pub audience: Option<String>,
    /// How far clocks may differ, in seconds. 0 to 300.
    #[schemars(range(min = 0, max = 300))]
    pub leeway_s: u64,
    /// Longest time from `iat` to `exp`, in seconds; revocations are kept that long. 60 to 31536000.
    #[schemars(range(min = 60, max = 31_536_000))]
    pub max_lifetime_s: u64,
    /// The claim with the scopes: a text with spaces between them, or a list of texts.
    pub scope_claim: String,
}

impl Default for Jwt {
    fn default() -> Self {
        Self {
            algorithms: Vec::new(),
            hs256_secret: None,
            public_key_file: None,
            jwks_url: None,
            jwks_file: None,
            jwks_ttl_s: 300,
            jwks_floor_ms: 10_000,
            issuer: None,
            audience: None,
            leeway_s: 30,
            max_lifetime_s: 86_400,
            scope_claim: "scope".into(),
        }
    }
}

/// Tokens that gateways mint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StreamTokens {
    /// Their longest life, in seconds. 1 to 3600.
    #[schemars(range(min = 1, max = 3600))]
    pub ttl_s: u64,
    /// The secret that signs them (HS256), at least 32 bytes, the same for all gateways. Without it none are minted.
    pub secret: Option<Secret>,
}

impl Default for StreamTokens {
    fn default() -> Self {
        Self { ttl_s: 300, secret: None }
    }
}

/// How much one principal may use of one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at the same time: WebSockets, event streams, requests that wait. 1 to 10000000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_connections: u32,
    /// Messages and requests per second, over all its connections. 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub messages_per_s: u32,
    /// Messages and requests at once, before that rate counts. 1 to 1000000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst_messages: u32,
    /// Bytes that it sends per second, over all its connections; as much again as one large body at once. 1024 to 1073741824.
    #[schemars(range(min = 1024, max = 1_073_741_824))]
    pub inbound_bytes_per_s: u32,
    /// One stream token may use one in so many of its principal's connections, messages, bytes, and slots in shared tables. 1 to
    /// 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub token_share: u32,
    /// Time that a WebSocket may take to show a credential in band, in milliseconds. 50 to 60000.
    #[schemars(range(min = 50, max = 60_000))]
    pub pre_auth_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1000,
            messages_per_s: 200,
            burst_messages: 400,
            inbound_bytes_per_s: 1024 * 1024,
            token_share: 4,
            pre_auth_timeout_ms: 5000,
        }
    }
}

impl Limits {
    /// See [`Limits::pre_auth_timeout_ms`].
    #[must_use]
    pub const fn pre_auth_timeout(&self) -> Duration {
        Duration::from_millis(self.pre_auth_timeout_ms)
    }
}

fn long_enough(key: &str, secret: Option<&Secret>) -> Result<(), Invalid> {
    match secret {
        Some(secret) if secret.reveal().len() < limits::SECRET_MIN_BYTES => {
            Err(Invalid::new(key, "***", "a secret of at least 32 bytes"))
        }
        _ => Ok(()),
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        for (name, key) in &self.api_keys {
            let at = |field: &str| format!("api_keys.{name}.{field}");
            if name.is_empty() || name.len() > limits::KEY_NAME_BYTES || name.chars().any(char::is_control) {
                return Err(Invalid::new(
                    "api_keys",
                    name,
                    "names of 1 to 64 bytes without control characters",
                ));
            }
            if api_key::digest_from_hex(&key.sha256).is_none() {
                return Err(Invalid::new(at("sha256"), "***", "64 hex digits: see `runbus auth hash`"));
            }
            if key.scopes.is_empty() {
                return Err(Invalid::new(at("scopes"), "[]", "at least one scope"));
            }
        }
        self.jwt.validate().map_err(|invalid| invalid.within("jwt"))?;
        long_enough("stream_tokens.secret", self.stream_tokens.secret.as_ref())?;
        if self.mode == Mode::Required && self.api_keys.is_empty() && self.jwt.algorithms.is_empty() {
            let expected =
                "auth.api_keys or auth.jwt.algorithms beside it: without both no client can use the gateway";
            return Err(Invalid::new("mode", "required", expected));
        }
        Ok(())
    }
}

impl Validate for Jwt {
    fn validate(&self) -> Result<(), Invalid> {
        long_enough("hs256_secret", self.hs256_secret.as_ref())?;
        let names = || format!("{:?}", self.algorithms);
        let shared = self.algorithms.contains(&Algorithm::HS256);
        let public = self.algorithms.iter().any(|algorithm| *algorithm != Algorithm::HS256);
        let has_public =
            self.public_key_file.is_some() || self.jwks_url.is_some() || self.jwks_file.is_some();
        if shared != self.hs256_secret.is_some() {
            return Err(Invalid::new("algorithms", names(), "HS256 exactly when hs256_secret is set"));
        }
        if public != has_public {
            let expected = "RS256 or EdDSA exactly when public_key_file, jwks_url or jwks_file is set";
            return Err(Invalid::new("algorithms", names(), expected));
        }
        if self.jwks_url.is_some() && self.jwks_file.is_some() {
            return Err(Invalid::new("jwks_file", "set", "jwks_url or jwks_file, not both"));
        }
        if let Some(url) = &self.jwks_url
            && !is_safe(url)
        {
            return Err(Invalid::new("jwks_url", url, "an https address, or http to loopback"));
        }
        // An issuer's keys sign for others too.
        if has_public && (self.issuer.is_none() || self.audience.is_none()) {
            let expected = "issuer and audience beside the issuer's keys: they sign for others too";
            return Err(Invalid::new("audience", self.audience.as_deref().unwrap_or("not set"), expected));
        }
        Ok(())
    }
}

fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<axum::http::Uri>() else { return false };
    let host = uri.host().unwrap_or("").trim_start_matches('[').trim_end_matches(']');
    let local = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => local,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key(key: ApiKey) -> Config {
        Config { mode: Mode::Required, api_keys: [("ops".into(), key)].into(), ..Config::default() }
    }

    #[test]
    fn contradictions_are_refused() {
        let key = ApiKey { sha256: "ab".repeat(32), scopes: vec!["read".parse().unwrap()], expires_at: None };
        runbus::config::check(&with_key(key.clone())).unwrap();
        runbus::config::check(&Config::default()).unwrap();
        let jwt = |jwt: Jwt| Config { jwt, ..with_key(key.clone()) };
        let hs = Jwt {
            algorithms: vec![Algorithm::HS256],
            hs256_secret: Some(Secret::new("x".repeat(32))),
            ..Jwt::default()
        };
        runbus::config::check(&jwt(hs.clone())).unwrap();
        let jwks = Jwt {
            algorithms: vec![Algorithm::EdDSA],
            jwks_url: Some("https://id.example/keys".into()),
            issuer: Some("https://id.example".into()),
            audience: Some("runbus".into()),
            ..Jwt::default()
        };
        runbus::config::check(&jwt(jwks.clone())).unwrap();
        for wrong in [
            Config { mode: Mode::Required, ..Config::default() },
            with_key(ApiKey { sha256: "ab".into(), ..key.clone() }),
            with_key(ApiKey { scopes: Vec::new(), ..key.clone() }),
            jwt(Jwt { hs256_secret: Some(Secret::new("short")), ..hs.clone() }),
            jwt(Jwt { hs256_secret: None, ..hs.clone() }),
            jwt(Jwt { algorithms: Vec::new(), ..hs.clone() }),
            jwt(Jwt { algorithms: vec![Algorithm::HS256, Algorithm::RS256], ..hs }),
            jwt(Jwt { audience: None, ..jwks.clone() }),
            jwt(Jwt { jwks_url: Some("http://id.example/keys".into()), ..jwks.clone() }),
            jwt(Jwt { jwks_url: Some("file:///keys".into()), ..jwks.clone() }),
            jwt(Jwt { jwks_file: Some("keys".into()), ..jwks.clone() }),
            jwt(Jwt { leeway_s: 301, ..jwks }),
        ] {
            runbus::config::check(&wrong).unwrap_err();
        }
    }
}
