//! Who wants to know of news.

use std::fmt;

use tokio::sync::Notify;

/// Is told when a hub has something new. It returns soon: everybody else waits.
pub trait Watcher: fmt::Debug + Send + Sync {
    /// There is something new.
    fn news(&self);
}

impl Watcher for Notify {
    fn news(&self) {
        self.notify_one();
    }
}
