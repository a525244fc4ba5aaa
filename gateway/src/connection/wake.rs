//! The watcher that a subscription wakes.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::hub::Watcher;

/// Both lead to the same client.
#[derive(Debug, Clone)]
pub(crate) struct Wake {
    /// Wakes the client's task.
    pub(crate) task: Arc<Notify>,
    /// The watcher that hubs notify.
    pub(crate) watcher: Arc<dyn Watcher>,
}

impl From<Arc<Notify>> for Wake {
    fn from(task: Arc<Notify>) -> Self {
        Self { watcher: task.clone(), task }
    }
}
