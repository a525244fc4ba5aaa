//! The principal of a credential. Checking is pure (`api_key`, `jwt`, `stream_token`); this module fetches keys first.

use std::sync::Arc;

use async_trait::async_trait;
use runbus::config::{Derived, Secret};
use runbus::time::Clock;
use tokio_util::sync::CancellationToken;

use super::api_key::ApiKeys;
use super::config::Config;
use super::credential::Credential;
use super::crypto;
use super::jwks::{self, Jwks};
use super::jwt::{self, Fault, Rules};
use super::keys::{self, Key, Keys};
use super::principal::Principal;
use super::refusal::Refusal;
use super::stream_token::{self, Mint};

/// Says whose credential it is. Whether it is revoked is not its business.
#[async_trait]
pub trait Authenticator: std::fmt::Debug + Send + Sync {
    /// The principal of a credential.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] for any fault of it; [`Refusal::Unavailable`] when it cannot be checked now.
    async fn authenticate(&self, credential: &Credential) -> Result<Arc<Principal>, Refusal>;

    /// Keeps what it needs fresh, until `end`.
    async fn follow(&self, end: CancellationToken);
}

/// Why there is no authenticator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The public key cannot be read.
    #[error("jwt.public_key_file: {0}")]
    File(String),
    /// It is none, or of an algorithm that is not allowed.
    #[error("jwt.public_key_file: {0}")]
    Key(#[from] keys::Invalid),
    /// It is of an algorithm that is not allowed.
    #[error("jwt.public_key_file: the key is for {0:?}, which jwt.algorithms does not have")]
    Algorithm(super::config::Algorithm),
    /// There can be no reader of the key set.
    #[error("jwt.jwks_url: {0}")]
    Jwks(#[from] jwks::Error),
}

/// All kinds of credentials that configuration knows.
#[derive(Debug)]
pub struct Configured {
    api_keys: ApiKeys,
    rules: Rules,
    fixed: Vec<Derived<Key>>,
    jwks: Option<Jwks>,
    mint: Option<Mint>,
    clock: Clock,
}

impl Configured {
    /// From configuration that was checked.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(config: &Config, mint: Option<Mint>, clock: Clock) -> Result<Self, Error> {
        crypto::install();
        let mut fixed = Vec::new();
        if let Some(secret) = &config.jwt.hs256_secret {
            fixed.extend(Derived::new(secret.clone(), |text| Some(Keys::secret(text))));
        }
        if let Some(path) = &config.jwt.public_key_file {
            let pem = Secret::from_file(path).map_err(Error::File)?;
            let allowed = config.jwt.algorithms.clone();
            let key = Keys::public(pem.reveal().as_bytes())?;
            if !allowed.contains(&key.algorithm) {
                return Err(Error::Algorithm(key.algorithm));
            }
            fixed.extend(Derived::new(pem, move |pem| {
                Keys::public(pem.as_bytes()).ok().filter(|key| allowed.contains(&key.algorithm))
            }));
        }
        let jwks = Jwks::new(&config.jwt)?;
        let rules = Rules::foreign(&config.jwt);
        Ok(Self { api_keys: ApiKeys::new(config), rules, fixed, jwks, mint, clock })
    }

    fn key(&self, text: &str) -> Result<Arc<Principal>, Refusal> {
        let found = self.api_keys.find(text).filter(|found| !found.has_expired(self.clock.now()));
        found.ok_or_else(|| refused(&"is no key that is known and valid"))
    }

    fn stream_token(&self, token: &str) -> Result<Arc<Principal>, Refusal> {
        let Some(mint) = &self.mint else { return Err(refused(&Fault::Kind)) };
        mint.verify(token, self.clock.now()).map(Arc::new).map_err(|fault| refused(&fault))
    }

    async fn jwt(&self, token: &str) -> Result<Arc<Principal>, Refusal> {
        let fixed = self.fixed.iter().map(|key| Key::clone(&key.get())).collect();
        match jwt::verify(token, &fixed, &self.rules, self.clock.now()) {
            Ok(principal) => return Ok(Arc::new(principal)),
            Err(Fault::UnknownKey | Fault::Signature) if self.jwks.is_some() => {}
            Err(fault) => return Err(refused(&fault)),
        }
        let Some(jwks) = &self.jwks else { return Err(refused(&Fault::UnknownKey)) };
        let verify = |keys: &Keys| jwt::verify(token, keys, &self.rules, self.clock.now());
        let mut outcome = jwks.keys().map(|keys| verify(&keys));
        if matches!(outcome, None | Some(Err(Fault::UnknownKey))) {
            // The issuer may have a new one.
            jwks.refresh().await;
            outcome = jwks.keys().map(|keys| verify(&keys));
        }
        match outcome {
            Some(outcome) => outcome.map(Arc::new).map_err(|fault| refused(&fault)),
            None => Err(Refusal::Unavailable),
        }
    }
}

/// The fault is for the log only.
fn refused(fault: &dyn std::fmt::Display) -> Refusal {
    tracing::debug!(%fault, "a credential is refused");
    Refusal::Unauthenticated
}

#[async_trait]
impl Authenticator for Configured {
    async fn authenticate(&self, credential: &Credential) -> Result<Arc<Principal>, Refusal> {
        match credential {
            Credential::Key(key) => self.key(&key.reveal()),
            Credential::Address(token) => self.stream_token(&token.reveal()),
            Credential::Bearer(token) => {
                let token = &*token.reveal();
                if token.split('.').count() != 3 {
                    return self.key(token);
                }
                let header = jwt::header(token).map_err(|fault| refused(&fault))?;
                if header.typ.as_deref() == Some(stream_token::TYPE) {
                    return self.stream_token(token);
                }
                self.jwt(token).await
            }
        }
    }

    async fn follow(&self, end: CancellationToken) {
        if let Some(jwks) = &self.jwks {
            jwks.follow(end).await;
        }
    }
}
