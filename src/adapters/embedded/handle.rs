//! Opening a database: one file, three ports.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::config::Config;
use super::files;
use super::log::EmbeddedLog;
use super::queue::{Due, EmbeddedQueue};
use super::readers::Readers;
use super::retention::Retention;
use super::schema::{self, Role};
use super::store::EmbeddedStore;
use super::time::Time;
use super::transaction::{mark, set_mark};
use super::watch::Watch;
use super::writer::Writer;
use crate::subject::Layout;
use crate::time::Clock;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is out of range.
    #[error("embedded.{key} {rule}")]
    Setting {
        /// Which one.
        key: &'static str,
        /// The rule that the value breaks.
        rule: &'static str,
    },
    /// The data folder cannot be made.
    #[error("{path} is no folder and cannot be made one: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Others may enter the data folder, and it cannot be narrowed.
    #[error(
        "{path} has mode {mode:04o}: others may read what is stored, and the folder holds more than this database or has \
         another owner; run `chmod 700` on it, or set embedded.data_dir to a folder of its own inside it"
    )]
    SharedFolder {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file cannot be opened for writing.
    #[error("{path} is not writable: {reason}")]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is no SQLite database.
    #[error("{path} is no database: set embedded.data_dir to another folder")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The database belongs to another program.
    #[error("{path} is a database of another program: set embedded.data_dir to another folder")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// Another version of Runbus made the tables.
    #[error(
        "{path} has tables of version {found}, this program knows version {known}: use the version that wrote it, \
         or set embedded.data_dir to another folder"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: i32,
        /// This program's version.
        known: i32,
    },
    /// SQLite fails otherwise.
    #[error("{path} cannot be opened: {error}")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// A thread cannot be started.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// An open database. Its threads end when all three ports are dropped.
#[derive(Debug, Clone)]
pub struct Embedded {
    /// The log.
    pub log: Arc<EmbeddedLog>,
    /// The queue.
    pub queue: Arc<EmbeddedQueue>,
    /// The store.
    pub store: Arc<EmbeddedStore>,
    /// Other processes that had the folder open when this one opened it.
    pub others: Vec<u32>,
}

impl Embedded {
    /// Opens the database of a data folder, and makes it when there is none. Blocks for some milliseconds.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: &Config, clock: Clock) -> Result<Self, OpenError> {
        check(config)?;
        let path = files::prepare(&config.data_dir)?;
        let joined = files::join(&config.data_dir);
        let others = joined.others.clone();
        let mut connection = schema::connect(&path, config, Role::Write)?;
        let epoch = schema::prepare(&mut connection, &path)?;
        let pool: Result<Vec<_>, _> =
            (0..config.read_connections).map(|_| schema::connect(&path, config, Role::Read)).collect();
        let readers = Readers::new(pool?);
        let (watch, stop) =
            Watch::start(schema::connect(&path, config, Role::Read)?).map_err(OpenError::Thread)?;
        let due = Due::default();
        let retention = Retention::new(config);
        let time = Arc::new(Time::new(clock));
        time.at_least(mark(&connection).map_err(|error| schema::refuse(&path, error))?);
        if let Err(error) = set_mark(&connection, time.now()) {
            tracing::warn!(%error, "the database is opened, but takes nothing");
        }
        let folder = config.data_dir.clone();
        let writer = Writer::start(connection, folder, time.clone(), retention, watch.clone(), due.clone())
            .map_err(OpenError::Thread)?;
        Ok(Self {
            log: Arc::new(EmbeddedLog {
                layout: Arc::new(Layout::single()),
                epoch,
                writer: writer.clone(),
                readers: readers.clone(),
                watch,
                _stop: stop,
                _joined: joined,
            }),
            queue: Arc::new(EmbeddedQueue {
                writer: writer.clone(),
                readers: readers.clone(),
                due,
                hold: Duration::from_millis(config.hold_ms),
                time: time.clone(),
            }),
            store: Arc::new(EmbeddedStore { writer, readers, time }),
            others,
        })
    }
}

fn check(config: &Config) -> Result<(), OpenError> {
    let rules = [
        ("read_connections", (1..=64).contains(&config.read_connections), "must be 1 to 64"),
        ("cache_mib", (1..=4096).contains(&config.cache_mib), "must be 1 to 4096"),
        ("hold_ms", config.hold_ms > 0, "must be at least 1"),
    ];
    match rules.into_iter().find(|(_, holds, _)| !holds) {
        Some((key, _, rule)) => Err(OpenError::Setting { key, rule }),
        None => Ok(()),
    }
}
