//! A look at the data folder that changes nothing: for `runbus doctor`.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::config::Config;
use super::files::FILE;
use super::handle::OpenError;
use super::limits;
use super::schema::{APPLICATION, VERSION};

/// The first bytes of an SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The part of a file's header that is read, in bytes.
const HEADER_BYTES: usize = 100;

/// Looks at the folder and at the database in it. Nothing is made or changed. Returns what was found, for people.
///
/// # Errors
/// Reports the conditions that prevent a process from opening the database.
pub fn look(config: &Config) -> Result<String, OpenError> {
    let folder = &config.data_dir;
    let shown = folder.display();
    if !folder.exists() {
        return Ok(format!("{shown} is not there yet: the first process makes it"));
    }
    let unusable = |error| OpenError::Folder { path: folder.clone(), error };
    let found = std::fs::metadata(folder).map_err(unusable)?;
    if !found.is_dir() {
        return Err(unusable(std::io::ErrorKind::NotADirectory.into()));
    }
    let path = folder.join(FILE);
    let wide =
        if found.mode() & 0o077 == 0 { "" } else { "; others may enter it, the next process narrows it" };
    if !path.exists() {
        return Ok(format!("{shown} has no database yet{wide}"));
    }
    header(&path)?;
    let free = rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    if let Some(free) = free.filter(|free| *free < limits::DISK_BYTES) {
        let reason = format!("the disk is full: {free} bytes are left, {} are needed", limits::DISK_BYTES);
        return Err(OpenError::NotWritable { path, reason });
    }
    let bytes = std::fs::metadata(&path).map_or(0, |file| file.len());
    Ok(format!("{} has {bytes} bytes{wide}", path.display()))
}

/// Whether a file is a database of this program.
fn header(path: &Path) -> Result<(), OpenError> {
    let path = path.to_owned();
    let failed =
        |error: std::io::Error| OpenError::NotWritable { path: path.clone(), reason: error.to_string() };
    let mut header = [0; HEADER_BYTES];
    let mut file = File::open(&path).map_err(failed)?;
    // An empty file is one that a process has just made.
    if file.metadata().map_err(failed)?.len() == 0 {
        return Ok(());
    }
    if file.read_exact(&mut header).is_err() || header[..MAGIC.len()] != *MAGIC {
        return Err(OpenError::NotADatabase { path });
    }
    let number = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    match (number(68), number(60)) {
        (APPLICATION, VERSION) => Ok(()),
        // Everything may still be in the write-ahead log.
        (0, 0) => Ok(()),
        (APPLICATION, found) => Err(OpenError::Version { path, found, known: VERSION }),
        _ => Err(OpenError::NotOurs { path }),
    }
}
