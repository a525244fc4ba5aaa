//! `GET /v1/ws`: the native protocol over WebSocket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use runbus::telemetry;

use crate::api::caller::{Caller, Perhaps};
use crate::api::error::Failure;
use crate::auth::Rule;
use crate::connection;
use crate::connection::gate::Gate;
use crate::limits;
use crate::line::Line;
use crate::openapi::{Endpoint, Operation, Problem};
use crate::protocol::Dialect;
use crate::router::App;
use crate::sockets::Peer;

/// What is here.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/v1/ws",
        Rule::Later,
        Operation::new(
            "connect",
            "Events as they happen, and commands (WebSocket, subprotocol `runbus.v1` or `runbus.v1.cbor`)",
        )
        .says("The protocol: docs/protocol.md.")
        .says_only(101, "a WebSocket")
        .refuses([Problem::Invalid, Problem::Connections])
        .takes_stream_tokens(),
        upgrade,
    )]
}

/// Upgrades a request to a WebSocket.
///
/// The buffers are small: the defaults cost 128 KiB for every connection.
pub async fn upgrade(
    State(app): State<Arc<App>>,
    Perhaps(caller): Perhaps,
    line: Option<Extension<Arc<Line>>>,
    peer: Option<Extension<Peer>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(error) => return Failure::invalid("upgrade", error.body_text()).into_response(),
    };
    let line = line.map(|Extension(line)| line);
    let peer = peer.map(|Extension(peer)| peer);
    let gate = match gate(&app, caller, peer.clone()) {
        Ok(gate) => gate,
        Err(failure) => return failure.into_response(),
    };
    if let Some(peer) = peer {
        peer.upgrade();
    }
    let config = &app.shared.config;
    let (shared, tasks) = (app.shared.clone(), app.tasks.clone());
    let upgrade = upgrade.protocols(Dialect::ALL.map(Dialect::subprotocol));
    let dialect = Dialect::of(upgrade.selected_protocol().map(axum::http::HeaderValue::as_bytes));
    // The connection outlives the request and its span; what its client does belongs to the same trace.
    let trace = telemetry::current_trace().map(Arc::new);
    upgrade
        .read_buffer_size(limits::READ_BUFFER_BYTES)
        .write_buffer_size(limits::WRITE_BUFFER_BYTES)
        .max_write_buffer_size(2 * config.client_buffer_bytes + runbus::limits::EVENT_BYTES * 4)
        .max_message_size(config.max_message_bytes)
        .max_frame_size(config.max_message_bytes)
        .on_upgrade(move |socket| {
            let client = connection::serve(socket, line, dialect, shared, gate);
            // Passing on what is not there would cost every delivery.
            tasks.track_future(match trace {
                Some(_) => Either::Left(telemetry::passing(trace, client)),
                None => Either::Right(client),
            })
        })
}

fn gate(app: &App, caller: Option<Caller>, peer: Option<Peer>) -> Result<Gate, Failure> {
    app.takes_clients()?;
    match caller {
        Some(caller) => {
            let place = app.place(peer.as_ref())?;
            Ok(Gate::open(app.shared.clone(), caller.ticket()?, place))
        }
        None => Ok(Gate::closed(app.shared.clone(), peer)),
    }
}
