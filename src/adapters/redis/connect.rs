//! How a connection is made: options of the sockets, log-in, and where to.

use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, RedisConnectionInfo, RedisError,
    RedisFuture, RedisResult, TlsCertificates, Value,
};

use super::config::{Config, Mode, parse};
use super::{certificates, sentinel};
use crate::config::{Invalid, Secret, check};
use crate::tls;

/// Probes that go unanswered before an idle connection counts as dead.
const KEEPALIVE_PROBES: u32 = 3;

/// The words of an error about a server that does not answer the first bytes of TLS.
pub(super) const HANDSHAKE: &str = "no answer to the TLS handshake in time";

/// How often the cluster client sends a command again (after a redirect, a lost node) before it gives up.
const CLUSTER_RETRIES: u32 = 5;

/// Pause between two of these, in milliseconds: random between the two, the upper one doubling from 20 to its bound. The
/// library's own least pause is 1280 ms, which every caller of a lost node would wait several times.
const CLUSTER_RETRY_WAIT_MS: (u64, u64) = (10, 500);

/// An open connection; clones share it.
#[derive(Clone)]
pub(super) enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(link) => link.req_packed_command(cmd),
            Self::Cluster(link) => link.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(link) => link.req_packed_commands(pipeline, offset, count),
            Self::Cluster(link) => link.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(link) => link.get_db(),
            Self::Cluster(link) => link.get_db(),
        }
    }
}

/// Where to.
enum Target {
    One(Client),
    Cluster(ClusterClient),
    Sentinel { sentinels: Vec<ConnectionInfo>, service: String, node: ConnectionInfo },
}

/// Makes connections.
pub(super) struct Connector {
    config: Config,
    how: AsyncConnectionConfig,
}

impl Connector {
    /// Reads the configuration; touches no network.
    pub(super) fn new(config: &Config) -> Result<Self, Invalid> {
        check(config)?;
        tls::install();
        let how = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(Duration::from_millis(config.connect_timeout_ms)))
            .set_response_timeout(Some(Duration::from_millis(config.response_timeout_ms)));
        let connector = Self { config: config.clone(), how };
        connector.target()?;
        Ok(connector)
    }

    /// The configuration.
    pub(super) const fn config(&self) -> &Config {
        &self.config
    }

    /// The servers, with the present content of the files: passwords and certificates are replaced while the process runs.
    fn target(&self) -> Result<Target, Invalid> {
        let config = &self.config;
        let key = config.address_key();
        let certificates = certificates::read(config)?;
        let infos: Vec<ConnectionInfo> =
            config.addresses().into_iter().map(|url| parse(key, url)).collect::<Result<_, _>>()?;
        let infos = infos
            .into_iter()
            .map(|info| certificates::with(info, certificates.as_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        let tcp = sockets(config);
        let node = |info: &ConnectionInfo| {
            let user = log_in(info.redis_settings(), config.user.as_deref(), config.password.as_ref());
            info.clone().set_tcp_settings(tcp.clone()).set_redis_settings(user)
        };
        let refused =
            |error: redis::RedisError| Invalid::new(key, config.addresses().join(","), error.to_string());
        let nodes: Vec<ConnectionInfo> = infos.iter().map(node).collect();
        Ok(match (config.mode, nodes.as_slice()) {
            (Mode::Cluster, _) => {
                Target::Cluster(cluster(config, nodes, tcp, certificates).map_err(refused)?)
            }
            (Mode::Single, [node, ..]) => Target::One(Client::open(node.clone()).map_err(refused)?),
            (Mode::Sentinel, [node, ..]) => {
                let at = |info: &ConnectionInfo| {
                    let (user, password) =
                        (config.sentinel_user.as_deref(), config.sentinel_password.as_ref());
                    let user = log_in(&RedisConnectionInfo::default(), user, password);
                    info.clone().set_tcp_settings(tcp.clone()).set_redis_settings(user)
                };
                let sentinels = infos.iter().map(at).collect();
                Target::Sentinel {
                    sentinels,
                    service: config.service.clone().unwrap_or_default(),
                    node: node.clone(),
                }
            }
            (_, []) => return Err(Invalid::new(key, "", "an address")),
        })
    }

    /// Whether the connection leads to many nodes and sends commands again by itself.
    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self.config.mode, Mode::Cluster)
    }

    /// Makes a connection to the current primary.
    pub(super) async fn open(&self) -> RedisResult<Link> {
        let invalid = |invalid: Invalid| {
            RedisError::from((ErrorKind::InvalidClientConfig, "redis", invalid.within("redis").to_string()))
        };
        let opened = match &self.target().map_err(invalid)? {
            Target::One(client) => {
                client.get_multiplexed_async_connection_with_config(&self.how).await.map(Link::One)
            }
            Target::Cluster(client) => client.get_async_connection().await.map(Link::Cluster),
            Target::Sentinel { sentinels, service, node } => {
                sentinel::open(sentinels, service, node, &self.how).await.map(Link::One)
            }
        };
        opened.map_err(|error| match error.is_timeout() && self.config.has_tls() {
            true => std::io::Error::new(std::io::ErrorKind::TimedOut, HANDSHAKE).into(),
            false => error,
        })
    }
}

fn cluster(
    config: &Config,
    nodes: Vec<ConnectionInfo>,
    tcp: TcpSettings,
    certificates: Option<TlsCertificates>,
) -> RedisResult<ClusterClient> {
    let response = Duration::from_millis(config.response_timeout_ms);
    let mut builder = ClusterClientBuilder::new(nodes);
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    builder
        .tcp_settings(tcp)
        .connection_timeout(Duration::from_millis(config.connect_timeout_ms))
        .response_timeout(response)
        .overall_response_timeout(Some(response * 2))
        .retries(CLUSTER_RETRIES)
        .min_retry_wait(CLUSTER_RETRY_WAIT_MS.0)
        .max_retry_wait(CLUSTER_RETRY_WAIT_MS.1)
        .retry_wait_formula(10, 2)
        .build()
}

/// The library's defaults wait for the kernel's Nagle timer and never notice a peer that has vanished.
fn sockets(config: &Config) -> TcpSettings {
    let every = Duration::from_secs(config.keepalive_s);
    let keepalive = TcpKeepalive::new().with_time(every).with_interval(every);
    #[cfg(unix)]
    let keepalive = keepalive.with_retries(KEEPALIVE_PROBES);
    let settings = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_millis(config.user_timeout_ms));
    settings
}

fn log_in(
    settings: &RedisConnectionInfo,
    user: Option<&str>,
    password: Option<&Secret>,
) -> RedisConnectionInfo {
    let mut settings = settings.clone();
    if let Some(user) = user {
        settings = settings.set_username(user);
    }
    if let Some(password) = password {
        settings = settings.set_password(&*password.reveal());
    }
    settings
}
