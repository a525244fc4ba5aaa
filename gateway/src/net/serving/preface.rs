//! Which HTTP a client speaks that sends no TLS: HTTP/2 begins with a text that no request of HTTP/1 begins with.

use std::time::Duration;

use axum::http::Version;
use runbus::metrics::{Cut, gateway as metrics};
use tokio::net::TcpStream;

use crate::limits;

/// The beginning of HTTP/2's first bytes. No method of HTTP/1 is called so.
const PREFACE: &[u8] = b"PRI ";

/// Pause before a client is looked at again that sent less than that.
const PAUSE: Duration = Duration::from_millis(5);

/// The version of HTTP that the client speaks. Its bytes stay where they are; `None`: it sent nothing in time, or went away.
pub(super) async fn version(stream: &TcpStream) -> Option<Version> {
    let looking = async {
        let mut seen = [0; PREFACE.len()];
        loop {
            let count = stream.peek(&mut seen).await.ok().filter(|count| *count > 0)?;
            let seen = seen.get(..count)?;
            if !PREFACE.starts_with(seen) {
                return Some(Version::HTTP_11);
            }
            if count == PREFACE.len() {
                return Some(Version::HTTP_2);
            }
            // The same bytes are there until more come.
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(limits::HEAD_PATIENCE, looking).await.unwrap_or_else(|_elapsed| {
        metrics::SOCKETS_CUT.of(Cut::Head).inc();
        None
    })
}
