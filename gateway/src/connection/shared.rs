//! What all clients of a gateway share.

use std::sync::Arc;

use runbus::bus::Bus;
use runbus::control::Control;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::auth::Auth;
use crate::config::Config;
use crate::hub::Hubs;
use crate::monitor::Monitors;
use crate::presence::Room;

/// What all clients share.
#[derive(Debug)]
pub struct Shared {
    /// How the gateway serves.
    pub config: Config,
    /// Who may use it.
    pub auth: Arc<Auth>,
    /// The bus.
    pub bus: Bus,
    /// Commands.
    pub control: Control,
    /// Who watches what.
    pub hubs: Hubs,
    /// Monitors that are watched.
    pub monitors: Monitors,
    /// Who watches what.
    pub presence: Arc<Room>,
    /// Reads of history at the same time.
    pub history_reads: Semaphore,
    /// Take no new clients, tell those that are here to go.
    pub drain: CancellationToken,
}

impl Shared {
    /// Waits for a client's share of the drain window, so that not all come back at once.
    pub(super) async fn drain_share(&self) {
        let share = f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
        tokio::time::sleep(self.config.drain_window().mul_f64(share)).await;
    }
}
