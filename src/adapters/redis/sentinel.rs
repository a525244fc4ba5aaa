//! Asking the sentinels where the primary is.

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError, Value};

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
    let mut link = Client::open(sentinel.clone())?.get_multiplexed_async_connection_with_config(how).await?;
    let address: Option<(String, u16)> =
        redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(service).query_async(&mut link).await?;
    let (host, port) = address.ok_or_else(|| {
        RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, "no such service", service.to_owned()))
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
