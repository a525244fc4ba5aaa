//! From a request to a connection that is translated: the same for every drop-in endpoint.

use std::sync::Arc;

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;
use futures_util::future::BoxFuture;

use crate::api::caller::{Caller, OptionalCaller};
use crate::api::error::Failure;
use crate::app::App;
use crate::connection::gate::Gate;
use crate::connection::reject_socket;
use crate::connection::translated::{Connection, refuse};
use crate::limits;
use crate::openapi::{Operation, Problem};
use crate::protocol::foreign;

/// axum's argument for a handler that may upgrade.
pub(super) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Describes an endpoint that upgrades.
pub(super) fn described(operation: Operation) -> Operation {
    operation
        .says_only(101, "a WebSocket; its messages: docs/dropin.md")
        .refuses([Problem::Invalid, Problem::Connections])
        .takes_stream_tokens()
}

/// Upgrades a request and serves it. A client without a valid credential is accepted too, gets `refusal`, and is
/// closed: browsers show pages nothing of a handshake that fails.
///
/// # Errors
/// It is no upgrade, or the gateway is full.
pub(super) fn open(
    app: &Arc<App>,
    OptionalCaller(caller): OptionalCaller,
    upgrade: Upgrade,
    refusal: String,
    serve: impl FnOnce(Connection, Caller) -> BoxFuture<'static, ()> + Send + 'static,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|error| Failure::invalid("upgrade", error.body_text()))?;
    let config = &app.shared.config;
    let upgrade = upgrade
        .read_buffer_size(limits::READ_BUFFER_BYTES)
        .write_buffer_size(limits::WRITE_BUFFER_BYTES)
        .max_write_buffer_size(2 * config.client_buffer_bytes + runbus::limits::EVENT_BYTES * 4)
        .max_message_size(config.max_message_bytes)
        .max_frame_size(config.max_message_bytes);
    let (shared, tasks) = (app.shared.clone(), app.tasks.clone());
    if app.takes_clients().is_err() {
        return Ok(upgrade.on_upgrade(move |socket| {
            tasks.track_future(async move {
                reject_socket(socket, &shared, (foreign::DRAINING, "draining: connect again")).await;
            })
        }));
    }
    let Some(caller) = caller else {
        // They stay among those who have not said who they are.
        return Ok(upgrade.on_upgrade(move |socket| {
            tasks.track_future(async move { refuse(socket, &shared, refusal).await })
        }));
    };
    let place = app.place(caller.peer())?;
    let gate = Gate::open(shared.clone(), caller.ticket()?, place);
    if let Some(peer) = caller.peer() {
        peer.upgrade();
    }
    Ok(upgrade.on_upgrade(move |socket| {
        tasks.track_future(async move {
            serve(Connection::new(socket, shared, gate), caller).await;
        })
    }))
}
