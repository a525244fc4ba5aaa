//! The embedded backend passes the suites, survives kill -9, full disks and clocks that are set back, and refuses files
//! that are not its own.

mod clock;
mod conformance;
mod crash;
mod disk;
mod files;
mod queue;
mod retention;

use super::*;
use crate::time::Clock;

/// A database in a folder that lives as long as the second value.
fn open() -> (Embedded, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (reopen(&folder), folder)
}

fn config(folder: &tempfile::TempDir) -> Config {
    Config { data_dir: folder.path().to_owned(), hold_ms: 300, ..Config::default() }
}

fn reopen(folder: &tempfile::TempDir) -> Embedded {
    Embedded::open(&config(folder), Clock::System).unwrap()
}
