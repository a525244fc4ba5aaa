//! The report of a gateway, so that every gateway can list it.

use std::net::SocketAddr;
use std::sync::Arc;

use runbus::control::gateways::{self, GatewayReport};
use runbus::time::Clock;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::limits;

/// Renews the report until `end`, and takes it back then.
pub async fn keep(app: Arc<App>, id: String, address: SocketAddr, end: CancellationToken) {
    let (store, since) = (app.shared.bus.store().clone(), Clock::System.now());
    loop {
        let shared = &app.shared;
        let report = GatewayReport {
            gateway: id.clone(),
            address: address.to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
            since,
            at: Clock::System.now(),
            connections: shared.max_connections.saturating_sub(shared.connections.available_permits()),
            hubs: shared.hubs.len(),
            monitors: shared.monitors.len(),
            lists: shared.lists.len(),
            indexes: shared.directory.is_keeping(),
        };
        let report = serde_json::to_vec(&report).unwrap_or_default();
        if let Err(error) = store.join(&gateways::place(), &id, report.into(), gateways::STANDS).await {
            tracing::debug!(%error, "the gateway's report was not kept");
        }
        tokio::select! {
            () = tokio::time::sleep(gateways::EVERY) => {}
            () = end.cancelled() => break,
        }
    }
    let place = gateways::place();
    let leaving = store.leave(&place, &id);
    let _ = tokio::time::timeout(limits::PRESENCE_FAREWELL, leaving).await;
}
