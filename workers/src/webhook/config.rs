//! The `[webhooks]` section.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use runbus::config::{Invalid, Secret, Validate};
use runbus::event::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sign::Key;
use crate::limits;

/// Where events are sent. Every worker with this section may do it; one at a time does, for each endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The receivers, by name: 1 to 32 characters a-z, 0-9, `_` and `-`. At most 64.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// How long a worker's lease on an endpoint lives without being renewed, in milliseconds. Another worker takes over
    /// twice this time after the owner died, at most. 200 to 600000.
    #[schemars(range(min = 200, max = 600_000))]
    pub lease_ttl_ms: u64,
    /// How often progress is recorded while events are delivered, in milliseconds: a crash may deliver the events of
    /// this time twice. 10 to 600000.
    #[schemars(range(min = 10, max = 600_000))]
    pub checkpoint_ms: u64,
}

/// Where a new endpoint begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// At what happens from now on.
    #[default]
    New,
    /// At the oldest event that is left.
    All,
}

/// One receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoint {
    /// Where events are posted. `https`, but for loopback addresses and with `allow_http`.
    pub url: String,
    /// The key of the signatures: `whsec_` and the base64 of 24 to 64 random bytes.
    pub secret: Secret,
    /// The key before, while it is being replaced: both sign.
    pub previous_secret: Option<Secret>,
    /// Event types; empty: all.
    pub events: Vec<Kind>,
    /// Streams, by patterns in which `*` is any text; empty: all. At most 64.
    #[schemars(length(max = 64))]
    pub streams: Vec<String>,
    /// Where an endpoint begins that was never dispatched before: `new` (what happens from now on) or `all`.
    pub since: Since,
    /// How long one try may take, in milliseconds. 100 to 120000.
    #[schemars(range(min = 100, max = 120_000))]
    pub timeout_ms: u64,
    /// Tries of one event before it is given up, with the first. 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub max_attempts: u32,
    /// The wait before the second try, in milliseconds; it doubles each time, half of it at random. 1 to 3600000.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub retry_min_ms: u64,
    /// The longest wait between two tries, in milliseconds, also when the receiver asks for a longer one. 1 to 86400000.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub retry_max_ms: u64,
    /// Requests at the same time; those of one execution follow each other. 1 to 1000.
    #[schemars(range(min = 1, max = 1000))]
    pub concurrency: usize,
    /// Whether a URL without TLS is taken that is not loopback. Events then travel readable by everybody on the way.
    pub allow_http: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { endpoints: BTreeMap::new(), lease_ttl_ms: 5_000, checkpoint_ms: 2_000 }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: Secret::new(""),
            previous_secret: None,
            events: vec![
                Kind::ExecutionQueued,
                Kind::ExecutionStarted,
                Kind::ExecutionPaused,
                Kind::ExecutionResumed,
                Kind::ExecutionCompleted,
                Kind::ExecutionFailed,
                Kind::ExecutionCancelled,
                Kind::ToolApprovalRequested,
                Kind::ClientInputRequested,
            ],
            streams: Vec::new(),
            since: Since::New,
            timeout_ms: 15_000,
            max_attempts: 12,
            retry_min_ms: 5_000,
            retry_max_ms: 3_600_000,
            concurrency: 16,
            allow_http: false,
        }
    }
}

impl Config {
    /// See [`Config::lease_ttl_ms`].
    #[must_use]
    pub const fn lease_ttl(&self) -> Duration {
        Duration::from_millis(self.lease_ttl_ms)
    }

    /// See [`Config::checkpoint_ms`].
    #[must_use]
    pub const fn checkpoint(&self) -> Duration {
        Duration::from_millis(self.checkpoint_ms)
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        if self.endpoints.len() > limits::WEBHOOK_ENDPOINTS {
            let expected = format!("at most {} endpoints", limits::WEBHOOK_ENDPOINTS);
            return Err(Invalid::new("endpoints", self.endpoints.len(), expected));
        }
        for (name, endpoint) in &self.endpoints {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
            if name.is_empty() || name.len() > limits::WEBHOOK_NAME_BYTES || !name.chars().all(plain) {
                return Err(Invalid::new(
                    "endpoints",
                    name,
                    "a name of 1 to 32 characters a-z, 0-9, _ and -",
                ));
            }
            endpoint.validate().map_err(|invalid| invalid.within(&format!("endpoints.{name}")))?;
        }
        Ok(())
    }
}

impl Validate for Endpoint {
    fn validate(&self) -> Result<(), Invalid> {
        self.address().map_err(|expected| Invalid::new("url", shown(&self.url), expected))?;
        let key = "whsec_ and the base64 of 24 to 64 random bytes";
        if Key::parse(&self.secret.reveal()).is_err() {
            return Err(Invalid::new("secret", "***", key));
        }
        if self.previous_secret.as_ref().is_some_and(|secret| Key::parse(&secret.reveal()).is_err()) {
            return Err(Invalid::new("previous_secret", "***", key));
        }
        if self.retry_min_ms > self.retry_max_ms {
            return Err(Invalid::new("retry_min_ms", self.retry_min_ms, "at most retry_max_ms"));
        }
        if let Some(pattern) = self.streams.iter().find(|pattern| pattern.is_empty()) {
            return Err(Invalid::new("streams", pattern, "patterns that are not empty"));
        }
        Ok(())
    }
}

/// A URL as a refusal shows it: without what may be secret.
fn shown(url: &str) -> &str {
    if url.contains('@') { "***" } else { url }
}

impl Endpoint {
    /// The URL, if events may be sent there; else what would be right.
    pub(super) fn address(&self) -> Result<Url, &'static str> {
        let url = Url::parse(&self.url).map_err(|_no_url| "https://HOST/PATH")?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("a URL without user and password: signatures say who sends");
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if self.allow_http || is_loopback(&url) => Ok(url),
            "http" => Err("https://HOST/PATH, a loopback address, or allow_http = true"),
            _ => Err("https://HOST/PATH"),
        }
    }

    /// The keys that sign, the newest first. Validated before; an invalid key is left out.
    pub(super) fn keys(&self) -> Vec<Key> {
        let secrets = std::iter::once(&self.secret).chain(&self.previous_secret);
        secrets.filter_map(|secret| Key::parse(&secret.reveal()).ok()).collect()
    }
}

/// Whether a URL names this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn refused(change: impl FnOnce(&mut Endpoint)) -> Option<String> {
        let mut endpoint = Endpoint {
            url: "https://example.com/in".into(),
            secret: Secret::new(SECRET),
            ..Endpoint::default()
        };
        change(&mut endpoint);
        let endpoints = BTreeMap::from([("billing".to_owned(), endpoint)]);
        runbus::config::check(&Config { endpoints, ..Config::default() }).err().map(|error| error.to_string())
    }

    #[test]
    fn forbidden_addresses_are_refused() {
        assert_eq!(refused(|_| {}), None);
        for url in ["http://127.0.0.1:9/x", "http://localhost/", "http://[::1]:80/", "http://127.9.9.9/"] {
            assert_eq!(refused(|endpoint| endpoint.url = url.into()), None, "{url}");
        }
        for url in ["", "http://example.com/", "ftp://example.com/", "/path", "http://localhost.example.com/"]
        {
            let error = refused(|endpoint| endpoint.url = url.into()).unwrap();
            assert!(error.starts_with("endpoints.billing.url"), "{error}");
        }
        let insecure = |endpoint: &mut Endpoint| {
            endpoint.url = "http://example.com/".into();
            endpoint.allow_http = true;
        };
        assert_eq!(refused(insecure), None);
        let error = refused(|endpoint| endpoint.url = "https://me:hunter2@example.com/".into()).unwrap();
        assert!(!error.contains("hunter2"), "{error}");
        for secret in ["", "hunter2", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            let error = refused(|endpoint| endpoint.secret = Secret::new(secret)).unwrap();
            assert!(error.contains("secret = ***"), "{error}");
        }
    }

    #[test]
    fn names_are_plain() {
        for name in ["", "a.b", "Ä", "A", &"x".repeat(33)] {
            let endpoints = BTreeMap::from([(name.to_owned(), Endpoint::default())]);
            assert!(Config { endpoints, ..Config::default() }.validate().is_err(), "{name}");
        }
    }
}
