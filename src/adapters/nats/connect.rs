//! Connections: they find the broker again by themselves, fail what was in flight, and say when live feeds may have lost
//! something.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

use super::config::{Config, parse};
use super::error::ConnectError;
use super::inbox::Inbox;
use crate::metrics;

/// How often the server is asked whether it is there; two lost answers end the connection.
const PING: Duration = Duration::from_secs(3);

/// Longest pause between two attempts to connect.
const RECONNECT_MAX: Duration = Duration::from_secs(2);

/// Messages that a subscription buffers; the tasks behind it never wait, so it is nearly empty.
pub(super) const SUBSCRIPTION_MESSAGES: usize = 8192;

/// What a connection says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Health {
    /// Whether it stands.
    pub(super) up: bool,
    /// Grows whenever a subscription may have lost messages.
    pub(super) losses: u64,
}

/// A random-looking part of `most`, so that many clients do not act at once.
pub(super) fn jitter(most: Duration) -> Duration {
    most.mul_f64(crate::time::fraction())
}

fn pause(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.min(8)).unwrap_or(8);
    let longest = Duration::from_millis(20).saturating_mul(1 << doublings).min(RECONNECT_MAX);
    longest / 2 + jitter(longest / 2)
}

/// Opens a connection in the background: it answers at once, also when no server does.
pub(super) async fn open(
    config: &Config,
    n: u16,
    inbox: Arc<Inbox>,
) -> Result<(Client, watch::Receiver<Health>), ConnectError> {
    crate::tls::install();
    let (health, watching) = watch::channel(Health::default());
    let standing = Mutex::default();
    let options = ConnectOptions::new()
        .name(format!("runbus {n}"))
        .custom_inbox_prefix(&config.inbox_prefix)
        .ping_interval(PING)
        .connection_timeout(Duration::from_millis(config.connect_timeout_ms))
        .subscription_capacity(SUBSCRIPTION_MESSAGES)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(pause)
        .require_tls(config.tls || config.tls_ca_file.is_some())
        .event_callback(move |event| {
            count(&event, &standing);
            heard(&event, &health, &inbox);
            std::future::ready(())
        });
    let options = log_in(options, config).await?;
    let servers =
        config.servers.iter().map(|server| parse(server)).collect::<Result<Vec<ServerAddr>, _>>()?;
    let client = options.connect(servers).await.map_err(|error| ConnectError::Options(error.to_string()))?;
    Ok((client, watching))
}

async fn log_in(mut options: ConnectOptions, config: &Config) -> Result<ConnectOptions, ConnectError> {
    if let Some(path) = &config.tls_ca_file {
        // The client reads it at each attempt and would try forever.
        std::fs::read(path)
            .map_err(|error| ConnectError::Options(format!("tls_ca_file {}: {error}", path.display())))?;
        options = options.add_root_certificates(path.clone());
    }
    if let (Some(user), Some(password)) = (&config.user, &config.password) {
        options = options.user_and_password(user.clone(), password.reveal().into());
    }
    if let Some(token) = &config.token {
        options = options.token(token.reveal().into());
    }
    if let Some(path) = &config.credentials_file {
        options = options
            .credentials_file(path)
            .await
            .map_err(|error| ConnectError::Credentials { path: path.clone(), reason: error.to_string() })?;
    }
    Ok(options)
}

/// Counts what a connection says; `standing` counts as a connection while it stands, and ends with it.
fn count(event: &Event, standing: &Mutex<Option<metrics::Held>>) {
    let now_standing = |held| *standing.lock().unwrap_or_else(PoisonError::into_inner) = held;
    match event {
        Event::Connected => {
            metrics::nats::CONNECTS.inc();
            now_standing(Some(metrics::nats::CONNECTED.hold()));
        }
        Event::Disconnected | Event::Closed => {
            metrics::nats::DISCONNECTS.inc();
            now_standing(None);
        }
        Event::SlowConsumer(_) => metrics::nats::SLOW.inc(),
        Event::ServerError(_) => metrics::nats::ERRORS.inc(),
        Event::LameDuckMode | Event::ClientError(_) | Event::Draining => {}
    }
}

/// Must not wait: the client calls it one event after the other and drops what does not fit.
fn heard(event: &Event, health: &watch::Sender<Health>, inbox: &Inbox) {
    match event {
        Event::Connected => {
            tracing::info!("connected to NATS");
            health.send_modify(|health| *health = Health { up: true, losses: health.losses + 1 });
        }
        Event::Disconnected | Event::Closed => {
            tracing::warn!("the connection to NATS is lost");
            health.send_modify(|health| *health = Health { up: false, losses: health.losses + 1 });
            inbox.disconnected();
        }
        Event::SlowConsumer(_) => {
            tracing::warn!("a NATS subscription dropped messages");
            health.send_modify(|health| health.losses += 1);
        }
        Event::LameDuckMode => tracing::info!("the NATS server shuts down soon"),
        Event::ServerError(error) => tracing::warn!(%error, "NATS reports an error"),
        Event::ClientError(error) => tracing::warn!(%error, "connecting to NATS fails"),
        Event::Draining => {}
    }
}

/// Whether the connection stands, by the client's own account.
pub(super) fn is_up(client: &Client) -> bool {
    client.connection_state() == State::Connected
}
