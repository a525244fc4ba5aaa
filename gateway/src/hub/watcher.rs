//! The watchers of a hub.

use std::fmt;

use tokio::sync::Notify;

/// Is notified of news of a hub. It returns soon: the others wait.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// There is something new.
    fn news(&self);
}

impl Watcher for Notify {
    fn news(&self) {
        self.notify_one();
    }
}
