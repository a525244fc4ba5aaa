//! The `[redis]` section.

use std::path::PathBuf;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Invalid, Secret, Validate, without_credentials};

/// How the servers form one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One server, or one address that always leads to the primary.
    #[default]
    Single,
    /// Redis Cluster.
    Cluster,
    /// A primary that Sentinel watches and replaces.
    Sentinel,
}

/// The store on Redis or Valkey (7.0 or later); used when `store.backend` is `redis`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How the servers form one store: `single`, `cluster` or `sentinel`.
    pub mode: Mode,
    /// The server: `redis://HOST:PORT/DB`, `rediss://` for TLS, or `unix:///PATH`. Without a password, which has a key of its
    /// own.
    pub url: String,
    /// Several nodes of the cluster, or all sentinels, in place of `url`.
    #[schemars(length(max = 64))]
    pub urls: Vec<String>,
    /// The name under which Sentinel knows the primary. Only with mode `sentinel`.
    pub service: Option<String>,
    /// The user to log in as. Not set: the server's default user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// The user at the sentinels, when they want one.
    pub sentinel_user: Option<String>,
    /// The password at the sentinels, when they want one.
    pub sentinel_password: Option<Secret>,
    /// A PEM file with the certificates that sign the servers', in place of those of the system. Needs `rediss://`. Read again for each
    /// connection.
    pub tls_ca_file: Option<PathBuf>,
    /// A PEM file with the certificate that this process shows to servers. Needs `tls_key_file` and `rediss://`. Read again for each
    /// connection.
    pub tls_cert_file: Option<PathBuf>,
    /// A PEM file with the key of `tls_cert_file`.
    pub tls_key_file: Option<PathBuf>,
    /// The prefix of every key, so that several deployments share one server: ASCII letters, digits, `_`, `-`, `.`.
    #[schemars(length(min = 1, max = 32))]
    pub prefix: String,
    /// Longest time to connect to one server, in milliseconds.
    #[schemars(range(min = 100, max = 60_000))]
    pub connect_timeout_ms: u64,
    /// Longest time to wait for one answer, in milliseconds.
    #[schemars(range(min = 2000, max = 60_000))]
    pub response_timeout_ms: u64,
    /// How long sent bytes may stay unacknowledged before the connection counts as dead, in milliseconds (`TCP_USER_TIMEOUT`,
    /// Linux only).
    #[schemars(range(min = 1000, max = 600_000))]
    pub user_timeout_ms: u64,
    /// How long a connection is idle before it is probed, in seconds (TCP keepalive).
    #[schemars(range(min = 1, max = 3600))]
    pub keepalive_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Single,
            url: "redis://127.0.0.1:6379".into(),
            urls: Vec::new(),
            service: None,
            user: None,
            password: None,
            sentinel_user: None,
            sentinel_password: None,
            tls_ca_file: None,
            tls_cert_file: None,
            tls_key_file: None,
            prefix: "rb".into(),
            connect_timeout_ms: 2000,
            response_timeout_ms: 3000,
            user_timeout_ms: 10_000,
            keepalive_s: 15,
        }
    }
}

impl Config {
    /// The addresses to start from.
    #[must_use]
    pub fn addresses(&self) -> Vec<&str> {
        if self.urls.is_empty() { vec![&self.url] } else { self.urls.iter().map(String::as_str).collect() }
    }

    /// The key that holds them.
    pub(super) const fn address_key(&self) -> &'static str {
        if self.urls.is_empty() { "url" } else { "urls" }
    }

    /// Whether connections use TLS.
    pub(super) fn has_tls(&self) -> bool {
        self.addresses().into_iter().any(|url| url.starts_with("rediss://"))
    }
}

impl Config {
    fn validate_tls(&self, key: &str) -> Result<(), Invalid> {
        if self.tls_cert_file.is_some() != self.tls_key_file.is_some() {
            return Err(Invalid::new("tls_key_file", "", "tls_cert_file and tls_key_file, or neither"));
        }
        let has_files = self.tls_ca_file.is_some() || self.tls_cert_file.is_some();
        match self.addresses().into_iter().find(|url| !url.starts_with("rediss://")) {
            Some(plain) if has_files => Err(Invalid::new(
                key,
                without_credentials(plain),
                "rediss:// beside tls_ca_file and tls_cert_file",
            )),
            _ => Ok(()),
        }
    }
}

/// Reads an address. The refusal never shows a password.
pub(super) fn parse(key: &str, url: &str) -> Result<ConnectionInfo, Invalid> {
    let shown = match url.rsplit_once('@') {
        Some((_, host)) => format!("...@{host}"),
        None => url.to_owned(),
    };
    let refused = |expected: &str| Invalid::new(key, &shown, expected);
    let info = url
        .into_connection_info()
        .map_err(|_url| refused("redis://HOST:PORT/DB, rediss://HOST:PORT/DB or unix:///PATH"))?;
    if info.redis_settings().password().is_some() || info.redis_settings().username().is_some() {
        return Err(refused("no user and password here; they have keys of their own"));
    }
    Ok(info)
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        let key = self.address_key();
        for url in self.addresses() {
            let info = parse(key, url)?;
            let several = self.mode != Mode::Single;
            if several && matches!(info.addr(), ConnectionAddr::Unix(_)) {
                return Err(Invalid::new(key, url, "a TCP address, as the mode is not `single`"));
            }
            if self.mode == Mode::Cluster && info.redis_settings().db() != 0 {
                return Err(Invalid::new(key, url, "no database number: a cluster has only database 0"));
            }
        }
        self.validate_tls(key)?;
        if self.mode == Mode::Single && !self.urls.is_empty() {
            return Err(Invalid::new(
                "urls",
                self.urls.join(","),
                "nothing, as the mode is `single`: set url",
            ));
        }
        match (&self.service, self.mode) {
            (None, Mode::Sentinel) => {
                return Err(Invalid::new("service", "", "the primary's name, as the mode is `sentinel`"));
            }
            (Some(name), Mode::Single | Mode::Cluster) => {
                return Err(Invalid::new("service", name, "nothing, as the mode is not `sentinel`"));
            }
            _ => {}
        }
        if self.user.is_some() && self.password.is_none() {
            return Err(Invalid::new("password", "", "a password beside the user"));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        if self.prefix.is_empty() || !self.prefix.chars().all(plain) {
            return Err(Invalid::new("prefix", &self.prefix, "ASCII letters, digits, `_`, `-`, `.`"));
        }
        Ok(())
    }
}
