//! How a recorded body is sent: in which pieces, how fast, and where it breaks.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};
use tokio::sync::watch;

/// In which pieces a body is sent, and how fast.
#[derive(Debug, Clone, Copy)]
pub struct Chunking {
    /// Decides the sizes: the same seed gives the same pieces.
    pub seed: u64,
    /// The largest piece in bytes; each has 1 to this many, cut at any byte.
    pub max_bytes: usize,
    /// The time before each piece.
    pub pace: Duration,
}

impl Default for Chunking {
    /// Up to 1 KiB, as fast as it goes.
    fn default() -> Self {
        Self { seed: 1, max_bytes: 1024, pace: Duration::ZERO }
    }
}

/// The fault to inject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing.
    #[default]
    AsRecorded,
    /// The connection breaks after that many bytes of the body.
    Break(usize),
    /// The body ends after that many bytes, as if it were complete.
    End(usize),
    /// Nothing more comes after that many bytes, and the connection stays open.
    Stall(usize),
    /// After that many bytes comes an event that is no JSON.
    Garbage(usize),
    /// Another response.
    Refuse {
        /// Its HTTP status.
        status: u16,
        /// Its body.
        body: String,
        /// Its `retry-after` in seconds.
        retry_after: Option<u64>,
    },
}

/// Counts the bodies that their reader dropped before the end.
pub(super) struct Guard {
    aborted: Arc<watch::Sender<usize>>,
    complete: bool,
}

impl Guard {
    pub(super) fn new(aborted: Arc<watch::Sender<usize>>) -> Self {
        Self { aborted, complete: false }
    }

    fn complete(mut self) {
        self.complete = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.complete {
            self.aborted.send_modify(|count| *count += 1);
        }
    }
}

/// The body's pieces.
pub(super) fn pieces(
    body: &str,
    chunking: Chunking,
    mode: &Mode,
    guard: Guard,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let all = body.as_bytes();
    let end = match mode {
        Mode::Break(bytes) | Mode::End(bytes) | Mode::Stall(bytes) | Mode::Garbage(bytes) => {
            all.len().min(*bytes)
        }
        Mode::AsRecorded | Mode::Refuse { .. } => all.len(),
    };
    let mut sent: VecDeque<Bytes> = cut(&all[..end], chunking).into();
    if let Mode::Garbage(_) = mode {
        sent.push_back(Bytes::from_static(b"\n\ndata: {\"choices\": [{]]\xff\xfe\n\n"));
    }
    let last = match mode {
        Mode::Break(_) => Some(Last::Break),
        Mode::Stall(_) => Some(Last::Stall),
        _ => None,
    };
    stream::unfold((sent, last, Some(guard)), move |(mut sent, mut last, mut guard)| async move {
        if let Some(piece) = sent.pop_front() {
            if !chunking.pace.is_zero() {
                tokio::time::sleep(chunking.pace).await;
            }
            if sent.is_empty() && last.is_none() {
                // From here on a reader who leaves has all of it.
                guard.take().into_iter().for_each(Guard::complete);
            }
            return Some((Ok(piece), (sent, last, guard)));
        }
        match last.take()? {
            Last::Stall => future::pending().await,
            Last::Break => {
                guard.take().into_iter().for_each(Guard::complete);
                // The server writes out what it has buffered when it has to wait, and not when it fails.
                tokio::task::yield_now().await;
                Some((Err(io::Error::other("broken on purpose")), (sent, None, None)))
            }
        }
    })
    .boxed()
}

/// The event after the last piece, other than the end.
enum Last {
    Break,
    Stall,
}

/// Cuts a body at places that a seed decides.
fn cut(body: &[u8], chunking: Chunking) -> Vec<Bytes> {
    // xorshift64: all that is needed is that the same seed gives the same cuts.
    let mut state = chunking.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut pieces = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let modulus = u64::try_from(chunking.max_bytes.max(1)).unwrap_or(u64::MAX);
        let size = usize::try_from(state % modulus).unwrap_or(0) + 1;
        let (piece, after) = rest.split_at(size.min(rest.len()));
        pieces.push(Bytes::copy_from_slice(piece));
        rest = after;
    }
    pieces
}
