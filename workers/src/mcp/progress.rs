//! Which call a server's word about progress belongs to.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use tokio::sync::watch;

use super::limits::{MAX_EARLY_WORDS, MAX_PROGRESS_BYTES};
use crate::tool::{Progress, truncate};

/// The calls of a connection whose progress is watched. Clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Watchers(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    senders: HashMap<ProgressToken, watch::Sender<Option<Progress>>>,
    /// Words about calls that are just being sent: the token of a call is known once it is.
    early: VecDeque<(ProgressToken, Progress)>,
}

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a call that was sent.
    pub(super) fn watch(&self, token: ProgressToken) -> watch::Receiver<Option<Progress>> {
        let mut inner = self.lock();
        let early = inner.early.iter().rposition(|(of, _)| *of == token);
        let (sender, receiver) = watch::channel(None);
        if let Some((_, progress)) = early.and_then(|at| inner.early.remove(at)) {
            sender.send_replace(Some(progress));
        }
        inner.senders.insert(token, sender);
        receiver
    }

    /// A call has ended.
    pub(super) fn forget(&self, token: &ProgressToken) {
        self.lock().senders.remove(token);
    }

    /// Gives a server's word to its call. It is heard in the order of the server's messages: before the call's answer.
    pub(super) fn report(&self, told: &ProgressNotificationParam) {
        let finite = |number: &f64| number.is_finite();
        let progress = Progress {
            progress: if told.progress.is_finite() { told.progress } else { 0.0 },
            total: told.total.filter(finite),
            message: told.message.clone().map(|text| truncate(text, MAX_PROGRESS_BYTES).0),
        };
        let mut inner = self.lock();
        // Calls that were dropped have left their place.
        inner.senders.retain(|_, sender| !sender.is_closed());
        if let Some(sender) = inner.senders.get(&told.progress_token) {
            sender.send_replace(Some(progress));
            return;
        }
        if inner.early.len() == MAX_EARLY_WORDS {
            inner.early.pop_front();
        }
        inner.early.push_back((told.progress_token.clone(), progress));
    }
}
