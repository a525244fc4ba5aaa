//! The queue: a table of jobs, each with the time from which it may be delivered.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::OptionalExtension;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits;
use super::readers::{self, Readers};
use super::time::Time;
use super::transaction::Transaction;
use super::writer::{self, Writer};
use crate::limits::DUPLICATE_WINDOW;
use crate::queue::{Class, Delivery, Error, Queue};

/// Wakes the pulls of a class that wait in this process.
#[derive(Debug, Clone, Default)]
pub(super) struct Due(Arc<Mutex<HashMap<String, Arc<Notify>>>>);

impl Due {
    /// Jobs of these classes may be due, or due earlier than they were.
    pub(super) fn announce(&self, classes: &BTreeSet<String>) {
        if classes.is_empty() {
            return;
        }
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for class in classes {
            if let Some(notify) = waiting.get(class) {
                notify.notify_waiters();
            }
        }
    }

    fn of(&self, class: &Class) -> Arc<Notify> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(class.as_str().to_owned()).or_default().clone()
    }
}

/// The queue in a SQLite file.
pub struct EmbeddedQueue {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) due: Due,
    pub(super) hold: Duration,
    pub(super) time: Arc<Time>,
}

impl fmt::Debug for EmbeddedQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedQueue").field("hold", &self.hold).finish_non_exhaustive()
    }
}

impl From<writer::Failure> for Error {
    fn from(failure: writer::Failure) -> Self {
        match failure {
            writer::Failure::Retry(reason) => Self::Unavailable(reason),
            writer::Failure::Refused(reason) => Self::Refused(reason),
        }
    }
}

impl From<readers::Failure> for Error {
    fn from(failure: readers::Failure) -> Self {
        match failure {
            readers::Failure::Retry(reason) => Self::Unavailable(reason),
            readers::Failure::Refused(reason) => Self::Refused(reason),
        }
    }
}

fn push(transaction: &mut Transaction<'_>, class: &str, key: &str, payload: &[u8]) -> rusqlite::Result<()> {
    let now = transaction.now()?;
    let known: Option<i64> = transaction
        .connection
        .prepare_cached(
            "SELECT 1 FROM job_keys WHERE class = ?1 AND key = ?2 AND expires_at > ?3
             UNION ALL
             SELECT 1 FROM jobs WHERE class = ?1 AND key = ?2 AND (held = 0 OR available_at <= ?3) LIMIT 1",
        )?
        .query_row((class, key, now.micros()), |row| row.get(0))
        .optional()?;
    if known.is_some() {
        return Ok(());
    }
    transaction
        .connection
        .prepare_cached("INSERT INTO jobs (class, key, payload, available_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute((class, key, payload, now.micros()))?;
    let until = transaction.after(DUPLICATE_WINDOW)?;
    transaction
        .connection
        .prepare_cached("INSERT OR REPLACE INTO job_keys VALUES (?1, ?2, ?3)")?
        .execute((class, key, until))?;
    transaction.due.insert(class.to_owned());
    Ok(())
}

fn take(
    transaction: &mut Transaction<'_>,
    class: &str,
    max: u32,
    hold: Duration,
) -> rusqlite::Result<Vec<Delivery>> {
    let (now, until) = (transaction.now()?, transaction.after(hold)?);
    let mut statement = transaction.connection.prepare_cached(
        "UPDATE jobs SET held = 1, deliveries = deliveries + 1, available_at = ?4 WHERE id IN (
            SELECT id FROM jobs WHERE class = ?1 AND available_at <= ?2 ORDER BY available_at, id LIMIT ?3
         ) RETURNING id, deliveries, payload",
    )?;
    let rows = statement.query_map((class, now.micros(), max, until), |row| {
        let (id, deliveries): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(Delivery {
            payload: Bytes::copy_from_slice(row.get_ref(2)?.as_blob()?),
            deliveries: u32::try_from(deliveries).unwrap_or(u32::MAX),
            // The number of the delivery makes the receipt good for this one only.
            receipt: format!("{id}:{deliveries}"),
        })
    })?;
    rows.collect()
}

fn receipt(delivery: &Delivery) -> Result<(i64, i64), Error> {
    let (id, number) = delivery.receipt.split_once(':').ok_or(Error::NotHeld)?;
    let parse = |text: &str| text.parse().map_err(|_no_number| Error::NotHeld);
    Ok((parse(id)?, parse(number)?))
}

impl EmbeddedQueue {
    /// Changes a job that is held by this delivery. `sql` sees the id as `?1`, the delivery's number as `?2`, now as
    /// `?3` and `until` as `?4`; it answers with the class.
    async fn change(
        &self,
        delivery: &Delivery,
        sql: &'static str,
        until: Option<Duration>,
    ) -> Result<(), Error> {
        let (id, number) = receipt(delivery)?;
        let held = self.writer.call(0, move |transaction| {
            let now = transaction.now()?;
            let until = until.map(|until| transaction.after(until)).transpose()?;
            let mut statement = transaction.connection.prepare_cached(sql)?;
            let changed: Option<String> = match until {
                Some(until) => {
                    statement.query_row((id, number, now.micros(), until), |row| row.get(0)).optional()?
                }
                None => statement.query_row((id, number, now.micros()), |row| row.get(0)).optional()?,
            };
            let held = changed.is_some();
            transaction.due.extend(changed);
            Ok(held)
        });
        if held.await? { Ok(()) } else { Err(Error::NotHeld) }
    }

    async fn remove(&self, delivery: &Delivery) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM jobs
            WHERE id = ?1 AND deliveries = ?2 AND held = 1 AND available_at > ?3 RETURNING class";
        self.change(delivery, SQL, None).await
    }

    /// For how long the class has nothing; zero when something is due.
    async fn idle(&self, class: &Class) -> Result<Duration, Error> {
        let class = class.as_str().to_owned();
        let first: Option<i64> = self
            .readers
            .call(move |connection| {
                connection
                    .prepare_cached("SELECT min(available_at) FROM jobs WHERE class = ?1")?
                    .query_row([class], |row| row.get(0))
            })
            .await?;
        Ok(first.map_or(Duration::MAX, |at| {
            let micros = at.saturating_sub(self.time.now().micros());
            Duration::from_micros(u64::try_from(micros).unwrap_or_default())
        }))
    }
}

#[async_trait]
impl Queue for EmbeddedQueue {
    async fn push(&self, class: &Class, key: &str, payload: Bytes) -> Result<(), Error> {
        let bytes = payload.len() + key.len();
        if bytes > limits::VALUE_BYTES {
            return Err(Error::Refused(format!(
                "the job has {bytes} bytes, the limit is {}",
                limits::VALUE_BYTES
            )));
        }
        let (class, key) = (class.as_str().to_owned(), key.to_owned());
        Ok(self.writer.call(bytes, move |transaction| push(transaction, &class, &key, &payload)).await?)
    }

    async fn pull(&self, class: &Class, max: usize, wait: Duration) -> Result<Vec<Delivery>, Error> {
        let end = Instant::now() + wait;
        let max = u32::try_from(max).unwrap_or(u32::MAX).min(limits::PULL_JOBS);
        let due = self.due.of(class);
        if max == 0 {
            return Ok(Vec::new());
        }
        loop {
            // Listens before it looks: a push in between is not missed.
            let mut announced = std::pin::pin!(due.notified());
            announced.as_mut().enable();
            let idle = self.idle(class).await?;
            if idle.is_zero() {
                let (class, hold) = (class.as_str().to_owned(), self.hold);
                let taken =
                    self.writer.call(0, move |transaction| take(transaction, &class, max, hold)).await?;
                if !taken.is_empty() {
                    return Ok(taken);
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Vec::new());
            }
            // An idle time of zero: somebody else was faster, look again at once.
            tokio::select! {
                () = announced => {}
                () = tokio::time::sleep(idle.min(left).min(limits::PULL_INTERVAL)) => {}
            }
        }
    }

    fn hold(&self) -> Duration {
        self.hold
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), Error> {
        self.remove(delivery).await
    }

    async fn extend(&self, delivery: &Delivery) -> Result<(), Error> {
        const SQL: &str = "UPDATE jobs SET available_at = ?4
            WHERE id = ?1 AND deliveries = ?2 AND held = 1 AND available_at > ?3 RETURNING class";
        self.change(delivery, SQL, Some(self.hold)).await
    }

    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), Error> {
        const SQL: &str = "UPDATE jobs SET available_at = ?4, held = 0
            WHERE id = ?1 AND deliveries = ?2 AND held = 1 AND available_at > ?3 RETURNING class";
        self.change(delivery, SQL, Some(delay)).await
    }

    async fn give_up(&self, delivery: &Delivery) -> Result<(), Error> {
        self.remove(delivery).await
    }

    async fn depth(&self, class: &Class) -> Result<u64, Error> {
        let class = class.as_str().to_owned();
        let read = move |connection: &rusqlite::Connection| -> rusqlite::Result<i64> {
            connection
                .prepare_cached("SELECT count(*) FROM jobs WHERE class = ?1")?
                .query_row([class], |row| row.get(0))
        };
        Ok(u64::try_from(self.readers.call(read).await?).unwrap_or_default())
    }

    async fn ready(&self) -> Result<(), Error> {
        Ok(self.writer.ready().await?)
    }
}
