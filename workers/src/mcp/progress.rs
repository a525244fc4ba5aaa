//! Which call a server's word about progress belongs to.

use std::collections::HashMap;
use std::sync::Arc;

use rmcp::model::{ProgressNotificationParam, ProgressToken};
use tokio::sync::{Mutex, watch};

use super::limits::MAX_PROGRESS_BYTES;
use crate::tool::{Progress, truncate};

type Senders = HashMap<ProgressToken, watch::Sender<Option<Progress>>>;

/// The calls of a connection whose progress is watched. Clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Watchers(Arc<Mutex<Senders>>);

/// The calls, while one is sent: no word about it is looked at before it is among them.
pub(super) type Sending<'w> = tokio::sync::MutexGuard<'w, Senders>;

impl Watchers {
    /// A call is about to be sent.
    pub(super) async fn sending(&self) -> Sending<'_> {
        self.0.lock().await
    }

    /// A call has ended.
    pub(super) async fn forget(&self, token: &ProgressToken) {
        self.0.lock().await.remove(token);
    }

    /// Gives a server's word to its call, if that is still at work.
    pub(super) async fn tell(&self, told: ProgressNotificationParam) {
        let ProgressNotificationParam { progress_token, progress, total, message, .. } = told;
        let mut senders = self.0.lock().await;
        // Calls that were dropped have left their place.
        senders.retain(|_, sender| !sender.is_closed());
        let Some(sender) = senders.get(&progress_token) else { return };
        let message = message.map(|text| truncate(text, MAX_PROGRESS_BYTES).0);
        let finite = |number: &f64| number.is_finite();
        let progress = if progress.is_finite() { progress } else { 0.0 };
        sender.send_replace(Some(Progress { progress, total: total.filter(finite), message }));
    }
}
