//! Asking the sentinels where the primary is.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};

/// The words of an error about the login at a sentinel.
pub(super) const LOGIN: &str = "the sentinel refuses the login";

/// The words of an error about a name that no sentinel knows.
pub(super) const UNKNOWN: &str = "no such service";

/// An error of a sentinel, which has a login of its own.
fn of_sentinel(error: RedisError) -> RedisError {
    let is_login = error.kind() == ErrorKind::AuthenticationFailed
        || matches!(error.code(), Some("NOAUTH" | "NOPERM" | "WRONGPASS"));
    if is_login {
        return RedisError::from((ErrorKind::AuthenticationFailed, LOGIN, error.to_string()));
    }
    error
}

/// Connects to the primary that the first answering sentinel names, and that says itself that it is one.
///
/// `node` is how to log in there; its address is replaced.
pub(super) async fn open(
    sentinels: &[ConnectionInfo],
    service: &str,
    node: &ConnectionInfo,
    how: &AsyncConnectionConfig,
) -> Result<MultiplexedConnection, RedisError> {
    let mut last = RedisError::from((ErrorKind::EmptySentinelList, "no sentinel is configured"));
    for sentinel in sentinels {
        match through(sentinel, service, node, how).await {
            Ok(link) => return Ok(link),
            Err(error) => {
                tracing::debug!(sentinel = %sentinel.addr(), %error, "sentinel leads to no primary");
                last = error;
            }
        }
    }
    Err(last)
}

async fn through(
    sentinel: &ConnectionInfo,
    service: &str,
    node: &ConnectionInfo,
    how: &AsyncConnectionConfig,
) -> Result<MultiplexedConnection, RedisError> {
    let client = Client::open(sentinel.clone())?;
    let mut link = client.get_multiplexed_async_connection_with_config(how).await.map_err(of_sentinel)?;
    let mut asking = redis::cmd("SENTINEL");
    asking.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
    let address: Option<(String, u16)> = asking.query_async(&mut link).await.map_err(of_sentinel)?;
    let (host, port) = address.ok_or_else(|| {
        RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, UNKNOWN, service.to_owned()))
    })?;
    let address = match sentinel.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    let node = node.clone().set_addr(address);
    let mut primary = Client::open(node)?.get_multiplexed_async_connection_with_config(how).await?;
    // Sentinels learn of a failover one after the other: an old primary may be a replica by now.
    let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut primary).await?;
    if role.first() == Some(&Value::BulkString(b"master".to_vec())) {
        return Ok(primary);
    }
    Err(RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "the named server is no primary yet")))
}
