//! The checks: a server that is recent enough, JetStream, a compare-and-set that works.

use async_nats::HeaderMap;
use bytes::Bytes;
use futures_util::future::join;
use serde_json::{Value, json};

use super::config::Config;
use super::error::{Failure, SetupError, code};
use super::names::Names;
use super::publish::Link;

/// The oldest server: it is the first with `Nats-Expected-Last-Subject-Sequence-Subject`, batched direct get, and a
/// compare-and-set that holds on clusters.
const NEEDED: (u64, u64) = (2, 11);
const NEEDED_TEXT: &str = "2.11";

/// Headers of the check.
pub(super) mod header {
    /// Where the last message of the checked subject must stand.
    pub(crate) const EXPECTED: &str = "Nats-Expected-Last-Subject-Sequence";
    /// The checked subject, when it is not the message's own.
    pub(crate) const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
}

/// Whether a server is recent enough.
pub(super) fn version(found: &str) -> Result<(), SetupError> {
    let mut parts = found.trim_start_matches('v').split(['.', '-']).map(str::parse::<u64>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= NEEDED => Ok(()),
        _ => Err(SetupError::Version { found: found.into(), needed: NEEDED_TEXT }),
    }
}

/// Whether JetStream answers.
pub(super) async fn jetstream(link: &Link) -> Result<(), SetupError> {
    match link.api::<Value>("INFO", &json!({})).await {
        Ok(_) => Ok(()),
        Err(Failure::NoResponders) if !link.client.server_info().jetstream => Err(SetupError::NoJetStream),
        Err(Failure::Api { code: code::NOT_ENABLED | code::NOT_ENABLED_FOR_ACCOUNT, .. }) => {
            Err(SetupError::NoJetStream)
        }
        // Nobody answers at the name of another domain, or of an API that the account does not import.
        Err(failure) if link.api != Config::default().api() => {
            let step = format!("asking for JetStream at {} (nats.domain, nats.api_prefix)", link.api);
            Err(SetupError::step(step, &failure))
        }
        Err(failure) => Err(SetupError::step("asking for JetStream", &failure)),
    }
}

/// Two appends to different subjects that expect the same last frame of both: exactly one must be taken, and a third that
/// comes later must be refused. Servers before 2.9.21 take both on clusters, servers before 2.11 ignore the wildcard.
pub(super) async fn compare_and_set(link: &Link, names: &Names) -> Result<(), SetupError> {
    let id = uuid::Uuid::now_v7().simple();
    let key = format!("{}.check.{id}.*", names.prefix);
    let publish = |name: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::EXPECTED, "0");
        headers.insert(header::EXPECTED_SUBJECT, key.as_str());
        link.publish(format!("{}.check.{id}.{name}", names.prefix), headers, Bytes::from_static(b"{}"))
    };
    let (a, b) = join(publish("a"), publish("b")).await;
    let mut accepted = 0;
    for outcome in [a, b, publish("c").await] {
        match outcome {
            Ok(_) => accepted += 1,
            Err(Failure::Api { code: code::WRONG_LAST | code::LAST_IN_PROCESS, .. }) => {}
            Err(failure) => return Err(SetupError::step("checking the compare-and-set", &failure)),
        }
    }
    // The message expires by itself; removing it only saves space.
    let verb = format!("STREAM.PURGE.{}", names.check());
    if let Err(error) = link.api::<Value>(&verb, &json!({ "filter": key })).await {
        tracing::debug!(%error, "the scratch messages stay until they expire");
    }
    if accepted == 1 { Ok(()) } else { Err(SetupError::CompareAndSet { accepted, tried: 3 }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for good in ["2.11.0", "2.15.1", "v2.12.0-RC.1", "3.0.0"] {
            assert!(version(good).is_ok(), "{good}");
        }
        for bad in ["2.9.10", "2.10.27", "1.99.0", "", "x.y"] {
            let error = version(bad).unwrap_err();
            assert!(error.to_string().contains("2.11") && !error.is_retryable(), "{bad}: {error}");
        }
    }
}
