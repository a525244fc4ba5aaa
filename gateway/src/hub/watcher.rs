//! The watchers of a hub.

use std::fmt;

use tokio::sync::Notify;

/// Is notified of news of a hub. It returns soon: the others wait.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// There is something new.
    fn notify(&self);
}

impl Watcher for Notify {
    fn notify(&self) {
        self.notify_one();
    }
}
