//! Typed helpers: publish each event of the catalogue by a method of its name.

use super::{Bus, publish};
use crate::event::Source;
use crate::event::catalogue::catalogue;
use crate::event::family::{
    client, custom, execution, goal, model, node, session, state, stream, tool, webhook,
};
use crate::log::Sequence;

/// Publishes events of one source.
#[derive(Debug, Clone)]
pub struct Emitter {
    bus: Bus,
    source: Source,
}

impl Bus {
    /// Publishes events of one source by name.
    #[must_use]
    pub fn emitter(&self, source: Source) -> Emitter {
        Emitter { bus: self.clone(), source }
    }
}

macro_rules! emitters {
    ($($wire:ident => $variant:ident($payload:ty), $class:ident;)*) => {
        impl Emitter {
            $(#[doc = concat!("Publishes a `", stringify!($wire), "` event.")]
            ///
            /// # Errors
            /// See [`publish::Error`].
            pub async fn $wire(&self, payload: $payload) -> Result<Sequence, publish::Error> {
                self.bus.publish(self.source.$wire(payload)).await
            })*
        }
    };
}
catalogue!(emitters);
