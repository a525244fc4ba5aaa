//! Traffic with providers in files: [`Recorder`] writes it, [`Player`] answers from it.
//!
//! Both stand below the clients, in place of the connection: a client builds its request and reads its answer in the same way, whether a
//! service or a recording answers.

mod clean;
mod compare;
mod folder;
mod format;
mod play;
mod write;

pub(super) use clean::Secrets;
pub use folder::{Folder, FolderFault, Source};
pub use format::{Client, Interaction, Recording};
pub(super) use play::Played;
pub use play::Player;
pub use write::Recorder;
pub(super) use write::Tape;

use std::sync::Arc;

/// How a client's requests are answered.
#[derive(Debug, Clone, Default)]
pub enum Transport {
    /// The service.
    #[default]
    Live,
    /// The service; the traffic is written down.
    Recorded(Arc<Recorder>, Arc<Client>),
    /// Recordings.
    Replayed(Arc<Player>),
}

impl PartialEq for Transport {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Live, Self::Live) => true,
            (Self::Recorded(a, x), Self::Recorded(b, y)) => Arc::ptr_eq(a, b) && x == y,
            (Self::Replayed(a), Self::Replayed(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl Eq for Transport {}
