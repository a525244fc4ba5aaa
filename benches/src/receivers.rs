//! Readers of many sockets that count what they get.

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::ensure;
use runbus::time::{Clock, Timestamp};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::raw::Finder;

/// How long readers that look rest when they found nothing.
pub(crate) const PAUSE: Duration = Duration::from_millis(2);

const BUFFER_BYTES: usize = 8192;

/// How readers notice that something came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// They poll now and then: a writer wakes nobody.
    Look,
    /// The kernel wakes them.
    Woken,
}

/// The events that all readers have got.
#[derive(Debug, Default)]
pub(crate) struct Got {
    events: AtomicUsize,
    bytes: AtomicUsize,
    wanted: AtomicUsize,
    reached: Notify,
}

impl Got {
    /// Bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    /// Begins to count again.
    pub(crate) fn clear(&self) {
        self.events.store(0, Ordering::SeqCst);
        self.bytes.store(0, Ordering::SeqCst);
    }

    fn add(&self, events: usize, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        let all = self.events.fetch_add(events, Ordering::SeqCst) + events;
        if all >= self.wanted.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }

    /// Returns when all together have got so many events.
    pub(crate) async fn reach(&self, wanted: usize) {
        self.wanted.store(wanted, Ordering::SeqCst);
        while self.events.load(Ordering::SeqCst) < wanted {
            self.reached.notified().await;
        }
    }
}

/// Ends the readers when it is dropped.
#[derive(Debug)]
pub(crate) struct Readers {
    _tasks: JoinSet<anyhow::Result<()>>,
    stop: Arc<AtomicBool>,
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// Reads from all.
pub(crate) fn start(
    sockets: Vec<(TcpStream, Finder)>,
    manner: Manner,
) -> anyhow::Result<(Arc<Got>, Readers)> {
    let got = Arc::new(Got::default());
    let (mut tasks, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
    match manner {
        Manner::Woken => {
            for (socket, finder) in sockets {
                tasks.spawn(read(socket, finder, got.clone()));
            }
        }
        Manner::Look => {
            // Away from the runtime's poller, so that the kernel has nobody to wake.
            let mut quiet = Vec::with_capacity(sockets.len());
            for (socket, finder) in sockets {
                quiet.push((socket.into_std()?, finder));
            }
            let (got, stop) = (got.clone(), stop.clone());
            tasks.spawn_blocking(move || look(quiet, &got, &stop));
        }
    }
    Ok((got, Readers { _tasks: tasks, stop }))
}

async fn read(mut socket: TcpStream, mut finder: Finder, got: Arc<Got>) -> anyhow::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let read = socket.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        got.add(finder.count(&buffer[..read]), read);
    }
}

fn look(mut sockets: Vec<(std::net::TcpStream, Finder)>, got: &Got, stop: &AtomicBool) -> anyhow::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    while !stop.load(Ordering::SeqCst) {
        let mut found = false;
        for (socket, finder) in &mut sockets {
            match socket.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(read) => {
                    found = true;
                    got.add(finder.count(&buffer[..read]), read);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        if !found {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(())
}

/// Reads the times that events carry, of bytes that come in pieces.
#[derive(Debug, Default)]
struct Stamps {
    /// How much of [`Self::FIELD`] has come.
    matched: usize,
    /// The received bytes of a time stamp.
    time: Vec<u8>,
}

impl Stamps {
    /// The end of the field's name; its first byte does not come again in it.
    const FIELD: &[u8] = b"estamp\":\"";

    fn read(&mut self, piece: &[u8], mut each: impl FnMut(Timestamp)) -> anyhow::Result<()> {
        for &byte in piece {
            if self.matched < Self::FIELD.len() {
                let is_next = byte == Self::FIELD[self.matched];
                self.matched = if is_next { self.matched + 1 } else { usize::from(byte == Self::FIELD[0]) };
            } else if byte == b'"' {
                each(std::str::from_utf8(&self.time)?.parse()?);
                self.matched = 0;
                self.time.clear();
            } else {
                self.time.push(byte);
            }
        }
        Ok(())
    }
}

/// Reads from a gateway, and says how old each event is when it comes, in microseconds; `false` ends it.
pub(crate) async fn ages(mut socket: TcpStream, mut each: impl FnMut(u64) -> bool) -> anyhow::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut stamps = Stamps::default();
    let mut goes_on = true;
    while goes_on {
        let read = socket.read(&mut buffer).await?;
        ensure!(read > 0, "closed");
        let now = Clock::System.now();
        stamps.read(&buffer[..read], |time| {
            goes_on &= each(u64::try_from(now.since(time).as_micros()).unwrap_or(u64::MAX));
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_across_pieces() {
        let text = "{\"timestamp\":\"2026-01-01T00:00:00.000001Z\"}{\"estimestamp\":\"2026-01-01T00:00:00.000002Z\"}";
        let begin = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap().micros();
        for size in [1, 7, text.len()] {
            let (mut stamps, mut found) = (Stamps::default(), Vec::new());
            for piece in text.as_bytes().chunks(size) {
                stamps.read(piece, |time| found.push(time.micros() - begin)).unwrap();
            }
            assert_eq!(found, [1, 2]);
        }
    }
}
