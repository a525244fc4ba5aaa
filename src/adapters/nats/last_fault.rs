//! The last fault of a connection, reported by the server or the network: errors name it as their cause.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// The last fault of a connection.
#[derive(Debug, Default)]
pub(super) struct LastFault {
    last: Mutex<Option<(Instant, String)>>,
    is_ending: AtomicBool,
}

impl LastFault {
    /// The process lets the connection go: its end is no fault.
    pub(super) fn ends(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    /// Records a fault. A server that refuses a client in the TLS handshake closes the connection: one attempt reads its alert,
    /// another one sees the end alone. The alert stays.
    pub(super) fn record(&self, text: &str) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let names_cause = last.as_ref().is_some_and(|(_, known)| known.contains("fatal alert"));
        if !(names_cause && is_end(text)) {
            *last = Some((Instant::now(), text.to_owned()));
        }
    }

    /// The connection is up: its fault is over.
    pub(super) fn clear(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The last fault.
    pub(super) fn last(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, text)| text.clone())
    }

    /// The last fault since a request was made, if it concerns the request's subject or its answers.
    pub(super) fn about(&self, since: Instant, subject: &str, inbox: &str) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, text) = last.as_ref()?;
        // A mapping changes the head of a subject.
        let tail = subject.rsplit('.').next().unwrap_or(subject);
        let names = text.contains(subject)
            || text.contains(inbox.trim_end_matches('.'))
            || text.contains(&format!(".{tail}\""));
        (*at >= since && is_denial(text) && names).then(|| text.clone())
    }
}

/// Whether the end of a connection is all that a text tells.
fn is_end(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["connection reset", "broken pipe", "expected info, got nothing"]
        .into_iter()
        .any(|end| text.contains(end))
}

/// Whether the server refused something that the user may not do.
pub(super) fn is_denial(text: &str) -> bool {
    text.to_ascii_lowercase().contains("permissions violation")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_of_the_request_that_it_names_and_an_alert_outlasts_the_end() {
        let last_fault = LastFault::default();
        let since = Instant::now();
        last_fault.record("nats: Permissions Violation for Publish to \"rb.ext.0.a._.x\"");
        assert!(last_fault.about(since, "rb.ext.0.a._.x", "_INBOX.1.").is_some());
        assert!(last_fault.about(since, "rb.pub.a._.x", "_INBOX.1.").is_some(), "mapped");
        assert!(last_fault.about(since, "rb.ext.0.a._.y", "_INBOX.1.").is_none());
        assert!(
            last_fault
                .about(Instant::now() + std::time::Duration::from_secs(1), "rb.ext.0.a._.x", "_")
                .is_none()
        );
        last_fault.record("nats: Permissions Violation for Subscription to \"_INBOX.1.*\"");
        assert!(last_fault.about(since, "rb.ext.0.a._.y", "_INBOX.1.").is_some(), "its answers do not come");
        last_fault.clear();
        assert_eq!(last_fault.last(), None);
        last_fault.record("nats: IO error: received fatal alert: CertificateRequired");
        last_fault.record("nats: IO error: Connection reset by peer (os error 104)");
        assert!(last_fault.last().unwrap().contains("CertificateRequired"), "the alert stays");
        last_fault.record("nats: IO error: Connection refused (os error 111)");
        assert!(last_fault.last().unwrap().contains("refused"), "another fault counts");
    }
}
