//! The one connection that all calls share, made again when it is of no more use.
//!
//! Why not the library's connection manager: after a failover it stays with the old primary (READONLY), and after a
//! time-out with a connection that leads nowhere.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use redis::{Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::connect::{Connector, Link};
use super::error::{deserves_retry, explain, spoils_connection, to_port};
use super::scripts::Script;
use crate::metrics;
use crate::store::Error;

/// Pause after the second failure in a row; it doubles from there. After the first there is none.
const BACKOFF_MIN: Duration = Duration::from_millis(50);

/// Longest pause.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// The cluster client knows no node any more.
const NO_NODE: ErrorKind = ErrorKind::ClusterConnectionNotFound;

/// The connection, and the outcome of the last attempts.
pub(super) struct Shared {
    connector: Connector,
    state: Mutex<State>,
    /// Failures since the last answer.
    failures: AtomicU32,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    /// How many connections were made; tells a caller's connection from its successor.
    generation: u64,
    /// Until when nobody tries again, and why.
    pause: Option<(Instant, RedisError)>,
}

/// The pause after so many failures in a row.
fn backoff(failures: u32) -> Duration {
    match failures {
        0 | 1 => Duration::ZERO,
        n => BACKOFF_MIN.saturating_mul(1 << (n - 2).min(16)).min(BACKOFF_MAX),
    }
}

impl Shared {
    pub(super) fn new(connector: Connector) -> Self {
        Self { connector, state: Mutex::default(), failures: AtomicU32::new(0) }
    }

    /// Sends a command. It is sent once more when the connection turns out to be lost, so it must be idempotent.
    pub(super) async fn query<T: FromRedisValue>(&self, cmd: &Cmd) -> Result<T, Error> {
        self.retrying(cmd).await.map_err(|error| to_port(self.connector.config(), &error))
    }

    /// Runs a script; it is loaded where it is not known. `keys` lie in one slot.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        args: &[&[u8]],
    ) -> Result<T, Error> {
        let command = |name: &str, script: &str| {
            let mut cmd = redis::cmd(name);
            cmd.arg(script).arg(keys.len()).arg(keys).arg(args);
            cmd
        };
        match self.retrying(&command("EVALSHA", &script.hash)).await {
            // EVAL goes where the keys are, also in a cluster, and the server keeps the script.
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.query(&command("EVAL", script.code)).await
            }
            other => other.map_err(|error| to_port(self.connector.config(), &error)),
        }
    }

    async fn retrying<T: FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        match self.once(cmd).await {
            Err(error) if !self.connector.is_cluster() && deserves_retry(&error) => self.once(cmd).await,
            other => other,
        }
        .inspect_err(|error| {
            // A script that is not known yet is no failure.
            if error.kind() != ErrorKind::Server(ServerErrorKind::NoScript) {
                metrics::redis::ERRORS.inc();
            }
        })
    }

    async fn once<T: FromRedisValue>(&self, cmd: &Cmd) -> RedisResult<T> {
        let (mut link, generation) = self.link().await?;
        let result = cmd.query_async(&mut link).await;
        match &result {
            // The cluster client finds nodes again by itself; without one node the others still serve.
            Err(error) if self.connector.is_cluster() && error.kind() != NO_NODE => {}
            Err(error) if spoils_connection(error) => self.give_up(generation, error).await,
            _ => self.failures.store(0, Ordering::Relaxed),
        }
        result
    }

    async fn link(&self) -> RedisResult<(Link, u64)> {
        let mut state = self.state.lock().await;
        if let Some(link) = &state.link {
            return Ok((link.clone(), state.generation));
        }
        if let Some((until, error)) = &state.pause
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        match self.connector.open().await {
            Ok(link) => {
                tracing::info!(generation = state.generation + 1, "connected to the store");
                metrics::redis::CONNECTS.inc();
                state.generation += 1;
                state.pause = None;
                state.link = Some(link.clone());
                Ok((link, state.generation))
            }
            Err(error) => {
                self.pause(&mut state, &error);
                Err(error)
            }
        }
    }

    /// Drops the connection of that generation, unless somebody has done so.
    async fn give_up(&self, generation: u64, error: &RedisError) {
        let mut state = self.state.lock().await;
        if state.generation == generation && state.link.take().is_some() {
            self.pause(&mut state, error);
        }
    }

    fn pause(&self, state: &mut State, error: &RedisError) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let pause = backoff(failures);
        let error_text = explain(self.connector.config(), error);
        tracing::warn!(
            error = error_text,
            failures,
            pause_ms = pause.as_millis(),
            "the store does not answer"
        );
        state.pause = Some((Instant::now() + pause, error.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        assert_eq!([0, 1, 2, 3, 4].map(backoff).map(|pause| pause.as_millis()), [0, 0, 50, 100, 200]);
        assert_eq!([8, 40, u32::MAX].map(backoff), [BACKOFF_MAX; 3]);
    }
}
