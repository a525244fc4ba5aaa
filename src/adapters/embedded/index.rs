//! The index: documents, the sets that they are in, and how many each set has, in three tables.

use std::collections::BTreeSet;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};

use super::limits;
use super::store::EmbeddedStore;
use super::transaction::Transaction;
use crate::store::Error;
use crate::store::index::{Batch, Change, Direction, Entry, Family, Filed, Head, Index, Page, Place, Row};

/// The tables. Files of earlier versions get them when they are opened: nothing in them is older than the log.
pub(super) const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS directory (
        name TEXT PRIMARY KEY, revision INTEGER NOT NULL, token TEXT NOT NULL, note BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS entries (
        family INTEGER NOT NULL, id TEXT NOT NULL, rank INTEGER NOT NULL, document BLOB NOT NULL,
        PRIMARY KEY (family, id)
    ) STRICT;
    CREATE INDEX IF NOT EXISTS entries_rank ON entries (family, rank);
    CREATE TABLE IF NOT EXISTS entry_sets (
        id INTEGER PRIMARY KEY, family INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL,
        UNIQUE (family, name)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS entry_places (
        entry_set INTEGER NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (entry_set, at, id)
    ) STRICT, WITHOUT ROWID;
";

/// The one row of `directory`.
const NAME: &str = "lists";

fn head(connection: &Connection) -> rusqlite::Result<Option<(u64, String, Vec<u8>)>> {
    connection
        .prepare_cached("SELECT revision, token, note FROM directory WHERE name = ?1")?
        .query_row([NAME], |row| Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?, row.get(2)?)))
        .optional()
}

fn advance(connection: &Connection, batch: &Batch) -> rusqlite::Result<bool> {
    let stands = head(connection)?;
    if stands.as_ref().is_some_and(|(_, token, _)| *token == batch.token) {
        return Ok(true);
    }
    if stands.map_or(0, |(revision, ..)| revision) != batch.from {
        return Ok(false);
    }
    for change in &batch.changes {
        apply(connection, change)?;
    }
    connection.prepare_cached("INSERT OR REPLACE INTO directory VALUES (?1, ?2, ?3, ?4)")?.execute((
        NAME,
        (batch.from + 1).cast_signed(),
        &batch.token,
        &batch.note[..],
    ))?;
    Ok(true)
}

fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    let Change { family, id, before, after } = change;
    let nothing = BTreeSet::new();
    let sets = |filed: Option<&Filed>| filed.map_or(nothing.clone(), |filed| filed.sets.clone());
    let (old, new) = (before.as_ref(), after.as_ref().map(|entry| &entry.filed));
    let has_moved = old.map(|filed| filed.at) != new.map(|filed| filed.at);
    let (was, is) = (sets(old), sets(new));
    for name in was.iter().filter(|name| has_moved || !is.contains(*name)) {
        leave(connection, *family, name, old.map_or(0, |filed| filed.at), id)?;
    }
    for name in is.iter().filter(|name| has_moved || !was.contains(*name)) {
        enter(connection, *family, name, new.map_or(0, |filed| filed.at), id)?;
    }
    match after {
        Some(Entry { rank, document, .. }) => connection
            .prepare_cached(
                "INSERT INTO entries VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (family, id) DO UPDATE SET rank = excluded.rank, document = excluded.document",
            )?
            .execute((family.number(), id, rank, &document[..])),
        None => connection
            .prepare_cached("DELETE FROM entries WHERE family = ?1 AND id = ?2")?
            .execute((family.number(), id)),
    }
    .map(drop)
}

fn set(connection: &Connection, family: Family, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM entry_sets WHERE family = ?1 AND name = ?2")?
        .query_row((family.number(), name), |row| row.get(0))
        .optional()
}

fn enter(connection: &Connection, family: Family, name: &str, at: i64, id: &str) -> rusqlite::Result<()> {
    let set = match set(connection, family, name)? {
        Some(set) => set,
        None => connection
            .prepare_cached("INSERT INTO entry_sets (family, name, count) VALUES (?1, ?2, 0)")?
            .insert((family.number(), name))?,
    };
    let added = connection
        .prepare_cached("INSERT OR IGNORE INTO entry_places VALUES (?1, ?2, ?3)")?
        .execute((set, at, id))?;
    if added > 0 {
        connection.prepare_cached("UPDATE entry_sets SET count = count + 1 WHERE id = ?1")?.execute([set])?;
    }
    Ok(())
}

fn leave(connection: &Connection, family: Family, name: &str, at: i64, id: &str) -> rusqlite::Result<()> {
    let Some(set) = set(connection, family, name)? else { return Ok(()) };
    let removed = connection
        .prepare_cached("DELETE FROM entry_places WHERE entry_set = ?1 AND at = ?2 AND id = ?3")?
        .execute((set, at, id))?;
    if removed > 0 {
        connection.prepare_cached("UPDATE entry_sets SET count = count - 1 WHERE id = ?1")?.execute([set])?;
        // Names of what is not there any more would add up.
        connection.prepare_cached("DELETE FROM entry_sets WHERE id = ?1 AND count <= 0")?.execute([set])?;
    }
    Ok(())
}

fn document(connection: &Connection, family: Family, id: &str) -> rusqlite::Result<Option<Bytes>> {
    connection
        .prepare_cached("SELECT document FROM entries WHERE family = ?1 AND id = ?2")?
        .query_row((family.number(), id), |row| row.get::<_, Vec<u8>>(0))
        .optional()
        .map(|found| found.map(Bytes::from))
}

fn rows_at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn places(connection: &Connection, page: &Page, name: &str) -> rusqlite::Result<Vec<Place>> {
    let Some(set) = set(connection, page.family, name)? else { return Ok(Vec::new()) };
    let (sql, end) = match page.direction {
        Direction::Newest => (
            "SELECT at, id FROM entry_places WHERE entry_set = ?1 AND (at, id) < (?2, ?3)
             ORDER BY at DESC, id DESC LIMIT ?4",
            i64::MAX,
        ),
        Direction::Oldest => (
            "SELECT at, id FROM entry_places WHERE entry_set = ?1 AND (at, id) > (?2, ?3)
             ORDER BY at, id LIMIT ?4",
            i64::MIN,
        ),
    };
    let (at, id) = page.behind.as_ref().map_or((end, ""), |place| (place.at, place.id.as_str()));
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((set, at, id, rows_at_most(page.limit)), |row| {
        Ok(Place { at: row.get(0)?, id: row.get(1)? })
    })?;
    rows.collect()
}

/// One transaction: a page is of one revision.
fn page(connection: &Connection, page: &Page) -> rusqlite::Result<Vec<Row>> {
    let transaction = connection.unchecked_transaction()?;
    let mut found = BTreeSet::new();
    for name in &page.sets {
        found.extend(places(&transaction, page, name)?);
    }
    let mut rows = Vec::with_capacity(page.limit.min(found.len()));
    let mut take = |place: Place| -> rusqlite::Result<()> {
        if let Some(document) = document(&transaction, page.family, &place.id)? {
            rows.push(Row { place, document });
        }
        Ok(())
    };
    match page.direction {
        Direction::Newest => found.into_iter().rev().take(page.limit).try_for_each(&mut take),
        Direction::Oldest => found.into_iter().take(page.limit).try_for_each(&mut take),
    }?;
    Ok(rows)
}

fn names(
    connection: &Connection,
    family: Family,
    begins: &str,
    after: &str,
    limit: usize,
) -> rusqlite::Result<Vec<(String, u64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, count FROM entry_sets WHERE family = ?1 AND name >= ?2 AND name > ?3
         ORDER BY name LIMIT ?4",
    )?;
    let rows = statement.query_map((family.number(), begins, after, rows_at_most(limit)), |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
    })?;
    let mut found = Vec::new();
    for row in rows {
        let (name, count) = row?;
        if !name.starts_with(begins) {
            break;
        }
        found.push((name, count));
    }
    Ok(found)
}

/// Empties a table in steps, so that no writer waits long.
fn clear_some(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let connection = transaction.connection;
    connection.prepare_cached("DELETE FROM directory WHERE name = ?1")?.execute([NAME])?;
    let steps = [
        "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries LIMIT ?1)",
        "DELETE FROM entry_places WHERE (entry_set, at, id) IN
            (SELECT entry_set, at, id FROM entry_places LIMIT ?1)",
        "DELETE FROM entry_sets WHERE id IN (SELECT id FROM entry_sets LIMIT ?1)",
    ];
    for sql in steps {
        if connection.prepare_cached(sql)?.execute([limits::CLEAR_ROWS])? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

#[async_trait]
impl Index for EmbeddedStore {
    async fn head(&self) -> Result<Option<Head>, Error> {
        let found = self.readers.call(head).await?;
        Ok(found.map(|(revision, _, note)| Head { revision, note: note.into() }))
    }

    async fn advance(&self, batch: &Batch) -> Result<bool, Error> {
        let document = |change: &Change| change.after.as_ref().map_or(0, |entry| entry.document.len());
        let bytes = batch.changes.iter().map(document).sum();
        let batch = batch.clone();
        Ok(self.writer.call(bytes, move |transaction| advance(transaction.connection, &batch)).await?)
    }

    async fn documents(&self, family: Family, ids: &[String]) -> Result<Vec<Option<Bytes>>, Error> {
        let ids = ids.to_vec();
        let read = move |connection: &Connection| {
            ids.iter().map(|id| document(connection, family, id)).collect::<rusqlite::Result<Vec<_>>>()
        };
        Ok(self.readers.call(read).await?)
    }

    async fn page(&self, wanted: &Page) -> Result<Vec<Row>, Error> {
        let wanted = wanted.clone();
        Ok(self.readers.call(move |connection| page(connection, &wanted)).await?)
    }

    async fn counts(&self, family: Family, sets: &[String]) -> Result<Vec<u64>, Error> {
        let sets = sets.to_vec();
        let read = move |connection: &Connection| {
            let mut statement =
                connection.prepare_cached("SELECT count FROM entry_sets WHERE family = ?1 AND name = ?2")?;
            let mut count = |name: &String| {
                let found = statement.query_row((family.number(), name), |row| row.get::<_, i64>(0));
                Ok(found.optional()?.unwrap_or(0).cast_unsigned())
            };
            sets.iter().map(&mut count).collect::<rusqlite::Result<Vec<u64>>>()
        };
        Ok(self.readers.call(read).await?)
    }

    async fn names(
        &self,
        family: Family,
        begins: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, u64)>, Error> {
        let (begins, after) = (begins.to_owned(), after.unwrap_or_default().to_owned());
        let read = move |connection: &Connection| names(connection, family, &begins, &after, limit);
        Ok(self.readers.call(read).await?)
    }

    async fn first_to_leave(
        &self,
        family: Family,
        from: i64,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, Error> {
        let read = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, document FROM entries WHERE family = ?1 AND rank >= ?2 ORDER BY rank LIMIT ?3",
            )?;
            let rows = statement.query_map((family.number(), from, rows_at_most(limit)), |row| {
                Ok((row.get::<_, String>(0)?, Bytes::from(row.get::<_, Vec<u8>>(1)?)))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        Ok(self.readers.call(read).await?)
    }

    async fn clear(&self) -> Result<(), Error> {
        while self.writer.call(0, |transaction: &mut Transaction<'_>| clear_some(transaction)).await? {}
        Ok(())
    }
}
