//! Serves HTTP/1.1 on accepted connections, with buffers of a stated size.
//!
//! `axum::serve` leaves hyper's buffers as they are: up to 400 KiB are prepared for an event stream that nobody reads.

use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::limits;
use crate::listener::{Patient, Socket};

/// Accepts and serves until `stop`; then ends connections behind the answers that they are at. Ends when all have; `hard` cuts.
pub(crate) async fn serve(
    mut listener: Patient,
    router: Router,
    stop: CancellationToken,
    hard: CancellationToken,
) {
    let connections = TaskTracker::new();
    let ends = Arc::new((stop, hard));
    loop {
        let socket = tokio::select! {
            (socket, _address) = listener.accept() => socket,
            () = ends.0.cancelled() => break,
            () = ends.1.cancelled() => break,
        };
        connections.spawn(connection(socket, router.clone(), ends.clone()));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

async fn connection(socket: Socket, router: Router, ends: Arc<(CancellationToken, CancellationToken)>) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::REQUEST_PATIENCE)
        .max_buf_size(limits::HTTP_BUFFER_BYTES)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router))
        .with_upgrades();
    let mut serving = pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = ends.1.cancelled() => return,
        () = ends.0.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = serving => outcome,
                () = ends.1.cancelled() => return,
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended");
    }
}
