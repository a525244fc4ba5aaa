//! The tables, and the checks that a file is ours.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};

use super::config::{Config, Synchronous};
use super::handle::OpenError;
use super::limits;
use crate::log::Epoch;
use crate::subject::Lane;

/// Says in the file's header that it is ours ("Rnbs").
pub(super) const APPLICATION: i32 = 0x526e_6273;

/// The version of the tables that this code makes and reads.
pub(super) const VERSION: i32 = 1;

/// Longest time to wait for the switch to the write-ahead log, which SQLite does not wait for itself.
const WAL_WAIT: Duration = Duration::from_secs(10);

/// The table of a lane.
pub(super) const fn table(lane: Lane) -> &'static str {
    match lane {
        Lane::Events => "events",
        Lane::Journal => "journal",
        Lane::Inbox => "inbox",
    }
}

/// The number of a lane in the table `lanes`.
pub(super) const fn number(lane: Lane) -> u16 {
    match lane {
        Lane::Events => 0,
        Lane::Journal => 1,
        Lane::Inbox => 2,
    }
}

/// In the column `line` of a frame without an epoch: somebody else published it. Files of earlier versions have nothing there.
pub(super) const EXTERNAL: i64 = -1;

/// `owner` is the execution or the session; `epoch`, `line`, `journal` are an owner's, `line` says [`EXTERNAL`] too; `id` is an open
/// append's.
fn frames(table: &str) -> String {
    format!(
        "CREATE TABLE {table} (
            sequence INTEGER PRIMARY KEY,
            stream INTEGER, node INTEGER, owner INTEGER,
            stored_at INTEGER NOT NULL, prev INTEGER, id BLOB,
            format INTEGER NOT NULL, epoch INTEGER, line INTEGER, journal INTEGER,
            count INTEGER NOT NULL, checksum INTEGER NOT NULL,
            traceparent TEXT, tracestate TEXT,
            payload BLOB NOT NULL
        ) STRICT;
        CREATE INDEX {table}_owner ON {table} (owner) WHERE owner IS NOT NULL;
        CREATE INDEX {table}_id ON {table} (id) WHERE id IS NOT NULL;"
    )
}

const OTHERS: &str = "
    CREATE INDEX events_stream ON events (stream);
    CREATE INDEX events_node ON events (node) WHERE node IS NOT NULL;

    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE lanes (
        lane INTEGER PRIMARY KEY, last INTEGER NOT NULL, frames INTEGER NOT NULL, bytes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO lanes VALUES (0, 0, 0, 0), (1, 0, 0, 0), (2, 0, 0, 0);

    CREATE TABLE jobs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, class TEXT NOT NULL, key TEXT NOT NULL, payload BLOB NOT NULL,
        available_at INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0, deliveries INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX jobs_due ON jobs (class, available_at);
    CREATE INDEX jobs_key ON jobs (class, key);
    CREATE TABLE job_keys (
        class TEXT NOT NULL, key TEXT NOT NULL, expires_at INTEGER NOT NULL, PRIMARY KEY (class, key)
    ) STRICT;
    CREATE INDEX job_keys_expiry ON job_keys (expires_at);

    CREATE TABLE projections (
        family TEXT NOT NULL, id TEXT NOT NULL, epoch INTEGER NOT NULL, version INTEGER NOT NULL,
        document BLOB NOT NULL, expires_at INTEGER, PRIMARY KEY (family, id)
    ) STRICT;
    CREATE INDEX projections_expiry ON projections (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE leases (
        family TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, expires_at INTEGER NOT NULL,
        PRIMARY KEY (family, id)
    ) STRICT;
    CREATE INDEX leases_expiry ON leases (expires_at);
    CREATE TABLE presence (
        family TEXT NOT NULL, id TEXT NOT NULL, member TEXT NOT NULL, description BLOB NOT NULL,
        expires_at INTEGER NOT NULL, PRIMARY KEY (family, id, member)
    ) STRICT;
    CREATE INDEX presence_expiry ON presence (expires_at);
    CREATE TABLE remembered (
        family TEXT NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL, expires_at INTEGER NOT NULL,
        PRIMARY KEY (family, id)
    ) STRICT;
    CREATE INDEX remembered_expiry ON remembered (expires_at);
";

pub(super) fn refuse(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            OpenError::NotWritable { path, reason: error.to_string() }
        }
        _ => OpenError::Database { path, error },
    }
}

/// The role of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Write,
    Read,
}

/// Opens a connection.
pub(super) fn connect(path: &Path, config: &Config, role: Role) -> Result<Connection, OpenError> {
    let open = || {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_millis(config.busy_timeout_ms.into()))?;
        connection.set_prepared_statement_cache_capacity(64);
        // Without it, SQLite compiles a cached statement again for each new value of a LIMIT.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let synchronous = match config.synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        let cache_kib = match role {
            Role::Write => i64::from(config.cache_mib) * 1024,
            Role::Read => i64::from(config.cache_mib) * 128,
        };
        // A negative number counts KiB instead of pages.
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "wal_autocheckpoint", limits::CHECKPOINT_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", limits::WAL_FILE_BYTES)?;
        Ok(connection)
    };
    open().map_err(|error| refuse(path, error))
}

/// SQLite answers "busy" at once when another process is just opening the file too.
fn switch_to_wal(connection: &Connection) -> rusqlite::Result<()> {
    let start = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && start.elapsed() < WAL_WAIT =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            outcome => return outcome,
        }
    }
}

/// Makes the tables in an empty file, or checks those of a file that has some. Returns the log's incarnation.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<Epoch, OpenError> {
    let header = |connection: &Connection| -> rusqlite::Result<(i32, i32, i64)> {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        let tables = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((number("application_id")?, number("user_version")?, tables))
    };
    let (application, version, tables) = header(connection).map_err(|error| refuse(path, error))?;
    check(path, application, version, tables)?;
    let make = |connection: &mut Connection| -> rusqlite::Result<(i32, i32, i64)> {
        switch_to_wal(connection)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been first.
        let found = header(&transaction)?;
        if found.2 == 0 {
            for lane in Lane::ALL {
                transaction.execute_batch(&frames(table(lane)))?;
            }
            transaction.execute_batch(OTHERS)?;
            let incarnation = crc32fast::hash(uuid::Uuid::now_v7().as_bytes());
            transaction.execute("INSERT INTO meta VALUES ('epoch', ?1)", [incarnation])?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
        }
        if found.2 == 0 || (found.0, found.1) == (APPLICATION, VERSION) {
            transaction.execute_batch(super::index::TABLES)?;
        }
        let now = header(&transaction)?;
        transaction.commit()?;
        Ok(now)
    };
    let (application, version, tables) = make(connection).map_err(|error| refuse(path, error))?;
    check(path, application, version, tables)?;
    let epoch: Option<u32> = connection
        .query_row("SELECT value FROM meta WHERE name = 'epoch'", [], |row| row.get(0))
        .optional()
        .map_err(|error| refuse(path, error))?;
    epoch.map(Epoch).ok_or_else(|| OpenError::NotOurs { path: path.to_owned() })
}

fn check(path: &Path, application: i32, version: i32, tables: i64) -> Result<(), OpenError> {
    if tables == 0 {
        return Ok(());
    }
    if application != APPLICATION {
        return Err(OpenError::NotOurs { path: path.to_owned() });
    }
    if version != VERSION {
        return Err(OpenError::Version { path: path.to_owned(), found: version, known: VERSION });
    }
    Ok(())
}
