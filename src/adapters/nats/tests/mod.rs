//! Against real servers: the suites, set-up, outages, full disks, and two writers that fight while leaders die.

mod chaos;
mod conformance;
mod disk;
mod headers;
mod outage;
mod outbox;
mod permissions;
mod plain;
mod setup;

use std::time::{Duration, Instant};

use super::{Config, Nats, SetupError, Shards};

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Small enough to make quickly, with two generations.
fn small(config: Config) -> Config {
    Config { shards: Shards::Generations(vec![1, 2]), ..config }
}

/// Connects and waits until the broker is set up.
async fn connect(config: Config) -> Nats {
    let nats = Nats::connect(config).await.unwrap();
    until_ready(&nats).await;
    nats
}

async fn until_ready(nats: &Nats) {
    let start = Instant::now();
    while let Err(error) = nats.ready().await {
        assert!(error.is_retryable() && start.elapsed() < PATIENCE, "not ready: {error}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// No request leaves anything behind. The watch of the streams asks now and then: its requests end too.
async fn until_nothing_waits(nats: &Nats) {
    let start = Instant::now();
    while nats.waiting() > 0 {
        assert!(start.elapsed() < PATIENCE, "a request leaves something behind");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits for a set-up error that will not pass by itself.
async fn until_refused(nats: &Nats) -> SetupError {
    let start = Instant::now();
    loop {
        match nats.ready().await {
            Err(error) if !error.is_retryable() => return error,
            other => assert!(start.elapsed() < PATIENCE, "expected a refusal, was {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
