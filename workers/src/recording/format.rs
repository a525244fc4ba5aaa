//! The file format of recordings, and where they are found.

use std::path::{Path, PathBuf};

use crate::model::recorded::Recording;

/// Why a recording cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LoadFault {
    /// The file or folder cannot be read.
    #[error("cannot read the recordings at {path} (RUNBUS_RECORDINGS names their folder): {source}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is no recording.
    #[error("{path} is no recording: {source}")]
    Decode {
        /// The file.
        path: PathBuf,
        /// The fault of the file.
        source: runbus::json::Error,
    },
}

impl Recording {
    /// The folder of shared recordings: `RUNBUS_RECORDINGS`, else `../shared/data/llm-recordings` next to the
    /// workspace. It may not exist.
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration file that could name it")]
    pub fn dir() -> PathBuf {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/llm-recordings");
        std::env::var("RUNBUS_RECORDINGS").map_or_else(|_unset| beside(), PathBuf::from)
    }

    /// The folder of the recordings that are part of this repository.
    pub fn own_dir() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
    }

    /// Reads one file.
    ///
    /// # Errors
    ///
    /// When it cannot be read or is no recording.
    pub fn load(path: &Path) -> Result<Self, LoadFault> {
        let text = std::fs::read(path).map_err(|source| LoadFault::Read { path: path.to_owned(), source })?;
        runbus::json::from_slice(&text).map_err(|source| LoadFault::Decode { path: path.to_owned(), source })
    }

    /// Reads every recording of a folder, sorted by file name.
    ///
    /// # Errors
    ///
    /// When the folder or one of the files cannot be read.
    pub fn load_all(dir: &Path) -> Result<Vec<Self>, LoadFault> {
        let failed = |source| LoadFault::Read { path: dir.to_owned(), source };
        let entries: Result<Vec<_>, _> = std::fs::read_dir(dir).map_err(failed)?.collect();
        let mut paths: Vec<PathBuf> =
            entries.map_err(failed)?.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths.iter().map(|path| Self::load(path)).collect()
    }
}
