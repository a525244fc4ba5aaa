//! Permissions: the least that each kind of user needs on the broker, and the accounts file made of them.
//!
//! nats-server checks a publisher's permissions after subject mapping. A user who may publish to `rb.pub` therefore needs
//! `rb.ext`, where the mapping leads. Nobody but Runbus may publish to `rb.ev`: readers trust that subject.
//!
//! It does not check reply subjects. A user who publishes into a stream can have the broker write its acknowledgement to any subject
//! of the same account. So publishers have an account of their own: what they publish to `rb.ext` goes over to Runbus's account, and
//! acknowledgements come back to theirs, where no stream is.

use std::fmt::Write as _;

use super::config::Config;
use super::names::{Names, places};
use crate::subject::{LayoutError, token};

/// Where the gateways keep their revocations: the only journal that they write.
const REVOCATIONS: &str = "runbus/auth/revocations";

/// The account of Runbus and its streams.
const RUNBUS: &str = "RUNBUS";

/// The account of publishers. It has no stream.
const PUBLISHERS: &str = "PUBLISHERS";

/// A kind of user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A gateway, and the CLI's commands.
    Gateway,
    /// A worker.
    Worker,
    /// A program that publishes events and reads nothing.
    Publisher,
    /// A person or program that watches the live feeds and publishes nothing.
    Tap,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Gateway, Self::Worker, Self::Publisher, Self::Tap];

    /// The user's name.
    #[must_use]
    pub const fn user(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Worker => "worker",
            Self::Publisher => "publisher",
            Self::Tap => "tap",
        }
    }

    /// The account that the user is in.
    #[must_use]
    pub const fn account(self) -> &'static str {
        match self {
            Self::Gateway | Self::Worker | Self::Tap => RUNBUS,
            Self::Publisher => PUBLISHERS,
        }
    }

    /// The value of `nats.inbox_prefix` for this user below a prefix. Answers to one kind of user are invisible to the others.
    #[must_use]
    pub fn inbox(self, prefix: &str) -> String {
        match self {
            Self::Gateway | Self::Worker => format!("{prefix}.inbox.{}", self.user()),
            // Other programs keep the default of their client libraries.
            Self::Publisher | Self::Tap => "_INBOX".into(),
        }
    }
}

/// The subjects that a user may use. Everything else is refused.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Permissions {
    /// Subjects to publish to.
    pub publish: Vec<String>,
    /// Subjects to subscribe to.
    pub subscribe: Vec<String>,
}

/// The names that permissions are about.
#[derive(Debug, Clone)]
struct Area {
    /// The first tokens of JetStream's API.
    apis: Vec<String>,
    prefix: String,
    /// The streams of all lanes and shards.
    streams: Vec<String>,
    jobs: String,
    check: String,
    layout: String,
}

impl Area {
    fn of(config: &Config) -> Result<Self, LayoutError> {
        let (names, layout) = (Names::new(&config.prefix), config.layout()?);
        let streams = places(&layout).map(|(lane, shard)| names.stream(lane, shard)).collect();
        Ok(Self {
            apis: apis(config),
            prefix: config.prefix.clone(),
            streams,
            jobs: names.jobs(),
            check: names.check(),
            layout: names.layout(),
        })
    }

    /// Every prefix and number of shards: tests share a server.
    #[cfg(any(test, feature = "test-util"))]
    fn any() -> Self {
        let any = || "*".to_owned();
        let apis = apis(&Config::default());
        Self { apis, prefix: any(), streams: vec![any()], jobs: any(), check: any(), layout: any() }
    }

    /// Where publishers' messages go: the only subjects that both accounts have.
    fn external(&self) -> String {
        format!("{}.ext.*.*.*.*", self.prefix)
    }

    fn permissions(&self, role: Role) -> Permissions {
        let prefix = &self.prefix;
        match role {
            Role::Gateway => {
                let mut found = self.process(role);
                // The shard is the hash of the token: a wildcard saves nobody from computing it.
                found.publish.push(format!("{prefix}.se.*.{}", token::encode(REVOCATIONS)));
                found
            }
            Role::Worker => {
                let (mut found, jobs) = (self.process(role), &self.jobs);
                found.publish.push(format!("{prefix}.se.*.*"));
                for api in &self.apis {
                    found.publish.push(format!("{api}.CONSUMER.DURABLE.CREATE.{jobs}.*"));
                    found.publish.push(format!("{api}.CONSUMER.MSG.NEXT.{jobs}.*"));
                }
                // Servers from 2.15 on put domain and account before the stream.
                found.publish.extend([format!("$JS.ACK.{jobs}.>"), format!("$JS.ACK.*.*.{jobs}.>")]);
                found
            }
            Role::Publisher => Permissions {
                publish: vec![format!("{prefix}.pub.*.*.*"), self.external()],
                subscribe: vec!["_INBOX.>".into()],
            },
            Role::Tap => Permissions { publish: Vec::new(), subscribe: vec![format!("{prefix}.live.>")] },
        }
    }

    /// The permissions that gateways and workers share.
    fn process(&self, role: Role) -> Permissions {
        let Self { prefix, jobs, check, layout, .. } = self;
        let inbox = format!("{}.>", role.inbox(prefix));
        let mut verbs = vec!["INFO".to_owned()];
        for stream in self.streams.iter().chain([jobs, check, layout]) {
            // A stream that is missing is created by the process that finds out. Nobody may alter or remove one.
            verbs.push(format!("STREAM.CREATE.{stream}"));
            verbs.push(format!("STREAM.INFO.{stream}"));
        }
        for stream in &self.streams {
            verbs.push(format!("STREAM.MSG.GET.{stream}"));
            verbs.push(format!("DIRECT.GET.{stream}"));
        }
        // The first process records the layout.
        verbs.push(format!("STREAM.MSG.GET.{layout}"));
        verbs.push(format!("STREAM.PURGE.{check}"));
        let named = |api: &String| verbs.iter().map(|verb| format!("{api}.{verb}")).collect::<Vec<_>>();
        let mut publish: Vec<String> = self.apis.iter().flat_map(named).collect();
        publish.push(format!("{prefix}.layout"));
        let subjects = ["check.*.*", "ev.*.*.*.*", "ext.*.*.*.*", "in.*.*", "job.*"];
        publish.extend(subjects.map(|subject| format!("{prefix}.{subject}")));
        publish.push(inbox.clone());
        let elections = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.*".into();
        publish.dedup();
        Permissions { publish, subscribe: vec![inbox, format!("{prefix}.live.>"), elections] }
    }
}

/// The first tokens of the API in permissions. A server maps the name of its own domain away before it checks them; other servers,
/// such as leaf nodes, do not.
fn apis(config: &Config) -> Vec<String> {
    let own = Config::default().api();
    let configured = config.api();
    if config.domain.is_some() { vec![configured, own] } else { vec![configured] }
}

/// The permissions of a user under a configuration.
///
/// # Errors
/// The configured number of shards is out of range.
pub fn permissions(config: &Config, role: Role) -> Result<Permissions, LayoutError> {
    Ok(Area::of(config)?.permissions(role))
}

/// The accounts file of nats-server for a configuration: users, permissions, and the mapping for plain publishers. Passwords
/// come from the environment of the server: `NATS_<USER>_PASSWORD`.
///
/// # Errors
/// The configured number of shards is out of range.
pub fn accounts(config: &Config) -> Result<String, LayoutError> {
    // The server computes a shard from 0. Readers look into each generation, so the oldest one serves.
    let shards = config.layout()?.oldest();
    let password = |user: &str| format!("$NATS_{}_PASSWORD", user.to_ascii_uppercase());
    Ok(render(&Area::of(config)?, &mapping(&config.prefix, shards), password))
}

/// The mapping that gives plain publishers' messages their shard.
fn mapping(prefix: &str, shards: u16) -> String {
    let ids = [1, 2, 3].map(|n| format!("{{{{wildcard({n})}}}}")).join(".");
    format!("\"{prefix}.pub.*.*.*\": \"{prefix}.ext.{{{{partition({shards},3)}}}}.{ids}\"")
}

fn render(area: &Area, mapping: &str, password: impl Fn(&str) -> String) -> String {
    let external = area.external();
    let mut text = String::from(
        "# Accounts and permissions for Runbus on NATS. `runbus permissions nats` prints it for other shards and prefixes.\n\
         #\n\
         # Each user has the least that it needs; docs/security/permissions.md explains each line. Passwords come from the\n\
         # server's environment.\n\n\
         accounts {\n",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "  {RUNBUS} {{\n    jetstream: enabled\n\n    \
         # Clients need not know the shard. Permissions are checked after this mapping.\n    \
         mappings {{\n      {mapping}\n    }}\n\n    \
         # Messages of publishers arrive here.\n    \
         exports: [ {{ service: \"{external}\", accounts: [{PUBLISHERS}] }} ]\n\n    users: [\n      \
         # Creates, alters and removes everything. For people, not for processes.\n      \
         {{ user: \"admin\", password: {} }}",
        password("admin")
    );
    users(&mut text, area, RUNBUS, &password);
    let _ = writeln!(
        text,
        "    ]\n  }}\n\n  \
         # Nobody checks to which subject a publisher has its acknowledgement sent. In an account without streams it can only go\n  \
         # to publishers. Users who publish and are not Runbus belong here.\n  \
         {PUBLISHERS} {{\n    \
         mappings {{\n      {mapping}\n    }}\n\n    \
         imports: [ {{ service: {{ account: {RUNBUS}, subject: \"{external}\" }} }} ]\n\n    users: ["
    );
    users(&mut text, area, PUBLISHERS, &password);
    text.push_str("    ]\n  }\n}\n");
    text
}

/// The users of an account.
fn users(text: &mut String, area: &Area, account: &str, password: impl Fn(&str) -> String) {
    for role in Role::ALL.into_iter().filter(|role| role.account() == account) {
        user(text, role.user(), &password(role.user()), &area.permissions(role));
    }
}

fn user(text: &mut String, name: &str, password: &str, permissions: &Permissions) {
    let _ = writeln!(text, "      {{\n        user: \"{name}\", password: {password}");
    text.push_str("        permissions {\n");
    list(text, "publish", &permissions.publish);
    list(text, "subscribe", &permissions.subscribe);
    text.push_str("        }\n      }\n");
}

fn list(text: &mut String, verb: &str, subjects: &[String]) {
    if subjects.is_empty() {
        let _ = writeln!(text, "          {verb}: {{ deny: [\">\"] }}");
        return;
    }
    let _ = writeln!(text, "          {verb}: {{ allow: [");
    for subject in subjects {
        let _ = writeln!(text, "            \"{subject}\"");
    }
    text.push_str("          ] }\n");
}

/// The accounts of test servers: the shipped permissions for every prefix and number of shards. Passwords are the users' names.
#[cfg(any(test, feature = "test-util"))]
pub(super) fn test_accounts() -> String {
    let area = Area::any();
    let quoted = |user: &str| format!("\"{user}\"");
    let mut text = render(&area, &mapping("rb", 4), quoted);
    // One process that is gateway and worker: tests in one process, which need no third kind of permission.
    let (gateway, worker) = (area.permissions(Role::Gateway), area.permissions(Role::Worker));
    let both = Permissions {
        publish: [gateway.publish, worker.publish, vec!["_INBOX.>".into()]].concat(),
        subscribe: [gateway.subscribe, worker.subscribe, vec!["_INBOX.>".into()]].concat(),
    };
    let mut entry = String::new();
    user(&mut entry, super::testing::BOTH, &quoted(super::testing::BOTH), &both);
    // Runbus's account is the first.
    let end = text.find("    ]\n").unwrap_or(text.len());
    text.insert_str(end, &entry);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runbus_itself_may_publish_where_readers_trust() {
        let config = Config::default();
        for role in [Role::Publisher, Role::Tap] {
            let found = permissions(&config, role).unwrap();
            for trusted in ["rb.ev.", "rb.se.", "rb.in.", "rb.job.", "$JS.", "rb.live.", "rb.inbox."] {
                assert!(
                    !found.publish.iter().any(|subject| subject.starts_with(trusted)),
                    "{role:?} {trusted}"
                );
            }
            assert!(!found.publish.iter().any(|subject| subject.contains('>')), "{role:?}");
        }
    }

    #[test]
    fn permissions_name_the_configured_api() {
        let heads = |config: Config| {
            let found = permissions(&config, Role::Worker).unwrap().publish;
            let verb = ".STREAM.INFO.RB_EV_0";
            found
                .iter()
                .filter_map(|subject| subject.strip_suffix(verb))
                .map(String::from)
                .collect::<Vec<_>>()
        };
        let base = Config::default;
        assert_eq!(heads(base()), ["$JS.API"]);
        assert_eq!(heads(Config { api_prefix: Some("js.of.owner".into()), ..base() }), ["js.of.owner"]);
        assert_eq!(heads(Config { domain: Some("hub".into()), ..base() }), ["$JS.hub.API", "$JS.API"]);
    }

    #[test]
    fn publishers_share_nothing_with_runbus_but_the_subjects_of_external_events() {
        let text = accounts(&Config::default()).unwrap();
        let (runbus, publishers) = text.split_once("  PUBLISHERS {").unwrap();
        for user in ["admin", "gateway", "worker", "tap"] {
            assert!(runbus.contains(&format!("user: \"{user}\"")), "{user}");
        }
        assert!(!runbus.contains("user: \"publisher\"") && publishers.contains("user: \"publisher\""));
        assert!(!publishers.contains("jetstream"), "no stream takes an acknowledgement there");
        let shared = |text: &str, verb: &str| text.lines().filter(|line| line.contains(verb)).count();
        assert_eq!((shared(&text, "exports:"), shared(&text, "imports:")), (1, 1));
        assert!(publishers.contains("{ service: { account: RUNBUS, subject: \"rb.ext.*.*.*.*\" } }"));
    }

    #[test]
    fn processes_never_alter_or_remove_streams() {
        for role in [Role::Gateway, Role::Worker] {
            let found = permissions(&Config::default(), role).unwrap();
            for verb in [
                "STREAM.UPDATE",
                "STREAM.DELETE",
                "STREAM.PURGE.RB_EV",
                "STREAM.MSG.DELETE",
                "CONSUMER.DELETE",
            ] {
                assert!(!found.publish.iter().any(|subject| subject.contains(verb)), "{role:?} {verb}");
            }
        }
    }

    #[test]
    fn a_gateway_writes_no_journal_but_its_revocations() {
        let found = permissions(&Config::default(), Role::Gateway).unwrap();
        let journals: Vec<&String> =
            found.publish.iter().filter(|subject| subject.starts_with("rb.se.")).collect();
        assert_eq!(journals, ["rb.se.*.runbus%2Fauth%2Frevocations"]);
    }
}
