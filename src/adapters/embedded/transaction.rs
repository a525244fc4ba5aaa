//! The shared state of the commands of one transaction: the connection, the lanes' ends, the numbers of names.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

use super::limits;
use super::schema::number;
use super::time::{Time, after};
use crate::subject::Lane;
use crate::time::Timestamp;

/// The end of a lane, as the table `lanes` has it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct End {
    pub(super) last: i64,
    pub(super) frames: i64,
    pub(super) bytes: i64,
    pub(super) changed: bool,
}

/// The numbers of names. Only committed ones may stay, so it is emptied on every rollback.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, i64>);

impl Names {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

/// An open transaction of the writer.
pub(super) struct Transaction<'w> {
    pub(super) connection: &'w Connection,
    time: &'w Time,
    /// The mark that deadlines of all processes are measured from; `None` until it is read.
    mark: Option<i64>,
    /// A deadline was set, so the mark must be near.
    is_dated: bool,
    names: &'w mut Names,
    ends: [End; 3],
    /// Classes of jobs that may have become due.
    pub(super) due: BTreeSet<String>,
}

impl<'w> Transaction<'w> {
    /// Takes the write lock.
    pub(super) fn begin(
        connection: &'w Connection,
        time: &'w Time,
        names: &'w mut Names,
    ) -> rusqlite::Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut ends = [End::default(); 3];
        let mut read =
            connection.prepare_cached("SELECT last, frames, bytes FROM lanes ORDER BY lane LIMIT 3")?;
        let rows = read.query_map([], |row| {
            Ok(End { last: row.get(0)?, frames: row.get(1)?, bytes: row.get(2)?, changed: false })
        })?;
        for (end, row) in ends.iter_mut().zip(rows) {
            *end = row?;
        }
        Ok(Self { connection, time, mark: None, is_dated: false, names, ends, due: BTreeSet::new() })
    }

    /// Makes it durable. Tells which lanes and which classes of jobs changed.
    pub(super) fn commit(mut self) -> rusqlite::Result<([bool; 3], BTreeSet<String>)> {
        self.move_mark()?;
        let mut update = self
            .connection
            .prepare_cached("UPDATE lanes SET last = ?2, frames = ?3, bytes = ?4 WHERE lane = ?1")?;
        for (lane, end) in (0_u16..).zip(&self.ends).filter(|(_, end)| end.changed) {
            update.execute((lane, end.last, end.frames, end.bytes))?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok((self.ends.map(|end| end.changed), self.due))
    }

    /// The time of the machine's clock.
    pub(super) fn stamp(&self) -> Timestamp {
        self.time.stamp()
    }

    /// The time for deadlines.
    pub(super) fn now(&mut self) -> rusqlite::Result<Timestamp> {
        if self.mark.is_none() {
            self.mark = Some(mark(self.connection)?);
        }
        Ok(self.time.at_least(self.mark.unwrap_or(i64::MIN)))
    }

    /// A new deadline.
    pub(super) fn after(&mut self, by: Duration) -> rusqlite::Result<i64> {
        let now = self.now()?.micros();
        self.is_dated = true;
        Ok(after(now, by))
    }

    /// A process that starts after the machine's clock was set back goes on from the mark.
    fn move_mark(&mut self) -> rusqlite::Result<()> {
        if !self.is_dated {
            return Ok(());
        }
        let now = self.now()?;
        if self.mark.is_some_and(|mark| now.micros() < after(mark, limits::MARK_INTERVAL)) {
            return Ok(());
        }
        set_mark(self.connection, now)
    }

    pub(super) fn end(&mut self, lane: Lane) -> &mut End {
        &mut self.ends[usize::from(number(lane))]
    }

    /// The number of a name; a new one for a new name.
    pub(super) fn name(&mut self, text: &str) -> rusqlite::Result<i64> {
        if let Some(&id) = self.names.0.get(text) {
            return Ok(id);
        }
        let id = match find_name(self.connection, text)? {
            Some(id) => id,
            None => self.connection.prepare_cached("INSERT INTO names (text) VALUES (?1)")?.insert([text])?,
        };
        if self.names.0.len() >= limits::NAMES_CACHED {
            self.names.forget();
        }
        self.names.0.insert(text.to_owned(), id);
        Ok(id)
    }
}

/// The number of a name that is there.
pub(super) fn find_name(connection: &Connection, text: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM names WHERE text = ?1")?
        .query_row([text], |row| row.get(0))
        .optional()
}

/// How far the time of deadlines has come, by the file; the smallest number when it does not say.
pub(super) fn mark(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = 'time'")?
        .query_row([], |row| row.get(0))
        .optional()
        .map(|found| found.unwrap_or(i64::MIN))
}

/// Moves the mark on; never back.
pub(super) fn set_mark(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta VALUES ('time', ?1)
             ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
        )?
        .execute([now.micros()])
        .map(drop)
}
