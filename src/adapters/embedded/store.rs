//! The store: four small tables. Expired rows count as absent; housekeeping removes them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::OptionalExtension;

use super::limits;
use super::readers::{self, Readers};
use super::time::Time;
use super::transaction::Transaction;
use super::writer::{self, Writer};
use crate::store::{Applied, Error, Index, Lease, Mark, Name, Projection, Store};
use crate::time::Timestamp;

/// The store in a SQLite file.
pub struct EmbeddedStore {
    pub(super) writer: Writer,
    pub(super) readers: Readers,
    pub(super) time: Arc<Time>,
}

impl fmt::Debug for EmbeddedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedStore").finish_non_exhaustive()
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

fn small(value: &Bytes) -> Result<usize, Error> {
    match value.len() {
        bytes if bytes > limits::VALUE_BYTES => {
            Err(Error::Refused(format!("the value has {bytes} bytes, the limit is {}", limits::VALUE_BYTES)))
        }
        bytes => Ok(bytes),
    }
}

fn remaining(until: i64, now: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(until.saturating_sub(now.micros())).unwrap_or_default())
}

fn apply(
    transaction: &mut Transaction<'_>,
    name: &Name,
    mark: Mark,
    document: &[u8],
    keep: Option<Duration>,
) -> rusqlite::Result<Applied> {
    let now = transaction.now()?;
    let found: Option<(u64, u64)> = transaction
        .connection
        .prepare_cached(
            "SELECT epoch, version FROM projections
             WHERE family = ?1 AND id = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
        )?
        .query_row((name.family, &name.id, now.micros()), |row| {
            Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
        })
        .optional()?;
    if let Some((epoch, version)) = found {
        if mark.epoch < epoch {
            return Ok(Applied::Stale);
        }
        if mark.epoch == epoch && mark.to <= version {
            return Ok(Applied::Already);
        }
    }
    let stands = found.map_or(0, |(_, version)| version);
    if mark.from.is_some_and(|from| from != stands) {
        return Ok(Applied::Discontinuous);
    }
    let until = keep.map(|keep| transaction.after(keep)).transpose()?;
    transaction
        .connection
        .prepare_cached("INSERT OR REPLACE INTO projections VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute((name.family, &name.id, mark.epoch.cast_signed(), mark.to.cast_signed(), document, until))?;
    Ok(Applied::Stored)
}

fn lease(
    transaction: &mut Transaction<'_>,
    name: &Name,
    owner: &str,
    ttl: Duration,
) -> rusqlite::Result<Lease> {
    let now = transaction.now()?;
    let held: Option<(String, i64)> = transaction
        .connection
        .prepare_cached(
            "SELECT owner, expires_at FROM leases
             WHERE family = ?1 AND id = ?2 AND expires_at > ?3 AND owner <> ?4",
        )?
        .query_row((name.family, &name.id, now.micros(), owner), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((owner, until)) = held {
        return Ok(Lease::HeldBy { owner, remaining: remaining(until, now) });
    }
    let until = transaction.after(ttl)?;
    transaction
        .connection
        .prepare_cached("INSERT OR REPLACE INTO leases VALUES (?1, ?2, ?3, ?4)")?
        .execute((name.family, &name.id, owner, until))?;
    Ok(Lease::Held)
}

fn remember(
    transaction: &mut Transaction<'_>,
    name: &Name,
    value: &Bytes,
    ttl: Duration,
) -> rusqlite::Result<Bytes> {
    let now = transaction.now()?;
    let found: Option<Vec<u8>> = transaction
        .connection
        .prepare_cached("SELECT value FROM remembered WHERE family = ?1 AND id = ?2 AND expires_at > ?3")?
        .query_row((name.family, &name.id, now.micros()), |row| row.get(0))
        .optional()?;
    if let Some(found) = found {
        return Ok(found.into());
    }
    let until = transaction.after(ttl)?;
    transaction
        .connection
        .prepare_cached("INSERT OR REPLACE INTO remembered VALUES (?1, ?2, ?3, ?4)")?
        .execute((name.family, &name.id, &value[..], until))?;
    Ok(value.clone())
}

impl EmbeddedStore {
    /// Runs a statement that names things by family, id and one more text.
    async fn execute(&self, sql: &'static str, name: &Name, third: Option<&str>) -> Result<(), Error> {
        let (name, third) = (name.clone(), third.map(str::to_owned));
        let work = move |transaction: &mut Transaction<'_>| {
            let mut statement = transaction.connection.prepare_cached(sql)?;
            match &third {
                Some(third) => statement.execute((name.family, &name.id, third))?,
                None => statement.execute((name.family, &name.id))?,
            };
            Ok(())
        };
        Ok(self.writer.call(0, work).await?)
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn apply(
        &self,
        name: &Name,
        mark: Mark,
        document: Bytes,
        keep: Option<Duration>,
    ) -> Result<Applied, Error> {
        let bytes = small(&document)?;
        let name = name.clone();
        let work = move |transaction: &mut Transaction<'_>| apply(transaction, &name, mark, &document, keep);
        Ok(self.writer.call(bytes, work).await?)
    }

    async fn get(&self, name: &Name) -> Result<Option<Projection>, Error> {
        let (name, now) = (name.clone(), self.time.now().micros());
        let read = move |connection: &rusqlite::Connection| {
            connection
                .prepare_cached(
                    "SELECT epoch, version, document FROM projections
                     WHERE family = ?1 AND id = ?2 AND (expires_at IS NULL OR expires_at > ?3)",
                )?
                .query_row((name.family, &name.id, now), |row| {
                    Ok(Projection {
                        epoch: row.get::<_, i64>(0)?.cast_unsigned(),
                        version: row.get::<_, i64>(1)?.cast_unsigned(),
                        document: row.get::<_, Vec<u8>>(2)?.into(),
                    })
                })
                .optional()
        };
        Ok(self.readers.call(read).await?)
    }

    async fn remove(&self, name: &Name) -> Result<(), Error> {
        self.execute("DELETE FROM projections WHERE family = ?1 AND id = ?2", name, None).await
    }

    async fn lease(&self, name: &Name, owner: &str, ttl: Duration) -> Result<Lease, Error> {
        let (name, owner) = (name.clone(), owner.to_owned());
        Ok(self.writer.call(0, move |transaction| lease(transaction, &name, &owner, ttl)).await?)
    }

    async fn leased(&self, name: &Name) -> Result<Option<(String, Duration)>, Error> {
        let (name, now) = (name.clone(), self.time.now());
        let read = move |connection: &rusqlite::Connection| {
            connection
                .prepare_cached(
                    "SELECT owner, expires_at FROM leases WHERE family = ?1 AND id = ?2 AND expires_at > ?3",
                )?
                .query_row((name.family, &name.id, now.micros()), |row| {
                    Ok((row.get(0)?, remaining(row.get(1)?, now)))
                })
                .optional()
        };
        Ok(self.readers.call(read).await?)
    }

    async fn release(&self, name: &Name, owner: &str) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM leases WHERE family = ?1 AND id = ?2 AND owner = ?3";
        self.execute(SQL, name, Some(owner)).await
    }

    async fn join(&self, name: &Name, member: &str, description: Bytes, ttl: Duration) -> Result<(), Error> {
        let bytes = small(&description)?;
        let (name, member) = (name.clone(), member.to_owned());
        let work = move |transaction: &mut Transaction<'_>| {
            let until = transaction.after(ttl)?;
            transaction
                .connection
                .prepare_cached("INSERT OR REPLACE INTO presence VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute((name.family, &name.id, &member, &description[..], until))?;
            Ok(())
        };
        Ok(self.writer.call(bytes, work).await?)
    }

    async fn leave(&self, name: &Name, member: &str) -> Result<(), Error> {
        const SQL: &str = "DELETE FROM presence WHERE family = ?1 AND id = ?2 AND member = ?3";
        self.execute(SQL, name, Some(member)).await
    }

    async fn present(&self, name: &Name) -> Result<Vec<(String, Bytes)>, Error> {
        let (name, now) = (name.clone(), self.time.now().micros());
        let read = move |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT member, description FROM presence
                 WHERE family = ?1 AND id = ?2 AND expires_at > ?3 ORDER BY member",
            )?;
            let rows = statement.query_map((name.family, &name.id, now), |row| {
                Ok((row.get(0)?, Bytes::from(row.get::<_, Vec<u8>>(1)?)))
            })?;
            rows.collect()
        };
        Ok(self.readers.call(read).await?)
    }

    async fn remember(&self, name: &Name, value: Bytes, ttl: Duration) -> Result<Bytes, Error> {
        let bytes = small(&value)?;
        let name = name.clone();
        let work = move |transaction: &mut Transaction<'_>| remember(transaction, &name, &value, ttl);
        Ok(self.writer.call(bytes, work).await?)
    }

    fn index(&self) -> &dyn Index {
        self
    }

    async fn ready(&self) -> Result<(), Error> {
        Ok(self.writer.ready().await?)
    }
}
