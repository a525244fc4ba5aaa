//! Rows to frames, scopes to conditions.

use std::str::FromStr;

use bytes::Bytes;
use rusqlite::types::{Type, Value};
use rusqlite::{Connection, OptionalExtension, Row};

use super::schema::{EXTERNAL, table};
use super::transaction::find_name;
use crate::id::{ExecutionId, NodeId, SessionId, StreamId};
use crate::log::{Author, Damage, FORMAT, Frame, Sequence, Stored, Trace};
use crate::subject::{Lane, Scope, Shard, Topic};
use crate::time::Timestamp;

/// A sequence as SQLite keeps it.
pub(super) fn place(sequence: Sequence) -> i64 {
    i64::try_from(sequence.0).unwrap_or(i64::MAX)
}

pub(super) fn sequence(place: i64) -> Sequence {
    Sequence(u64::try_from(place).unwrap_or_default())
}

/// `SELECT ... FROM` with everything that [`stored`] needs; the frames are `f`.
pub(super) fn select(lane: Lane) -> String {
    format!(
        "SELECT f.sequence, s.text, n.text, o.text, f.stored_at, f.prev, f.format, f.epoch, f.line, f.journal,
            f.count, f.checksum, f.traceparent, f.tracestate, f.payload
        FROM {} f LEFT JOIN names s ON s.id = f.stream LEFT JOIN names n ON n.id = f.node
            LEFT JOIN names o ON o.id = f.owner",
        table(lane)
    )
}

fn id<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(str::parse)
        .transpose()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn needed<T>(column: usize, value: Option<T>) -> rusqlite::Result<T> {
    value.ok_or_else(|| rusqlite::Error::InvalidColumnType(column, "name".into(), Type::Null))
}

fn topic(lane: Lane, row: &Row<'_>) -> rusqlite::Result<Topic> {
    Ok(match lane {
        Lane::Events => {
            Topic::Events { stream: needed(1, id(row, 1)?)?, node: id(row, 2)?, execution: id(row, 3)? }
        }
        Lane::Journal => Topic::Journal(needed(3, id(row, 3)?)?),
        Lane::Inbox => Topic::Inbox(needed(3, id(row, 3)?)?),
    })
}

/// The frame of a row that [`select`] made.
pub(super) fn stored(lane: Lane, row: &Row<'_>) -> rusqlite::Result<Stored> {
    let author = match row.get::<_, Option<i64>>(7)? {
        None if row.get::<_, Option<i64>>(8)? == Some(EXTERNAL) => Author::External,
        None => Author::Open,
        Some(epoch) => Author::Owner {
            epoch: epoch.cast_unsigned(),
            index: row.get::<_, i64>(8)?.cast_unsigned(),
            journal: row.get::<_, i64>(9)?.cast_unsigned(),
        },
    };
    let trace = match row.get(12)? {
        None => None,
        Some(parent) => Some(Trace { parent, state: row.get(13)? }),
    };
    let payload = Bytes::copy_from_slice(row.get_ref(14)?.as_blob()?);
    let frame = Frame { author, count: row.get(10)?, trace, payload };
    let damage = damage(&frame, row.get(6)?, row.get(11)?);
    Ok(Stored {
        topic: topic(lane, row)?,
        shard: Shard(0),
        sequence: sequence(row.get(0)?),
        prev: row.get::<_, Option<i64>>(5)?.map(sequence),
        stored_at: Timestamp::from_micros(row.get(4)?),
        frame,
        damage,
    })
}

fn damage(frame: &Frame, format: u32, expected: u32) -> Option<Damage> {
    if format != FORMAT {
        return Some(Damage::Format(format));
    }
    let checksum = frame.checksum();
    if checksum != expected {
        return Some(Damage::Checksum { expected, found: checksum });
    }
    let found = u32::try_from(frame.lines().count()).unwrap_or(u32::MAX);
    if found != frame.count {
        return Some(Damage::Count { expected: frame.count, found });
    }
    frame.numbered().err()
}

/// The first frame that `rest` finds.
pub(super) fn first(
    connection: &Connection,
    lane: Lane,
    rest: &str,
    values: &[Value],
) -> rusqlite::Result<Option<Stored>> {
    connection
        .prepare_cached(&format!("{} {rest}", select(lane)))?
        .query_row(rusqlite::params_from_iter(values), |row| stored(lane, row))
        .optional()
}

/// A scope as an SQL condition and its values.
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// The condition of a scope; `None` when it names something that no frame has. One index is used: the most selective
/// one, the other columns are compared only (`+`).
pub(super) fn condition(connection: &Connection, scope: &Scope) -> rusqlite::Result<Option<Condition>> {
    let columns = match scope {
        Scope::Events { stream, node, execution } => [
            ("owner", execution.as_ref().map(ExecutionId::as_str)),
            ("node", node.as_ref().map(NodeId::as_str)),
            ("stream", stream.as_ref().map(StreamId::as_str)),
        ],
        Scope::Journal(session) | Scope::Inbox(session) => {
            [("owner", session.as_ref().map(SessionId::as_str)), ("node", None), ("stream", None)]
        }
    };
    let mut condition = Condition { sql: String::new(), values: Vec::new() };
    for (column, text) in columns {
        let Some(text) = text else { continue };
        let Some(name) = find_name(connection, text)? else { return Ok(None) };
        let compared = if condition.values.is_empty() { "" } else { "+" };
        condition.values.push(Value::Integer(name));
        condition.sql.push_str(&format!("{compared}f.{column} = ?{} AND ", condition.values.len()));
    }
    Ok(Some(condition))
}
