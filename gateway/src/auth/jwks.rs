//! The issuer's keys: read now and then, and when a token names one that is not known; old ones stay while the issuer is away.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::config::{self, Algorithm};
use super::keys::Keys;
use crate::limits;

/// Where a key set is.
#[derive(Debug, Clone)]
enum Source {
    Address(reqwest::Client, String),
    File(PathBuf),
}

/// Why a key set was not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The issuer does not answer well.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// The file cannot be read.
    #[error("{0}")]
    File(#[from] std::io::Error),
    /// It is too large.
    #[error("has more than {} bytes", limits::JWKS_BYTES)]
    TooLarge,
    /// It is no key set.
    #[error("{0}")]
    Invalid(#[from] super::keys::Invalid),
    /// It took too long.
    #[error("took too long")]
    Slow,
}

/// An issuer's keys.
#[derive(Debug)]
pub struct Jwks {
    source: Source,
    algorithms: Vec<Algorithm>,
    ttl: Duration,
    floor: Duration,
    /// `None`: never read.
    keys: RwLock<Option<Arc<Keys>>>,
    /// When it was last tried.
    tried: Mutex<Option<Instant>>,
}

impl Jwks {
    /// Not read yet; `None`: configuration has none.
    ///
    /// # Errors
    /// There can be no HTTP client.
    pub fn new(config: &config::Jwt) -> Result<Option<Self>, Error> {
        let source = match (&config.jwks_url, &config.jwks_file) {
            (Some(url), _) => {
                runbus::tls::install();
                let client = reqwest::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .timeout(limits::JWKS_PATIENCE)
                    .build()?;
                Source::Address(client, url.clone())
            }
            (None, Some(path)) => Source::File(path.clone()),
            (None, None) => return Ok(None),
        };
        Ok(Some(Self {
            source,
            algorithms: config.algorithms.clone(),
            ttl: Duration::from_secs(config.jwks_ttl_s),
            floor: Duration::from_millis(config.jwks_floor_ms),
            keys: RwLock::new(None),
            tried: Mutex::new(None),
        }))
    }

    /// The keys that were read last; `None` before the first ones.
    #[must_use]
    pub fn keys(&self) -> Option<Arc<Keys>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the set again, unless that was tried a moment ago: tokens with keys that nobody has must cost the issuer
    /// nothing.
    pub async fn refresh(&self) {
        let mut tried = self.tried.lock().await;
        if tried.is_none_or(|tried| tried.elapsed() >= self.floor) {
            self.read(&mut tried).await;
        }
    }

    /// Reads it now and then, until `end`.
    pub async fn follow(&self, end: CancellationToken) {
        loop {
            let mut tried = self.tried.lock().await;
            self.read(&mut tried).await;
            drop(tried);
            let pause = if self.keys().is_some() { self.ttl } else { self.floor.min(self.ttl) };
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn read(&self, tried: &mut Option<Instant>) {
        let found = tokio::time::timeout(limits::JWKS_PATIENCE, self.fetch()).await;
        *tried = Some(Instant::now());
        match found.unwrap_or(Err(Error::Slow)) {
            Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys)),
            Err(error) => tracing::warn!(%error, "the issuer's keys cannot be read; those known stay"),
        }
    }

    async fn fetch(&self) -> Result<Keys, Error> {
        let bytes = match &self.source {
            Source::Address(client, url) => {
                let answer = client.get(url).send().await?.error_for_status()?;
                let mut body = answer.bytes_stream();
                let mut bytes = Vec::new();
                while let Some(piece) = body.next().await {
                    bytes.extend_from_slice(&piece?);
                    if bytes.len() > limits::JWKS_BYTES {
                        return Err(Error::TooLarge);
                    }
                }
                bytes
            }
            Source::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || {
                    let size = std::fs::metadata(&path)?.len();
                    if size > limits::JWKS_BYTES as u64 {
                        return Err(Error::TooLarge);
                    }
                    Ok(std::fs::read(&path)?)
                });
                read.await.map_err(|error| Error::File(std::io::Error::other(error)))??
            }
        };
        Ok(Keys::set(&bytes, &self.algorithms)?)
    }
}
