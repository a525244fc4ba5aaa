//! Housekeeping in small steps: removes events beyond age or size, and expired rows.

use super::config::Config;
use super::limits;
use super::transaction::Transaction;
use crate::subject::Lane;

/// The retention limits of events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retention {
    max_age_micros: Option<i64>,
    max_bytes: Option<i64>,
}

/// Tables with `expires_at`.
const EXPIRING: [&str; 5] = ["job_keys", "projections", "leases", "presence", "remembered"];

impl Retention {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            max_age_micros: config.max_age_hours.map(|hours| i64::from(hours) * 3_600_000_000),
            max_bytes: config
                .max_bytes_mib
                .map(|mib| i64::try_from(mib.saturating_mul(1 << 20)).unwrap_or(i64::MAX)),
        }
    }

    /// One step. True: there is more to do.
    pub(super) fn step(self, transaction: &mut Transaction<'_>) -> rusqlite::Result<bool> {
        let now = transaction.now()?.micros();
        let mut more = false;
        for table in EXPIRING {
            let sql = format!(
                "DELETE FROM {table} WHERE rowid IN
                    (SELECT rowid FROM {table} WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)"
            );
            let removed =
                transaction.connection.prepare_cached(&sql)?.execute((now, limits::HOUSEKEEPING_ROWS))?;
            more |= removed == limits::HOUSEKEEPING_ROWS as usize;
        }
        // Frames are as old as the machine's clock says.
        let now = transaction.stamp().micros();
        Ok(self.prune(transaction, now)? || more)
    }

    fn prune(self, transaction: &mut Transaction<'_>, now: i64) -> rusqlite::Result<bool> {
        let end = *transaction.end(Lane::Events);
        let over = self.max_bytes.map_or(0, |max| end.bytes - max);
        let oldest = self.max_age_micros.map_or(i64::MIN, |age| now - age);
        if over <= 0 && oldest == i64::MIN {
            return Ok(false);
        }
        // From the oldest on, until one is neither too old nor in the way.
        let mut bytes = 0;
        let mut removed = 0;
        let mut up_to = None;
        {
            let mut read = transaction.connection.prepare_cached(
                "SELECT sequence, stored_at, length(payload) FROM events ORDER BY sequence LIMIT ?1",
            )?;
            let mut rows = read.query([limits::HOUSEKEEPING_ROWS])?;
            while let Some(row) = rows.next()? {
                let (sequence, stored_at, length): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                if bytes >= over && stored_at >= oldest {
                    break;
                }
                (up_to, removed, bytes) = (Some(sequence), removed + 1, bytes + length);
            }
        }
        let Some(up_to) = up_to else { return Ok(false) };
        transaction.connection.prepare_cached("DELETE FROM events WHERE sequence <= ?1")?.execute([up_to])?;
        let end = transaction.end(Lane::Events);
        end.frames -= removed;
        end.bytes -= bytes;
        end.changed = true;
        Ok(removed == i64::from(limits::HOUSEKEEPING_ROWS))
    }
}
