//! The output of a call besides its result: its progress, and media.

use std::sync::{Arc, Mutex, PoisonError};

use runbus::session::{Media, MediaSource};
use tokio::sync::watch;

use super::limits::{MAX_MEDIA_BYTES, MAX_MEDIUM_BYTES};

/// How far a call has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// A number that grows.
    pub progress: f64,
    /// The number at its end, when the tool knows it.
    pub total: Option<f64>,
    /// The tool's progress, in words.
    pub message: Option<String>,
}

/// The output of a call besides its result. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    progress: watch::Sender<Option<Progress>>,
    media: Arc<Mutex<Vec<Media>>>,
}

impl Beside {
    /// The call has come this far. Only the latest word is kept.
    pub(super) fn progress(&self, progress: Progress) {
        self.progress.send_replace(Some(progress));
    }

    /// How far the call has come, as it says so.
    pub(super) fn watch(&self) -> watch::Receiver<Option<Progress>> {
        self.progress.subscribe()
    }

    /// Gives the model a medium; whether it is one, and fits.
    pub(super) fn attach(&self, given: Media) -> bool {
        let mut media = self.media.lock().unwrap_or_else(PoisonError::into_inner);
        // A server may give one image twice: as a part of its answer, and as structured content.
        if media.contains(&given) {
            return true;
        }
        let held: usize = media.iter().map(size).sum();
        let fits = given.check().is_ok()
            && size(&given) <= MAX_MEDIUM_BYTES
            && held + size(&given) <= MAX_MEDIA_BYTES;
        if fits {
            media.push(given);
        }
        fits
    }

    /// The media so far.
    pub(super) fn media(&self) -> Vec<Media> {
        std::mem::take(&mut self.media.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Bytes that a medium has in the journal.
const fn size(media: &Media) -> usize {
    match &media.source {
        MediaSource::Data(text) | MediaSource::Url(text) => text.len(),
    }
}
