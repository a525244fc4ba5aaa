//! The transport of a WebSocket, and its close.

use axum::extract::WebSocketUpgrade;
use axum::extract::ws::{CloseFrame, Message as Frame, Utf8Bytes, WebSocket};
use futures_util::SinkExt;
use runbus::metrics::{self, Close, gateway};

use crate::app::Shared;
use crate::config::Config;
use crate::connection::gate::CloseReason;
use crate::connection::{Gone, Heard, Transport};
use crate::limits;

/// The buffers are small: the defaults cost 128 KiB for every connection.
pub(crate) fn sized(upgrade: WebSocketUpgrade, config: &Config) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(limits::READ_BUFFER_BYTES)
        .write_buffer_size(limits::WRITE_BUFFER_BYTES)
        .max_write_buffer_size(2 * config.client_buffer_bytes + runbus::limits::EVENT_BYTES * 4)
        .max_message_size(config.max_message_bytes)
        .max_frame_size(config.max_message_bytes)
}

/// A client's WebSocket.
#[derive(Debug)]
pub struct Ws(pub WebSocket);

impl Transport for Ws {
    const KIND: metrics::Transport = metrics::Transport::Ws;
    const HEARS: bool = true;
    const STAYS: bool = true;

    async fn hear(&mut self) -> Heard {
        match self.0.recv().await {
            Some(Ok(frame @ (Frame::Text(_) | Frame::Binary(_)))) => Heard::Message(frame),
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Heard::Sign,
            Some(Err(error)) => {
                tracing::debug!(%error, "a client's connection broke");
                Heard::Broken
            }
            Some(Ok(Frame::Close(_))) | None => Heard::Gone,
        }
    }

    async fn feed(&mut self, frame: Frame) -> Result<(), Gone> {
        self.0.feed(frame).await.map_err(|_| Gone)
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.0.flush().await.map_err(|_| Gone)
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.0.send(Frame::Ping(bytes::Bytes::new())).await.map_err(|_| Gone)
    }

    async fn close(&mut self, shared: &Shared, reason: Option<CloseReason>) {
        match reason {
            Some(reason) => close(&mut self.0, shared, reason).await,
            None => {
                // Completes the closing handshake if the client began it.
                let _ = tokio::time::timeout(limits::CLOSE_TIMEOUT, SinkExt::close(&mut self.0)).await;
            }
        }
    }
}

/// Closes a client that may not stay: a page sees the close code, and no status of a handshake that fails. `cause`: the native close
/// code, `message`: a last message.
pub async fn reject(
    mut socket: WebSocket,
    shared: &Shared,
    cause: u16,
    message: Option<String>,
    reason: CloseReason,
) {
    gateway::CLOSES.of(Close::of(cause)).inc();
    if let Some(message) = message {
        let sent = socket.send(Frame::Text(message.into()));
        let _ = tokio::time::timeout(limits::CLOSE_TIMEOUT, sent).await;
    }
    close(&mut socket, shared, reason).await;
}

async fn close(socket: &mut WebSocket, shared: &Shared, (code, reason): CloseReason) {
    let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
    let patience = shared.config.write_timeout().min(2 * limits::CLOSE_TIMEOUT);
    // A client that is gone or stuck needs no close frame.
    let _ = tokio::time::timeout(patience, socket.send(Frame::Close(Some(frame)))).await;
    // The rest of its messages is read for a moment: a connection that is dropped with something unread is reset, and the code
    // may be lost with it.
    let rest = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(limits::CLOSE_TIMEOUT, rest).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::serve;
    use crate::dialect::native::Native;

    const fn size<A, B, C, F>(_: &impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_client_is_small() {
        // Every connection has one for as long as it stands.
        let size = size(&serve::<Ws, Native>);
        assert!(size <= 1536, "{size} bytes");
    }
}
