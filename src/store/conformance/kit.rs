//! The shared parts of the cases.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::store::{Applied, Mark, Name, Projection, Store};

/// How long a case waits for something that must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A time to live that a case lets pass.
pub(super) const SHORT: Duration = Duration::from_millis(150);

/// How early a clock that counts milliseconds may be.
pub(super) const SLACK: Duration = Duration::from_millis(5);

/// A time to live that does not pass while a case runs.
pub(super) const LONG: Duration = Duration::from_secs(600);

pub(super) fn name(id: &str) -> Name {
    Name { family: "execution", id: id.into() }
}

pub(super) const fn whole(epoch: u64, to: u64) -> Mark {
    Mark { epoch, from: None, to }
}

pub(super) const fn step(epoch: u64, from: u64, to: u64) -> Mark {
    Mark { epoch, from: Some(from), to }
}

pub(super) async fn apply(store: &Arc<dyn Store>, name: &Name, mark: Mark, document: &str) -> Applied {
    store
        .apply(name, mark, Bytes::from(document.to_owned()), None)
        .await
        .unwrap_or_else(|error| panic!("apply({name:?}, {mark:?}) failed: {error:?}"))
}

pub(super) async fn get(store: &Arc<dyn Store>, name: &Name) -> Option<Projection> {
    store.get(name).await.unwrap_or_else(|error| panic!("get({name:?}) failed: {error:?}"))
}

pub(super) fn projection(epoch: u64, version: u64, document: &str) -> Projection {
    Projection { epoch, version, document: Bytes::from(document.to_owned()) }
}

/// Asks again and again until the answer is right.
macro_rules! until {
    ($rule:expr, $right:expr) => {{
        let start = std::time::Instant::now();
        while !$right {
            assert!(start.elapsed() < $crate::store::conformance::kit::PATIENCE, "{}", $rule);
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }};
}
pub(super) use until;
