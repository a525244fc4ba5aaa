//! Readiness is a write: a full disk answers reads, and empty transactions too. And it is a look at the disk: small writes still
//! fit into files that have been longer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::limits;
use super::transaction::Transaction;
use super::writer::{Failure, Writer};

/// The state of the disk.
#[derive(Debug)]
pub(super) struct Probe {
    /// The folder of the database.
    folder: PathBuf,
    /// A transaction was refused since a probe of [`limits::PROBE_BYTES`] was taken.
    is_suspect: AtomicBool,
    /// The last answer. Callers that come together share one.
    last: Mutex<Option<(Instant, Result<(), Failure>)>>,
}

impl Probe {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, is_suspect: AtomicBool::new(false), last: Mutex::default() }
    }

    /// The disk refused a transaction.
    pub(super) fn refused(&self) {
        self.is_suspect.store(true, Ordering::Release);
    }

    /// Writes, unless the last answer is recent. After a refusal the disk must take more than a few bytes: those fit into
    /// the last page of a full one.
    pub(super) async fn run(&self, writer: &Writer) -> Result<(), Failure> {
        let mut last = self.last.lock().await;
        let is_suspect = self.is_suspect.load(Ordering::Acquire);
        if let Some((at, outcome)) = &*last
            && at.elapsed() < limits::PROBE_INTERVAL
            && outcome.is_err() == is_suspect
        {
            return outcome.clone();
        }
        let bytes = if is_suspect { limits::PROBE_BYTES } else { 0 };
        let folder = self.folder.clone();
        // On the writer's thread: a disk that hangs answers neither.
        let outcome = writer
            .call(bytes as usize, move |transaction| {
                write(transaction, bytes)?;
                Ok(free(&folder))
            })
            .await
            .and_then(|free| room(&self.folder, free));
        if outcome.is_ok() && is_suspect {
            self.is_suspect.store(false, Ordering::Release);
        }
        *last = Some((Instant::now(), outcome.clone()));
        outcome
    }
}

/// The bytes that the disk has left for this user, if the system says so.
fn free(folder: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

fn room(folder: &Path, free: Option<u64>) -> Result<(), Failure> {
    match free {
        Some(free) if free < limits::DISK_BYTES => Err(Failure::Retry(format!(
            "the disk of {} is full: {free} bytes are left, {} are needed",
            folder.display(),
            limits::DISK_BYTES
        ))),
        _ => Ok(()),
    }
}

fn write(transaction: &mut Transaction<'_>, bytes: u32) -> rusqlite::Result<()> {
    let now = transaction.now()?.micros();
    transaction
        .connection
        .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('probe', ?1)")?
        .execute([now])?;
    if bytes > 0 {
        // Expires at once: the next housekeeping removes it.
        transaction
            .connection
            .prepare_cached("INSERT OR REPLACE INTO remembered VALUES ('probe', '', zeroblob(?1), ?2)")?
            .execute((bytes, now))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_with_too_little_left_is_full() {
        let folder = Path::new("/data");
        assert!(room(folder, None).is_ok() && room(folder, Some(limits::DISK_BYTES)).is_ok());
        let full = room(folder, Some(4096)).unwrap_err().to_string();
        assert!(full.contains("/data is full: 4096 bytes"), "{full}");
        assert!(free(Path::new("/")).is_some());
    }
}
