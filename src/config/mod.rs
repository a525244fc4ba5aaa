//! How configuration is layered, checked and documented: defaults < TOML file < environment < `--set` flags.
//!
//! Each component owns its section: a struct with `Default`, serde (`deny_unknown_fields`), schemars and [`Validate`].
//! The JSON Schema of the root struct decides which keys there are, of which type and in which range; the same schema
//! gives `docs/configuration.md`.

mod address;
mod check;
mod error;
mod layer;
mod load;
mod named;
mod reference;
mod schema;
mod secret;
mod secret_file;
mod section;
#[cfg(test)]
mod tests;
mod validate;

pub use address::without_credentials;
pub use error::{Error, Origin, Problem};
pub use load::{Sources, load};
pub use reference::reference;
pub use secret::{Derived, Revealed, Secret};
pub use section::{LogBackend, LogSection, StoreBackend, StoreSection};
pub use validate::{Invalid, Validate, check};
