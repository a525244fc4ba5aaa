//! From a request to a connection that is translated: the same for every drop-in endpoint.

use std::sync::Arc;

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;

use super::translated::{Opening, Translated, WRONG_KEY};
use crate::api::caller::{Caller, OptionalCaller};
use crate::api::error::Failure;
use crate::app::App;
use crate::connection::gate::Gate;
use crate::connection::{Link, serve};
use crate::openapi::{Operation, Problem};
use crate::protocol::{close, foreign};
use crate::transport::websocket::{self, Ws};

/// axum's argument for a handler that may upgrade.
pub(super) type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// Describes an endpoint that upgrades.
pub(super) fn described(operation: Operation) -> Operation {
    operation
        .says_only(101, "a WebSocket; its messages: docs/dropin.md")
        .refuses([Problem::Invalid, Problem::Connections])
        .takes_stream_tokens()
}

/// The messages of one server for a client that connects.
pub(super) struct Words {
    /// For a client without a valid credential.
    pub(super) refusal: String,
    /// Sent at once to others.
    pub(super) greeting: Option<String>,
}

/// Upgrades a request and serves it. A client without a valid credential is accepted too, gets the refusal, and is
/// closed: browsers show pages nothing of a handshake that fails.
///
/// # Errors
/// It is no upgrade, or the gateway is full.
pub(super) fn open(
    app: &Arc<App>,
    OptionalCaller(caller): OptionalCaller,
    upgrade: Upgrade,
    words: Words,
    opening: impl FnOnce(Caller) -> Opening,
) -> Result<Response, Failure> {
    let upgrade = upgrade.map_err(|error| Failure::invalid("upgrade", error.body_text()))?;
    let upgrade = websocket::sized(upgrade, &app.shared.config);
    let (shared, tasks) = (app.shared.clone(), app.tasks.clone());
    if app.takes_clients().is_err() {
        let reason = (foreign::DRAINING, "draining: connect again");
        return Ok(upgrade.on_upgrade(move |socket| {
            tasks.track_future(async move {
                websocket::reject(socket, &shared, close::DRAINING, None, reason).await;
            })
        }));
    }
    let Some(caller) = caller else {
        // They stay among those who have not said who they are.
        let reason = (foreign::UNAUTHENTICATED, WRONG_KEY);
        return Ok(upgrade.on_upgrade(move |socket| {
            tasks.track_future(async move {
                websocket::reject(socket, &shared, close::UNAUTHENTICATED, Some(words.refusal), reason).await;
            })
        }));
    };
    let place = app.place(caller.peer())?;
    let gate = Gate::open(shared.clone(), caller.ticket()?, place);
    if let Some(peer) = caller.peer() {
        peer.upgrade();
    }
    let client = Translated::new(words.greeting, opening(caller));
    Ok(upgrade
        .on_upgrade(move |socket| tasks.track_future(serve(Ws(socket), client, Link::new(shared, gate)))))
}
