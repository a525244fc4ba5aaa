//! The close of a client's WebSocket.

use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket};
use runbus::metrics::{Close, gateway as metrics};

use super::gate::CloseReason;
use crate::app::Shared;
use crate::limits;

/// Closes a client that may not stay: a page sees the close code, and no status of a handshake that fails.
pub async fn reject_socket(mut socket: WebSocket, shared: &Shared, (code, reason): CloseReason) {
    metrics::CLOSES.of(Close::of(code)).inc();
    close_socket(&mut socket, shared, (code, reason)).await;
}

pub(super) async fn close_socket(socket: &mut WebSocket, shared: &Shared, (code, reason): CloseReason) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let patience = shared.config.write_timeout().min(2 * limits::CLOSE_TIMEOUT);
    // A client that is gone or stuck needs no close frame.
    let _ = tokio::time::timeout(patience, socket.send(Frame::Close(Some(frame)))).await;
    // The rest of its messages is read for a moment: a connection that is dropped with something unread is reset, and the code
    // may be lost with it.
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(limits::CLOSE_TIMEOUT, rest).await;
}
