//! The data folder and its files: only their owner may read them.
//!
//! ```text
//! folder   0700   made so; an older one that is wider is narrowed when it holds nothing else, refused otherwise
//! files    0600   made so before SQLite opens them; SQLite gives the modes of the database to its companions
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::handle::OpenError;

/// The file's name in the data folder.
pub(super) const FILE: &str = "runbus.db";

/// The suffixes of SQLite's files beside the database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Suffix of the file that lists the processes which have the database open. Each of them locks it.
const LOCK: &str = "-lock";

/// How much of that file is read, in bytes.
const LOCK_BYTES: u64 = 64 * 1024;

/// Nobody but the owner: entering, reading, writing.
const FOLDER_MODE: u32 = 0o700;

/// Nobody but the owner: reading, writing.
const FILE_MODE: u32 = 0o600;

/// The bits of a mode that give somebody else something.
const OTHERS: u32 = 0o077;

/// Makes the folder and the file, or narrows those that are there. Returns the file's path.
pub(super) fn prepare(folder: &Path) -> Result<PathBuf, OpenError> {
    let unusable = |error| OpenError::Folder { path: folder.to_owned(), error };
    let is_new = !folder.exists();
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder).map_err(unusable)?;
    if is_new {
        // The umask may have taken bits of the owner away.
        fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(unusable)?;
    } else {
        narrow_folder(folder)?;
    }
    let path = folder.join(FILE);
    make_file(&path).map_err(|error| not_writable(&path, &error))?;
    for file in std::iter::once(path.clone()).chain(companions(&path)) {
        narrow_file(&file).map_err(|error| not_writable(&file, &error))?;
    }
    Ok(path)
}

/// Says that this process has the folder open, for as long as it lives.
#[derive(Debug)]
pub(super) struct Joined {
    _file: Option<File>,
    /// Other processes that have it open.
    pub(super) others: Vec<u32>,
}

/// Joins those who have the folder open. Where files cannot be locked nobody is known.
pub(super) fn join(folder: &Path) -> Joined {
    match try_join(folder) {
        Ok(joined) => joined,
        Err(error) => {
            tracing::debug!(%error, "the other processes with the data folder open are unknown");
            Joined { _file: None, others: Vec::new() }
        }
    }
}

fn try_join(folder: &Path) -> io::Result<Joined> {
    let path = folder.join(format!("{FILE}{LOCK}"));
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path)?;
    let own = std::process::id();
    let mut others = Vec::new();
    // No other process holds the lock: the processes listed there have ended.
    if file.try_lock().is_ok() {
        file.set_len(0)?;
    } else {
        let mut known = String::new();
        Read::by_ref(&mut file).take(LOCK_BYTES).read_to_string(&mut known)?;
        let is_alive = |id: &u32| *id != own && Path::new("/proc").join(id.to_string()).exists();
        others.extend(known.lines().filter_map(|line| line.parse().ok()).filter(is_alive));
        others.dedup();
    }
    file.lock_shared()?;
    writeln!(file, "{own}")?;
    Ok(Joined { _file: Some(file), others })
}

fn not_writable(path: &Path, error: &io::Error) -> OpenError {
    OpenError::NotWritable { path: path.to_owned(), reason: error.to_string() }
}

fn companions(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    COMPANIONS.iter().map(move |suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// A folder of an older version is narrowed. One with other things in it may be anybody's, `/tmp` for instance.
fn narrow_folder(folder: &Path) -> Result<(), OpenError> {
    let unusable = |error| OpenError::Folder { path: folder.to_owned(), error };
    let found = fs::metadata(folder).map_err(unusable)?.mode();
    if found & OTHERS == 0 {
        return Ok(());
    }
    let shared = || OpenError::SharedFolder { path: folder.to_owned(), mode: found & 0o7777 };
    if !holds_only_ours(folder).map_err(unusable)? {
        return Err(shared());
    }
    // Somebody else's folder cannot be narrowed.
    fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE)).map_err(|_not_permitted| shared())?;
    tracing::warn!(
        folder = %folder.display(),
        found = format_args!("{:04o}", found & 0o7777),
        mode = format_args!("{FOLDER_MODE:04o}"),
        "others could enter the data folder; its mode was changed"
    );
    Ok(())
}

fn holds_only_ours(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if !entry?.file_name().as_encoded_bytes().starts_with(FILE.as_bytes()) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// SQLite would make it with the umask's share of 0644.
fn make_file(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path) {
        Ok(file) => file.set_permissions(Permissions::from_mode(FILE_MODE)),
        // SQLite reports the fault of an existing file.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn narrow_file(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_file() && found.mode() & OTHERS != 0 => {
            fs::set_permissions(path, Permissions::from_mode(FILE_MODE))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
