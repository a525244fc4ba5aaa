//! A folder of recordings.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Recording;
use crate::model::limits::{MAX_RECORDING_BYTES, MAX_REPLAY_BYTES, MAX_REPLAY_FILES};

/// The recordings of a folder, sorted by file name.
#[derive(Debug, Clone, PartialEq)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// Its recordings.
    pub sources: Vec<Source>,
}

/// One recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Its file's name.
    pub file: String,
    /// Its content.
    pub recording: Recording,
}

/// Why a folder cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("recordings at {path}: {message}", path = path.display())]
pub struct FolderFault {
    /// The folder or the file.
    pub path: PathBuf,
    /// The fault.
    pub message: String,
}

impl Folder {
    /// Reads each `.json` file of a folder.
    ///
    /// # Errors
    /// The folder or a file cannot be read, a file is no recording, a limit is passed, or there is no recording.
    pub fn load(path: &Path) -> Result<Self, FolderFault> {
        let fault = |path: &Path, message: String| FolderFault { path: path.to_owned(), message };
        let failed = |error: std::io::Error| fault(path, format!("cannot be read: {error}"));
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            if file.extension().is_some_and(|end| end == "json") {
                files.push(file);
            }
            if files.len() > MAX_REPLAY_FILES {
                return Err(fault(
                    path,
                    format!("more than {MAX_REPLAY_FILES} files; play a smaller folder"),
                ));
            }
        }
        files.sort();
        if files.is_empty() {
            return Err(fault(path, "no file with the ending .json; record some with model.record".into()));
        }
        let mut left = MAX_REPLAY_BYTES;
        let mut sources = Vec::with_capacity(files.len());
        for file in files {
            let text = read(&file, MAX_RECORDING_BYTES).map_err(|message| fault(&file, message))?;
            left = left.checked_sub(text.len()).ok_or_else(|| {
                fault(path, format!("more than {MAX_REPLAY_BYTES} bytes in all files; play a smaller folder"))
            })?;
            let recording = runbus::json::from_slice(&text)
                .map_err(|error| fault(&file, format!("is no recording: {error}; remove the file")))?;
            let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sources.push(Source { file, recording });
        }
        Ok(Self { path: path.to_owned(), sources })
    }
}

fn read(file: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let mut text = Vec::new();
    std::fs::File::open(file)
        .map_err(failed)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > limit {
        return Err(format!("has more than {limit} bytes; remove the file"));
    }
    Ok(text)
}
