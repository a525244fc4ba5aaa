//! A WebSocket client that costs as little as a client can: it shakes hands, subscribes, and searches the received bytes for the
//! events that it counts.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

/// Any key will do: the answer is not checked.
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAA==";

/// A connection, behind its handshake.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) socket: TcpStream,
}

/// The address of `ws://address/path`.
pub(crate) fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let rest = url.strip_prefix("ws://").context("no ws:// address")?;
    Ok(rest.split('/').next().unwrap_or(rest).parse()?)
}

impl Raw {
    /// Connects and subscribes; `buffer`: bytes of the socket's receive buffer, the kernel's choice when absent.
    pub(crate) async fn subscribe(
        address: SocketAddr,
        protocol: &str,
        subscribe: &Value,
        buffer: Option<u32>,
    ) -> anyhow::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let mut socket = socket.connect(address).await?;
        socket.set_nodelay(true)?;
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        let mut raw = Self { socket };
        let answer = raw.until(b"\r\n\r\n").await?;
        ensure!(answer.starts_with(b"HTTP/1.1 101"), "refused: {}", String::from_utf8_lossy(&answer));
        let frame = masked(protocol, subscribe)?;
        raw.socket.write_all(&frame).await?;
        raw.until(b"subscribed").await?;
        Ok(raw)
    }

    /// Reads until the bytes have come.
    async fn until(&mut self, wanted: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut found = Vec::new();
        let mut byte = [0];
        // One by one, so that nothing behind them is taken.
        while !found.ends_with(wanted) {
            ensure!(self.socket.read(&mut byte).await? == 1, "closed: {}", String::from_utf8_lossy(&found));
            found.push(byte[0]);
        }
        Ok(found)
    }
}

/// One masked message; the mask is zero, so that it changes nothing.
fn masked(protocol: &str, value: &Value) -> anyhow::Result<Vec<u8>> {
    let (opcode, payload) = if protocol.ends_with("cbor") {
        (0x82, cbor4ii::serde::to_vec(Vec::new(), value)?)
    } else {
        (0x81, value.to_string().into_bytes())
    };
    let mut frame = vec![opcode];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(payload.len())?.to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&payload);
    Ok(frame)
}

/// Finds a text in bytes that come in pieces.
#[derive(Debug)]
pub(crate) struct Finder {
    wanted: &'static [u8],
    matched: usize,
}

impl Finder {
    /// Looks for a text whose first byte does not come again in it.
    pub(crate) const fn new(wanted: &'static [u8]) -> Self {
        Self { wanted, matched: 0 }
    }

    /// How often it ends in this piece.
    pub(crate) fn count(&mut self, piece: &[u8]) -> usize {
        let mut found = 0;
        for &byte in piece {
            if byte == self.wanted[self.matched] {
                self.matched += 1;
                if self.matched == self.wanted.len() {
                    (found, self.matched) = (found + 1, 0);
                }
            } else {
                self.matched = usize::from(byte == self.wanted[0]);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_across_pieces() {
        let mut finder = Finder::new(b"\"cursor");
        assert_eq!(
            [&b"{\"\"cur"[..], b"sor\":\"cursor", b"\"cursor\"cursor"].map(|piece| finder.count(piece)),
            [0, 2, 2]
        );
    }
}
