//! The latest state of something, for many who watch it: each takes it when they get to it, none waits for another, and no queue
//! grows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

/// The latest state.
#[derive(Debug)]
pub struct Feed<T> {
    state: Mutex<T>,
    watchers: Mutex<Vec<Weak<Notify>>>,
}

impl<T> Feed<T> {
    /// In this state.
    #[must_use]
    pub fn new(state: T) -> Self {
        Self { state: Mutex::new(state), watchers: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at it.
    pub fn look<R>(&self, view: impl FnOnce(&T) -> R) -> R {
        view(&self.state())
    }

    /// Changes it; `true` wakes whoever watches.
    pub fn change(&self, update: impl FnOnce(&mut T) -> bool) {
        if !update(&mut self.state()) {
            return;
        }
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| {
            let alive = watcher.upgrade();
            if let Some(notify) = &alive {
                notify.notify_one();
            }
            alive.is_some()
        });
    }

    /// Wakes `watcher` whenever it changes; once however often it asks.
    pub fn watch(&self, watcher: &Arc<Notify>) {
        let mut watchers = self.watchers.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|known| known.strong_count() > 0);
        if !watchers.iter().any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(watcher))) {
            watchers.push(Arc::downgrade(watcher));
        }
    }
}
