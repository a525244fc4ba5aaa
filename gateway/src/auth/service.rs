//! Authentication of one gateway: credentials, revocations, limits and live connections together.

use std::sync::Arc;

use runbus::config::Secret;
use runbus::log::Log;
use runbus::time::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

use super::account::{Account, Accounts};
use super::authenticator::{self, Authenticator, Configured};
use super::config::{Config, Mode};
use super::credential::Credential;
use super::live::Live;
use super::principal::{Kind, Principal};
use super::refusal::Refusal;
use super::revocation::{Revocation, What};
use super::revocations::{self, Revocations};
use super::scope::Scope;
use super::stream_token::{Mint, Minted};
use super::ticket::Ticket;

/// Access to this gateway.
#[derive(Debug)]
pub struct Auth {
    config: Config,
    authenticator: Arc<dyn Authenticator>,
    mint: Option<Mint>,
    everyone: Arc<Principal>,
    revocations: Revocations,
    live: Arc<Live>,
    accounts: Accounts,
    clock: Clock,
}

impl Auth {
    /// From configuration that was checked. `largest`: the largest message or body of a client, in bytes; `reads`: reads of
    /// history at the same time.
    ///
    /// # Errors
    /// See [`authenticator::Error`].
    pub fn new(
        config: Config,
        log: Arc<dyn Log>,
        (largest, reads): (usize, usize),
        clock: Clock,
    ) -> Result<Self, authenticator::Error> {
        let mint = Mint::new(&config.stream_tokens);
        let authenticator = Arc::new(Configured::new(&config, mint.clone(), clock.clone())?);
        let live = Arc::new(Live::default());
        Ok(Self {
            authenticator,
            mint,
            everyone: Arc::new(Principal::everyone()),
            revocations: Revocations::new(log, live.clone()),
            live,
            accounts: Accounts::new(config.limits.clone(), largest, reads),
            config,
            clock,
        })
    }

    /// Whether callers must say who they are.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.config.mode == Mode::Required
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Keeps keys and revocations fresh until `end`.
    pub async fn follow(&self, end: CancellationToken) {
        if self.is_required() {
            tokio::join!(
                self.authenticator.follow(end.clone()),
                self.revocations.follow(&self.clock, end.clone())
            );
        }
    }

    /// The principal of a credential.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn authenticate(&self, credential: Option<&Credential>) -> Result<Arc<Principal>, Refusal> {
        if !self.is_required() {
            return Ok(self.everyone.clone());
        }
        let credential = credential.ok_or(Refusal::Unauthenticated)?;
        let principal = self.authenticator.authenticate(credential).await?;
        if !self.revocations.loaded().await {
            return Err(Refusal::Unavailable);
        }
        if self.revocations.holds(&principal) {
            tracing::debug!(subject = %principal.subject, "a revoked credential is refused");
            return Err(Refusal::Unauthenticated);
        }
        Ok(principal)
    }

    /// The same for a credential in band.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub async fn authenticate_token(&self, token: &Secret) -> Result<Arc<Principal>, Refusal> {
        if token.reveal().is_empty() || token.reveal().len() > crate::limits::TOKEN_BYTES {
            return Err(Refusal::Unauthenticated);
        }
        self.authenticate(Some(&Credential::Bearer(token.clone()))).await
    }

    /// Takes a request or message of so many bytes from its principal's limits.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn message(&self, principal: &Principal, bytes: usize) -> Result<(), Refusal> {
        match principal.kind {
            Kind::Everyone => Ok(()),
            _ => self.account(principal).message(bytes),
        }
    }

    /// The usage of a principal, or of a stream token.
    #[must_use]
    pub fn account(&self, principal: &Principal) -> Arc<Account> {
        self.accounts.of(principal)
    }

    /// The usage of unauthenticated clients.
    #[must_use]
    pub const fn nobody(&self) -> &Arc<Account> {
        self.accounts.everyone()
    }

    /// A connection's right to be: ends when its credential does.
    ///
    /// # Errors
    /// [`Refusal::Connections`], or the credential was revoked meanwhile.
    pub fn ticket(self: &Arc<Self>, principal: &Arc<Principal>) -> Result<Ticket, Refusal> {
        let account = self.account(principal);
        if principal.kind == Kind::Everyone {
            return Ok(Ticket::everyone(principal.clone(), account));
        }
        let connection = account.connect()?;
        let left = principal.expires_at.map(|end| end.since(self.clock.now()));
        let ticket =
            Ticket::new(principal.clone(), account, connection, self.live.enter(principal.clone()), left);
        self.recheck(ticket)
    }

    /// The ticket with another credential of the same subject.
    ///
    /// # Errors
    /// The credential was revoked meanwhile, or [`Refusal::Connections`] of the other token.
    pub fn renew(self: &Arc<Self>, old: Ticket, principal: &Arc<Principal>) -> Result<Ticket, Refusal> {
        let left = principal.expires_at.map(|end| end.since(self.clock.now()));
        let account = self.account(principal);
        let ticket = old.renewed(principal.clone(), account, self.live.enter(principal.clone()), left)?;
        self.recheck(ticket)
    }

    /// Checks for a revocation between the check of the credential and its entry into the list of live connections.
    fn recheck(&self, ticket: Ticket) -> Result<Ticket, Refusal> {
        if self.revocations.holds(ticket.principal()) { Err(Refusal::Unauthenticated) } else { Ok(ticket) }
    }

    /// Mints a stream token; `None`: this gateway mints none, for it has no secret or asks nobody.
    ///
    /// # Errors
    /// See [`Mint::mint`].
    pub fn mint(
        &self,
        caller: &Principal,
        scopes: Option<Vec<Scope>>,
        ttl_s: Option<u64>,
    ) -> Option<Result<Minted, Refusal>> {
        // Where nobody is asked, everybody would get tokens that other gateways take.
        let mint = self.mint.as_ref().filter(|_| self.is_required())?;
        Some(mint.mint(caller, scopes, ttl_s, self.clock.now()))
    }

    /// Revokes something at all gateways.
    ///
    /// # Errors
    /// See [`revocations::Error`].
    pub async fn revoke(&self, what: What, by: &Principal) -> Result<Revocation, revocations::Error> {
        let at = self.clock.now();
        let (What::Token { token_id: id } | What::Subject { subject: id, .. }) = &what;
        // Keys may live for ever, tokens not.
        let jwt = &self.config.jwt;
        let longest = jwt.max_lifetime_s.max(3600).saturating_add(2 * jwt.leeway_s).saturating_add(60);
        let longest = i64::try_from(longest).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let until =
            (!id.starts_with("key/")).then(|| Timestamp::from_micros(at.micros().saturating_add(longest)));
        let revocation = Revocation { what, at, until, by: by.subject.clone() };
        self.revocations.revoke(&revocation).await?;
        tracing::info!(by = %by.subject, ?revocation.what, "revoked");
        Ok(revocation)
    }
}
