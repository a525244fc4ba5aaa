//! The gateways that are at work, and each one's report.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Control, Error};
use crate::store::Name;
use crate::time::Timestamp;

/// How long a gateway's report stands without being renewed.
pub const STANDS: Duration = super::workers::STANDS;

/// How often a gateway renews its report.
pub const EVERY: Duration = Duration::from_secs(5);

/// A gateway's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayReport {
    /// Its id, new with each start.
    pub gateway: String,
    /// Where it listens.
    pub address: String,
    /// Its version.
    pub version: String,
    /// Since when it is at work.
    pub since: Timestamp,
    /// The time of this report.
    pub at: Timestamp,
    /// Clients: WebSockets, event streams, requests that wait.
    pub connections: usize,
    /// Scopes that are watched.
    pub hubs: usize,
    /// Monitors that are folded.
    pub monitors: usize,
    /// Live lists that are watched.
    pub lists: usize,
    /// It keeps the index of the lists.
    pub indexes: bool,
}

/// Where gateways are listed.
#[must_use]
pub fn place() -> Name {
    Name { family: "gateways", id: "all".into() }
}

impl Control {
    /// The gateways that are at work, by id. Each is listed for 15 s after its last report.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn gateways(&self) -> Result<Vec<GatewayReport>, Error> {
        let present = self.bus.store().present(&place()).await;
        let present = present.map_err(|error| Error::of(error.is_retryable(), &error))?;
        let mut reports: Vec<GatewayReport> =
            present.iter().filter_map(|(_, report)| crate::json::from_slice(report).ok()).collect();
        reports.sort_by(|a, b| a.gateway.cmp(&b.gateway));
        Ok(reports)
    }
}
