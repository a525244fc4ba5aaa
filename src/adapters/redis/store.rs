//! The store port on Redis.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::config::Config;
use super::connect::Connector;
use super::index;
use super::keys::{Kind, key, ready};
use super::link::Shared;
use super::scripts::{Scripts, applied};
use crate::config::Invalid;
use crate::store::{Applied, Error, Index, Lease, Mark, Name, Projection, Store};

/// Longest time to live that is passed on, in milliseconds: ten years.
const TTL_MAX_MS: u128 = 10 * 366 * 86_400_000;

/// How long the readiness check's key stays, in milliseconds.
const READY_TTL_MS: u32 = 1000;

/// The store on Redis or Valkey; clones share one connection.
#[derive(Clone)]
pub struct Redis {
    pub(super) prefix: Arc<str>,
    pub(super) shared: Arc<Shared>,
    scripts: Arc<Scripts>,
    pub(super) index_scripts: Arc<index::Scripts>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A number of the port as 20 digits, which compare as text.
pub(super) fn digits(number: u64) -> String {
    format!("{number:020}")
}

pub(super) fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_digits| Error::Refused(format!("a stored number is {text:?}")))
}

/// Rounded up, so that nothing ends early.
fn millis(time: Duration) -> String {
    time.as_nanos().div_ceil(1_000_000).clamp(1, TTL_MAX_MS).to_string()
}

/// The duration of a PTTL answer.
fn remaining(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

impl Redis {
    /// The store that the configuration names. It connects at the first call, and again whenever it must.
    ///
    /// # Errors
    /// The configuration is not valid.
    pub fn new(config: &Config) -> Result<Self, Invalid> {
        let shared = Shared::new(Connector::new(config)?);
        Ok(Self {
            prefix: config.prefix.as_str().into(),
            shared: Arc::new(shared),
            scripts: Arc::new(Scripts::new()),
            index_scripts: Arc::new(index::Scripts::new()),
        })
    }

    /// Answers when the server could store something. Nothing is stored: the key that would have to be there never is.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn look(&self) -> Result<(), Error> {
        let mut cmd = redis::cmd("SET");
        let key = format!("{}:look:{}", self.prefix, uuid::Uuid::new_v4());
        cmd.arg(key).arg(1).arg("XX");
        self.shared.query::<Option<String>>(&cmd).await.map(drop)
    }

    fn key(&self, kind: Kind, name: &Name) -> String {
        key(&self.prefix, kind, name)
    }

    /// Deadlines and descriptions.
    fn presence(&self, name: &Name) -> (String, String) {
        (self.key(Kind::Deadlines, name), self.key(Kind::Members, name))
    }
}

#[async_trait]
impl Store for Redis {
    async fn apply(
        &self,
        name: &Name,
        mark: Mark,
        document: Bytes,
        keep: Option<Duration>,
    ) -> Result<Applied, Error> {
        let key = self.key(Kind::Projection, name);
        let (epoch, from, to) =
            (digits(mark.epoch), mark.from.map(digits).unwrap_or_default(), digits(mark.to));
        let keep = keep.map(millis).unwrap_or_default();
        let args = [epoch.as_bytes(), from.as_bytes(), to.as_bytes(), &document, keep.as_bytes()];
        match self.shared.run(&self.scripts.apply, &[&key], &args).await? {
            applied::STORED => Ok(Applied::Stored),
            applied::ALREADY => Ok(Applied::Already),
            applied::STALE => Ok(Applied::Stale),
            applied::DISCONTINUOUS => Ok(Applied::Discontinuous),
            other => Err(Error::Refused(format!("the script answered {other}"))),
        }
    }

    async fn get(&self, name: &Name) -> Result<Option<Projection>, Error> {
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(self.key(Kind::Projection, name)).arg("e").arg("v").arg("d");
        let (epoch, version, document): (Option<String>, Option<String>, Option<Vec<u8>>) =
            self.shared.query(&cmd).await?;
        let (Some(epoch), Some(version), Some(document)) = (epoch, version, document) else {
            return Ok(None);
        };
        let (epoch, version) = (number(&epoch)?, number(&version)?);
        Ok(Some(Projection { epoch, version, document: document.into() }))
    }

    async fn remove(&self, name: &Name) -> Result<(), Error> {
        let mut cmd = redis::cmd("UNLINK");
        cmd.arg(self.key(Kind::Projection, name));
        self.shared.query(&cmd).await
    }

    async fn lease(&self, name: &Name, owner: &str, ttl: Duration) -> Result<Lease, Error> {
        let key = self.key(Kind::Lease, name);
        let ttl = millis(ttl);
        let (holder, left): (String, i64) =
            self.shared.run(&self.scripts.lease, &[&key], &[owner.as_bytes(), ttl.as_bytes()]).await?;
        if holder == owner {
            return Ok(Lease::Held);
        }
        Ok(Lease::HeldBy { owner: holder, remaining: remaining(left) })
    }

    async fn leased(&self, name: &Name) -> Result<Option<(String, Duration)>, Error> {
        let key = self.key(Kind::Lease, name);
        let found: Option<(String, i64)> = self.shared.run(&self.scripts.leased, &[&key], &[]).await?;
        Ok(found.map(|(owner, left)| (owner, remaining(left))))
    }

    async fn release(&self, name: &Name, owner: &str) -> Result<(), Error> {
        let key = self.key(Kind::Lease, name);
        self.shared.run(&self.scripts.release, &[&key], &[owner.as_bytes()]).await
    }

    async fn join(&self, name: &Name, member: &str, description: Bytes, ttl: Duration) -> Result<(), Error> {
        let (deadlines, members) = self.presence(name);
        let ttl = millis(ttl);
        let args = [member.as_bytes(), &description, ttl.as_bytes()];
        self.shared.run(&self.scripts.join, &[&deadlines, &members], &args).await
    }

    async fn leave(&self, name: &Name, member: &str) -> Result<(), Error> {
        let (deadlines, members) = self.presence(name);
        self.shared.run(&self.scripts.leave, &[&deadlines, &members], &[member.as_bytes()]).await
    }

    async fn present(&self, name: &Name) -> Result<Vec<(String, Bytes)>, Error> {
        let (deadlines, members) = self.presence(name);
        let found: Vec<(String, Vec<u8>)> =
            self.shared.run(&self.scripts.present, &[&deadlines, &members], &[]).await?;
        let mut found: Vec<_> =
            found.into_iter().map(|(member, description)| (member, description.into())).collect();
        found.sort();
        Ok(found)
    }

    async fn remember(&self, name: &Name, value: Bytes, ttl: Duration) -> Result<Bytes, Error> {
        let key = self.key(Kind::Remembered, name);
        let ttl = millis(ttl);
        let found: Vec<u8> =
            self.shared.run(&self.scripts.remember, &[&key], &[&value, ttl.as_bytes()]).await?;
        Ok(found.into())
    }

    fn index(&self) -> &dyn Index {
        self
    }

    /// Writes, because a replica and a server without memory or disk answer a ping.
    async fn ready(&self) -> Result<(), Error> {
        let mut cmd = redis::cmd("SET");
        cmd.arg(ready(&self.prefix)).arg(1).arg("PX").arg(READY_TTL_MS);
        self.shared.query(&cmd).await
    }
}
