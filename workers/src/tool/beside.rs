//! The output of a call besides its result: its progress, and images.

use std::sync::{Arc, Mutex, PoisonError};

use runbus::session::Image;
use tokio::sync::watch;

use super::limits::{MAX_IMAGE_BYTES, MAX_IMAGES_BYTES};

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
    images: Arc<Mutex<Vec<Image>>>,
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

    /// Gives the model an image; whether it fits.
    pub(super) fn attach(&self, image: Image) -> bool {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        // A server may give one image twice: as a part of its answer, and as structured content.
        if images.contains(&image) {
            return true;
        }
        let held: usize = images.iter().map(|image| image.data.len()).sum();
        let fits = image.data.len() <= MAX_IMAGE_BYTES && held + image.data.len() <= MAX_IMAGES_BYTES;
        if fits {
            images.push(image);
        }
        fits
    }

    /// The images so far.
    pub(super) fn images(&self) -> Vec<Image> {
        std::mem::take(&mut self.images.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
