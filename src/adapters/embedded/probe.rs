//! Readiness is a write: a full disk answers reads, and empty transactions too.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::limits;
use super::transaction::Transaction;
use super::writer::{Failure, Writer};

/// What is known of the disk.
#[derive(Debug, Default)]
pub(super) struct Probe {
    /// A transaction was refused since a probe of [`limits::PROBE_BYTES`] was taken.
    is_suspect: AtomicBool,
    /// The last answer. Callers that come together share one.
    last: Mutex<Option<(Instant, Result<(), Failure>)>>,
}

impl Probe {
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
        let outcome = writer.call(bytes as usize, move |transaction| write(transaction, bytes)).await;
        if outcome.is_ok() && is_suspect {
            self.is_suspect.store(false, Ordering::Release);
        }
        *last = Some((Instant::now(), outcome.clone()));
        outcome
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
