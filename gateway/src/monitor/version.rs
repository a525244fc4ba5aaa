//! One revision of a monitor, as everybody who watches shares it.

use std::sync::Arc;

use runbus::monitor::{Monitor, Revision};

/// One revision.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its number. Of this gateway and this watch: it says nothing elsewhere.
    pub revision: Revision,
    /// The document.
    pub monitor: Arc<Monitor>,
}
