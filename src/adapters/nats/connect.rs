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
use super::last_fault::{LastFault, is_denial};
use super::login;
use crate::metrics;

/// How often the server is asked whether it is there; two lost answers end the connection.
const PING: Duration = Duration::from_secs(3);

/// Longest pause between two attempts to connect.
const RECONNECT_MAX: Duration = Duration::from_secs(2);

/// Messages that a subscription buffers; the tasks behind it never wait, so it is nearly empty.
pub(super) const SUBSCRIPTION_MESSAGES: usize = 8192;

/// The state of a connection.
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
    last_fault: Arc<LastFault>,
) -> Result<(Client, watch::Receiver<Health>), ConnectError> {
    crate::tls::install();
    let (health, watching) = watch::channel(Health::default());
    let standing = Mutex::default();
    let options = log_in(config)
        .await?
        .name(format!("runbus {n}"))
        .custom_inbox_prefix(&config.inbox_prefix)
        .ping_interval(PING)
        .connection_timeout(Duration::from_millis(config.connect_timeout_ms))
        .subscription_capacity(SUBSCRIPTION_MESSAGES)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(pause)
        .require_tls(config.tls || config.tls_ca_file.is_some() || config.tls_cert_file.is_some())
        .event_callback(move |event| {
            count(&event, &standing);
            on_event(&event, &health, &inbox, &last_fault);
            std::future::ready(())
        });
    let options = secure(options, config)?;
    let servers =
        config.servers.iter().map(|server| parse(server)).collect::<Result<Vec<ServerAddr>, _>>()?;
    let client = options.connect(servers).await.map_err(|error| ConnectError::Options(error.to_string()))?;
    Ok((client, watching))
}

/// The options with the connection's credentials.
async fn log_in(config: &Config) -> Result<ConnectOptions, ConnectError> {
    if !login::is_needed(config) {
        return Ok(ConnectOptions::new());
    }
    login::check(config).await?;
    let config = Arc::new(config.clone());
    Ok(ConnectOptions::with_auth_callback(move |nonce| {
        let config = config.clone();
        async move { login::identify(&config, nonce).await }
    }))
}

/// The options with the files of TLS.
fn secure(mut options: ConnectOptions, config: &Config) -> Result<ConnectOptions, ConnectError> {
    crate::tls::check_files(
        config.tls_ca_file.as_deref(),
        config.tls_cert_file.as_deref(),
        config.tls_key_file.as_deref(),
    )?;
    if let Some(path) = &config.tls_ca_file {
        options = options.add_root_certificates(path.clone());
    }
    if let (Some(certificate), Some(key)) = (&config.tls_cert_file, &config.tls_key_file) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
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
fn on_event(event: &Event, health: &watch::Sender<Health>, inbox: &Inbox, last_fault: &LastFault) {
    match event {
        Event::Connected => {
            last_fault.clear();
            tracing::info!("connected to NATS");
            health.send_modify(|health| *health = Health { up: true, losses: health.losses + 1 });
        }
        Event::Disconnected | Event::Closed => {
            if last_fault.is_ending() {
                tracing::debug!("the connection to NATS is let go");
            } else {
                tracing::warn!("the connection to NATS is lost");
            }
            health.send_modify(|health| *health = Health { up: false, losses: health.losses + 1 });
            inbox.disconnected();
        }
        Event::SlowConsumer(_) => {
            tracing::warn!("a NATS subscription dropped messages");
            health.send_modify(|health| health.losses += 1);
        }
        Event::LameDuckMode => tracing::info!("the NATS server shuts down soon"),
        // The caller reports this error.
        Event::ServerError(error) if is_denial(&error.to_string()) => {
            last_fault.record(&error.to_string());
            tracing::debug!(%error, "NATS refuses a request");
        }
        Event::ServerError(error) => {
            last_fault.record(&error.to_string());
            tracing::warn!(%error, "NATS reports an error");
        }
        // The caller that waits for the connection reports this error.
        Event::ClientError(error) => {
            last_fault.record(&error.to_string());
            tracing::debug!(%error, "connecting to NATS fails");
        }
        Event::Draining => {}
    }
}

/// Whether the connection stands, by the client's own account.
pub(super) fn is_up(client: &Client) -> bool {
    client.connection_state() == State::Connected
}
