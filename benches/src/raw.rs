//! A reader that costs next to nothing: after the handshake it only counts what comes.

use anyhow::{Context as _, ensure};
use memchr::memmem::Finder;
use runbus::id::{ExecutionId, StreamId};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::gateway::Client;

/// What every event has exactly once, in every encoding of JSON: its type is not enough, other messages have one.
const MARK: &[u8] = b"\"execution_id\":";

/// Bytes taken at once.
const BUFFER: usize = 64 << 10;

/// Counts events of a socket without looking at them.
pub(crate) struct Raw {
    socket: TcpStream,
    finder: Finder<'static>,
    buffer: Vec<u8>,
    /// Of the buffer, what may be the beginning of a mark.
    kept: usize,
    /// Events so far.
    pub(crate) events: usize,
    /// Bytes so far.
    pub(crate) bytes: usize,
}

impl Raw {
    /// Connects, subscribes to what comes from now on, and from then on only counts.
    pub(crate) async fn follow(
        address: &str,
        stream: &StreamId,
        execution: &ExecutionId,
    ) -> anyhow::Result<Self> {
        let mut client = Client::connect(address).await?;
        client.subscribe(Some(stream), execution).await?;
        client.until("caught_up").await?;
        Ok(Self::of(client.into_socket()?))
    }

    /// Counts what comes on a socket.
    pub(crate) fn of(socket: TcpStream) -> Self {
        let finder = Finder::new(MARK);
        Self { socket, finder, buffer: vec![0; BUFFER], kept: 0, events: 0, bytes: 0 }
    }

    /// Reads until there are so many events in all.
    pub(crate) async fn until(&mut self, events: usize) -> anyhow::Result<()> {
        while self.events < events {
            let free = self.buffer.get_mut(self.kept..).context("the buffer is larger than a mark")?;
            let read = self.socket.read(free).await?;
            ensure!(read > 0, "the server closed after {} of {events} events", self.events);
            self.bytes += read;
            let filled = self.kept + read;
            let text = self.buffer.get(..filled).unwrap_or_default();
            self.events += self.finder.find_iter(text).count();
            // A mark may be cut in two; one that ended here is not counted again.
            let last = filled.min(MARK.len() - 1);
            self.buffer.copy_within(filled - last..filled, 0);
            self.kept = last;
        }
        Ok(())
    }
}
