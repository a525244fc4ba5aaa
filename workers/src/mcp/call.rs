//! One request to a server: its answer, its progress, its limits.

use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{CancelledNotificationParam, ClientRequest, RequestId, ServerResult};
use rmcp::service::{Peer, PeerRequestOptions};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::client::{Fault, fault};
use super::progress::Watchers;
use crate::tool::Invocation;

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Without a word about its progress.
    pub(super) silent: Duration,
    /// In all.
    pub(super) until: Instant,
}

/// Tells the server to stop, unless the call has ended.
struct Open {
    peer: Option<Peer<RoleClient>>,
    id: RequestId,
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(peer) = self.peer.take() else { return };
        let reason = "the call is not waited for any more".to_owned();
        let cancelled = CancelledNotificationParam::new(Some(self.id.clone()), Some(reason));
        // Nobody waits for it: a connection that takes no message ends with its supervisor.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { peer.notify_cancelled(cancelled).await });
        }
    }
}

/// Sends a request and waits for its answer. Dropping the future tells the server to stop.
///
/// # Errors
/// See [`Fault`].
pub(super) async fn call(
    peer: &Peer<RoleClient>,
    watchers: &Watchers,
    request: ClientRequest,
    limits: Limits,
    invocation: &Invocation,
) -> Result<ServerResult, Fault> {
    let ends = |from: Instant| (from + limits.silent).min(limits.until);
    let begun = Instant::now();
    let sent = peer.send_request_with_option(request, PeerRequestOptions::no_options());
    let sent = tokio::time::timeout_at(ends(begun), sent).await;
    let mut handle = sent.map_err(|_elapsed| Fault::TimedOut(None))?.map_err(fault)?;
    let mut words = watchers.watch(handle.progress_token.clone());
    words.mark_changed();
    let mut open = Open { peer: Some(peer.clone()), id: handle.id.clone() };
    let (mut end, mut heard) = (ends(Instant::now()), false);
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut handle.rx => break answer,
            () = tokio::time::sleep_until(end) => {
                return Err(Fault::TimedOut(heard.then(|| begun.elapsed())));
            }
            Ok(()) = words.changed() => {
                if let Some(progress) = words.borrow_and_update().clone() {
                    (end, heard) = (ends(Instant::now()), true);
                    invocation.progress(progress);
                }
            }
        }
    };
    open.peer = None;
    // A word that came with the answer is one too.
    if words.has_changed().is_ok_and(|changed| changed)
        && let Some(progress) = words.borrow().clone()
    {
        invocation.progress(progress);
    }
    watchers.forget(&handle.progress_token);
    answer.map_err(|_closed| Fault::Lost("the connection was closed".into()))?.map_err(fault)
}

/// Why an answer is not of the type that was expected, in words.
pub(super) fn mismatch<T: DeserializeOwned>(answer: &ServerResult) -> String {
    let read = serde_json::to_value(answer).map(runbus::json::from_value::<T>);
    match read {
        Ok(Err(error)) => error.to_string(),
        Ok(Ok(_)) | Err(_) => "it is an answer to something else".into(),
    }
}
