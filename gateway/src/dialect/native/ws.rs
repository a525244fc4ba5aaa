//! `GET /v1/ws`: the native protocol over WebSocket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{State, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use runbus::telemetry;

use super::client::Native;
use crate::api::caller::{Caller, OfPage, OptionalCaller, Refused};
use crate::api::error::Failure;
use crate::app::{App, Endpoint};
use crate::auth::{Refusal, Rule};
use crate::connection::gate::{self, CloseReason, Gate};
use crate::connection::{Link, serve};
use crate::net::shared_socket::SharedSocket;
use crate::net::sockets::{LimitReached, Peer};
use crate::openapi::{Operation, Problem};
use crate::protocol::{Encoding, close};
use crate::transport::websocket::{self, Ws, sized};

/// The endpoints of this module.
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

/// Upgrades a request to a WebSocket. A page that is refused gets one too, closed with a code that it sees.
pub async fn upgrade(
    State(app): State<Arc<App>>,
    OptionalCaller(caller): OptionalCaller,
    shared_socket: Option<Extension<Arc<SharedSocket>>>,
    peer: Option<Extension<Peer>>,
    refused: Option<Extension<Refused>>,
    page: Option<Extension<OfPage>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(error) => return Failure::invalid("upgrade", error.body_text()).into_response(),
    };
    let shared_socket = shared_socket.map(|Extension(shared_socket)| shared_socket);
    let peer = peer.map(|Extension(peer)| peer);
    let gate = match (refused, caller) {
        _ if app.takes_clients().is_err() => Err(Turned::Draining),
        (Some(Extension(Refused(refusal))), _) => Err(Turned::Refused(refusal)),
        (None, Some(caller)) => open(&app, &caller, peer.as_ref()),
        (None, None) => Ok(Gate::closed(app.shared.clone(), peer.clone())),
    };
    let gate = match gate {
        Ok(gate) => gate,
        Err(turned) if page.is_some() || matches!(turned, Turned::Draining) => {
            let upgrade = upgrade.protocols(Encoding::ALL.map(Encoding::subprotocol));
            let (shared, tasks) = (app.shared.clone(), app.tasks.clone());
            // The socket stays among those whose client is unknown: the oldest of them goes when a place is needed.
            return sized(upgrade, &app.shared.config).on_upgrade(move |socket| {
                tasks.track_future(async move {
                    let reason = turned.close_reason();
                    websocket::reject(socket, &shared, reason.0, None, reason).await;
                })
            });
        }
        Err(turned) => return turned.failure().into_response(),
    };
    if let Some(peer) = peer {
        peer.upgrade();
    }
    let (shared, tasks) = (app.shared.clone(), app.tasks.clone());
    let upgrade = upgrade.protocols(Encoding::ALL.map(Encoding::subprotocol));
    let encoding = Encoding::of(upgrade.selected_protocol().map(axum::http::HeaderValue::as_bytes));
    // The connection outlives the request and its span; the client's commands belong to the same trace.
    let trace = telemetry::current_trace().map(Arc::new);
    sized(upgrade, &app.shared.config).on_upgrade(move |socket| {
        let link = Link::new(shared, gate);
        let client = serve(Ws(socket), Native::new(encoding, shared_socket, &link), link);
        // Passing on what is not there would cost every delivery.
        tasks.track_future(match trace {
            Some(_) => Either::Left(telemetry::passing(trace, client)),
            None => Either::Right(client),
        })
    })
}

fn open(app: &App, caller: &Caller, peer: Option<&Peer>) -> Result<Gate, Turned> {
    let place = app.shared.place(peer).map_err(Turned::LimitReached)?;
    let ticket = caller.right().map_err(Turned::Refused)?;
    Ok(Gate::open(app.shared.clone(), ticket, place))
}

const DRAINING: CloseReason = (close::DRAINING, "draining: connect again with the last cursor");

/// Why a client does not stay.
enum Turned {
    Draining,
    Refused(Refusal),
    LimitReached(LimitReached),
}

impl Turned {
    /// The answer for a program, which sees the status.
    fn failure(self) -> Failure {
        match self {
            Self::Draining => Failure::unavailable(DRAINING.1),
            Self::Refused(refusal) => refusal.into(),
            Self::LimitReached(limit_reached) => limit_reached.into(),
        }
    }

    /// The answer for a page, which sees the close code alone.
    fn close_reason(self) -> CloseReason {
        match self {
            Self::Draining => DRAINING,
            Self::Refused(refusal) => gate::refused(refusal),
            Self::LimitReached(limit_reached) => gate::limit_reached(limit_reached),
        }
    }
}
