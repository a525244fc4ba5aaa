//! The `[nats]` section.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Invalid, Secret, Validate};
use crate::subject::{Layout, LayoutError};

/// Into how many shards each lane is split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Shards {
    /// One generation.
    Count(u16),
    /// Several generations, oldest first: new ids go to the last one, older ones drain by retention.
    Generations(Vec<u16>),
}

/// Log and queue on NATS JetStream (2.11 or later); used when `log.backend` is `nats`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Servers of one cluster: `nats://HOST:PORT`, or `tls://HOST:PORT`; 1 to 64. Without a password, which has a key of its
    /// own.
    #[schemars(length(min = 1, max = 64))]
    pub servers: Vec<String>,
    /// The user to log in as. Not set: no login, or `token`, or `credentials_file`.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Secret>,
    /// A token in place of user and password.
    pub token: Option<Secret>,
    /// A `.creds` file (JWT and seed) in place of user and password. Read again for each connection.
    pub credentials_file: Option<PathBuf>,
    /// A file with the user's password, in place of `password`. Read again for each connection, without the white space around it.
    pub password_file: Option<PathBuf>,
    /// A file with a token, in place of `token`. Read again for each connection.
    pub token_file: Option<PathBuf>,
    /// A file with the seed of an NKey (`SU...`) in place of user and password. Read again for each connection.
    pub nkey_file: Option<PathBuf>,
    /// First tokens of the subjects on which answers arrive, without wildcards: 1 to 64 characters. Users with different prefixes
    /// cannot read each other's answers.
    #[schemars(length(min = 1, max = 64))]
    pub inbox_prefix: String,
    /// Whether to refuse servers without TLS.
    pub tls: bool,
    /// A PEM file with the certificates that sign the servers', in place of those of the system. Implies `tls`. Read again for each
    /// connection.
    pub tls_ca_file: Option<PathBuf>,
    /// A PEM file with the certificate that this process shows to servers. Needs `tls_key_file`; implies `tls`. Read again for each
    /// connection.
    pub tls_cert_file: Option<PathBuf>,
    /// A PEM file with the key of `tls_cert_file`.
    pub tls_key_file: Option<PathBuf>,
    /// The JetStream domain whose streams are used, when it is not the server's own: 1 to 64 characters without dots, spaces and
    /// wildcards.
    #[schemars(length(min = 1, max = 64))]
    pub domain: Option<String>,
    /// First tokens of the JetStream API, where an account imports it under another name than `$JS.API`: 1 to 64 characters without
    /// spaces and wildcards. In place of `domain`.
    #[schemars(length(min = 1, max = 64))]
    pub api_prefix: Option<String>,
    /// First token of every subject and, in upper case, of every stream's name, so that several deployments share one NATS:
    /// 1 to 32 characters a-z, 0-9, `_`, `-`.
    #[schemars(length(min = 1, max = 32))]
    pub prefix: String,
    /// Servers that keep each stream: 1, 3 or 5.
    #[schemars(range(min = 1, max = 5))]
    pub replicas: u8,
    /// Streams into which events, journals and inboxes are split each: a number, or one number for each generation, oldest
    /// first; 1 to 256 over all. A number that is in use never changes: to grow, add a generation.
    pub shards: Shards,
    /// Events older than this many hours are removed; without it they stay. Journals and inboxes always stay.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_age_hours: Option<u32>,
    /// The oldest events of a shard are removed when it holds more than this many MiB; without it they stay. Journals and
    /// inboxes always stay.
    #[schemars(range(min = 16, max = 1_000_000_000))]
    pub max_bytes_mib: Option<u64>,
    /// Size limit of each stream of journals, inboxes and jobs, in MiB; a full stream refuses appends until the limit is raised.
    /// Without it there is no limit; accounts that demand `max_bytes` of each stream need it.
    #[schemars(range(min = 16, max = 1_000_000_000))]
    pub state_max_bytes_mib: Option<u64>,
    /// How long repeated event ids and job keys are recognised, in seconds; the broker holds about 250 bytes for each. At
    /// least the 30 s for which an append is retried.
    #[schemars(range(min = 60, max = 86_400))]
    pub duplicate_window_s: u32,
    /// How long a job is held by a worker that neither acknowledges nor extends it, in milliseconds.
    #[schemars(range(min = 100, max = 3_600_000))]
    pub hold_ms: u64,
    /// TCP connections to the broker, over which live feeds and appends are spread.
    #[schemars(range(min = 1, max = 64))]
    pub connections: u16,
    /// Longest time to connect to one server, in milliseconds.
    #[schemars(range(min = 100, max = 60_000))]
    pub connect_timeout_ms: u64,
    /// Longest time to wait for one answer of the broker before its outcome is looked up, in milliseconds.
    #[schemars(range(min = 100, max = 30_000))]
    pub request_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            servers: vec!["nats://127.0.0.1:4222".into()],
            user: None,
            password: None,
            token: None,
            credentials_file: None,
            password_file: None,
            token_file: None,
            nkey_file: None,
            inbox_prefix: "_INBOX".into(),
            tls: false,
            tls_ca_file: None,
            tls_cert_file: None,
            tls_key_file: None,
            domain: None,
            api_prefix: None,
            prefix: "rb".into(),
            replicas: 1,
            shards: Shards::Count(4),
            max_age_hours: None,
            max_bytes_mib: None,
            state_max_bytes_mib: None,
            duplicate_window_s: 120,
            hold_ms: 6_000,
            connections: 2,
            connect_timeout_ms: 2000,
            request_timeout_ms: 2000,
        }
    }
}

impl Config {
    /// How the lanes are split.
    pub(super) fn layout(&self) -> Result<Layout, LayoutError> {
        Layout::new(match &self.shards {
            Shards::Count(count) => vec![*count],
            Shards::Generations(counts) => counts.clone(),
        })
    }

    /// Longest time to wait for one answer.
    pub(super) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

/// Reads an address. The refusal never shows a password.
pub(super) fn parse(server: &str) -> Result<ServerAddr, Invalid> {
    let shown = match server.rsplit_once('@') {
        Some((_, host)) => format!("...@{host}"),
        None => server.to_owned(),
    };
    let refused = |expected: &str| Invalid::new("servers", &shown, expected);
    let address: ServerAddr =
        server.parse().map_err(|_address| refused("nats://HOST:PORT or tls://HOST:PORT"))?;
    if address.username().is_some() || address.password().is_some() {
        return Err(refused("no user and password here; they have keys of their own"));
    }
    Ok(address)
}

impl Config {
    fn validate_login(&self) -> Result<(), Invalid> {
        let has_password = self.password.is_some() || self.password_file.is_some();
        if self.user.is_some() != has_password {
            return Err(Invalid::new("password", "", "user and password, or neither"));
        }
        let ways = [
            self.password.is_some(),
            self.password_file.is_some(),
            self.token.is_some(),
            self.token_file.is_some(),
            self.credentials_file.is_some(),
            self.nkey_file.is_some(),
        ];
        if ways.into_iter().filter(|&set| set).count() > 1 {
            let expected = "one way to log in: a password, a token, credentials_file or nkey_file";
            return Err(Invalid::new("user", "", expected));
        }
        if self.tls_cert_file.is_some() != self.tls_key_file.is_some() {
            return Err(Invalid::new("tls_key_file", "", "tls_cert_file and tls_key_file, or neither"));
        }
        let is_token = |text: &String| text.chars().all(|c| c.is_ascii_graphic() && !".*>".contains(c));
        match &self.domain {
            Some(domain) if !is_token(domain) => {
                Err(Invalid::new("domain", domain, "visible ASCII characters without `.`, `*` and `>`"))
            }
            _ => self.validate_api(),
        }
    }

    fn validate_api(&self) -> Result<(), Invalid> {
        let token =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && !"*>".contains(c));
        match &self.api_prefix {
            Some(prefix) if !prefix.split('.').all(token) => Err(Invalid::new(
                "api_prefix",
                prefix,
                "tokens separated by `.`, without spaces, `*` and `>`",
            )),
            Some(prefix) if self.domain.is_some() => {
                Err(Invalid::new("api_prefix", prefix, "domain or api_prefix, not both"))
            }
            _ => Ok(()),
        }
    }

    /// The configured login, for errors.
    pub(super) const fn login(&self) -> &'static str {
        if self.password_file.is_some() {
            "nats.user with nats.password_file"
        } else if self.user.is_some() {
            "nats.user with nats.password"
        } else if self.token.is_some() {
            "nats.token"
        } else if self.token_file.is_some() {
            "the token of nats.token_file"
        } else if self.credentials_file.is_some() {
            "nats.credentials_file"
        } else if self.nkey_file.is_some() {
            "the key of nats.nkey_file"
        } else {
            "a process without a login; set nats.user and nats.password, nats.token, nats.nkey_file or nats.credentials_file"
        }
    }

    /// The first tokens of JetStream's API.
    pub(super) fn api(&self) -> String {
        match (&self.api_prefix, &self.domain) {
            (Some(prefix), _) => prefix.clone(),
            (None, Some(domain)) => format!("$JS.{domain}.API"),
            (None, None) => "$JS.API".into(),
        }
    }
}

impl Validate for Config {
    fn validate(&self) -> Result<(), Invalid> {
        if self.servers.is_empty() {
            return Err(Invalid::new("servers", "", "at least one address"));
        }
        for server in &self.servers {
            parse(server)?;
        }
        self.validate_login()?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        if self.prefix.is_empty() || self.prefix.len() > 32 || !self.prefix.chars().all(plain) {
            return Err(Invalid::new("prefix", &self.prefix, "1 to 32 characters a-z, 0-9, `_`, `-`"));
        }
        let token = |token: &str| {
            !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic() && !"*>".contains(c))
        };
        if self.inbox_prefix.len() > 64 || !self.inbox_prefix.split('.').all(token) {
            let expected =
                "1 to 64 visible ASCII characters in tokens that dots separate, without `*` and `>`";
            return Err(Invalid::new("inbox_prefix", &self.inbox_prefix, expected));
        }
        if ![1, 3, 5].contains(&self.replicas) {
            return Err(Invalid::new("replicas", self.replicas, "1, 3 or 5"));
        }
        if let Err(error) = self.layout() {
            return Err(Invalid::new("shards", error.total, "1 to 256 over all generations, none of them 0"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check;

    #[test]
    fn a_fault_names_its_key() {
        let base = Config::default();
        check(&base).unwrap();
        for (key, config) in [
            ("servers", Config { servers: vec![], ..base.clone() }),
            ("servers", Config { servers: vec!["http://a b".into()], ..base.clone() }),
            ("servers", Config { servers: vec!["nats://u:geheim@a".into()], ..base.clone() }),
            ("prefix", Config { prefix: "a.b".into(), ..base.clone() }),
            ("prefix", Config { prefix: "Rb".into(), ..base.clone() }),
            ("inbox_prefix", Config { inbox_prefix: "a.*".into(), ..base.clone() }),
            ("inbox_prefix", Config { inbox_prefix: "a..b".into(), ..base.clone() }),
            ("replicas", Config { replicas: 2, ..base.clone() }),
            ("shards", Config { shards: Shards::Count(0), ..base.clone() }),
            ("shards", Config { shards: Shards::Generations(vec![200, 57]), ..base.clone() }),
            ("password", Config { user: Some("u".into()), ..base.clone() }),
            ("user", Config { token_file: Some("a".into()), nkey_file: Some("b".into()), ..base.clone() }),
            ("tls_key_file", Config { tls_cert_file: Some("a".into()), ..base.clone() }),
            ("domain", Config { domain: Some("a.b".into()), ..base.clone() }),
            ("duplicate_window_s", Config { duplicate_window_s: 1, ..base.clone() }),
            ("hold_ms", Config { hold_ms: 1, ..base }),
        ] {
            let refused = check(&config).unwrap_err();
            assert!(refused.key.starts_with(key), "{key}: {refused}");
            assert!(!refused.to_string().contains("geheim"), "{refused}");
        }
    }

    #[test]
    fn shards_are_a_number_or_a_list() {
        let read = |text: &str| serde_json::from_str::<Config>(text).unwrap().layout().unwrap();
        assert_eq!(read(r#"{"shards":8}"#), Layout::new(vec![8]).unwrap());
        assert_eq!(read(r#"{"shards":[4,8]}"#), Layout::new(vec![4, 8]).unwrap());
    }
}
