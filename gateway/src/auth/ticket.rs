//! A connection's right to be: its principal, its usage, and its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::account::{Account, Connection};
use super::live::Place;
use super::principal::Principal;
use super::refusal::Refusal;

/// Why a connection's right ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The credential has expired.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A connection's right to be.
#[derive(Debug)]
pub struct Ticket {
    principal: Arc<Principal>,
    account: Arc<Account>,
    /// `None` for everyone, where nobody is asked.
    bound: Option<Box<Bound>>,
}

#[derive(Debug)]
struct Bound {
    connection: Connection,
    place: Place,
    expires: Option<Instant>,
}

impl Ticket {
    pub(super) const fn everyone(principal: Arc<Principal>, account: Arc<Account>) -> Self {
        Self { principal, account, bound: None }
    }

    pub(super) fn new(
        principal: Arc<Principal>,
        account: Arc<Account>,
        connection: Connection,
        place: Place,
        left: Option<Duration>,
    ) -> Self {
        // An end that no clock of this machine reaches is none.
        let expires = left.and_then(|left| Instant::now().checked_add(left));
        Self { principal, account, bound: Some(Box::new(Bound { connection, place, expires })) }
    }

    pub(super) fn renewed(
        self,
        principal: Arc<Principal>,
        account: Arc<Account>,
        place: Place,
        left: Option<Duration>,
    ) -> Result<Self, Refusal> {
        let Some(bound) = self.bound else { return Ok(self) };
        // Another token counts for itself.
        let connection = bound.connection.moved(&account)?;
        Ok(Self::new(principal, account, connection, place, left))
    }

    /// Its usage.
    #[must_use]
    pub const fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// Its principal.
    #[must_use]
    pub const fn principal(&self) -> &Arc<Principal> {
        &self.principal
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> Option<Ended> {
        let bound = self.bound.as_ref()?;
        if bound.place.revoked().is_cancelled() {
            return Some(Ended::Revoked);
        }
        bound.expires.filter(|end| *end <= Instant::now()).map(|_| Ended::Expired)
    }

    /// When it ends by itself, if it does.
    #[must_use]
    pub fn expires(&self) -> Option<Instant> {
        self.bound.as_ref().and_then(|bound| bound.expires)
    }

    /// Cancelled when it is revoked; `None`: nobody can.
    #[must_use]
    pub fn revoked(&self) -> Option<&CancellationToken> {
        self.bound.as_ref().map(|bound| bound.place.revoked())
    }

    /// Waits for its end.
    pub async fn ended(&self) -> Ended {
        let Some(bound) = &self.bound else { return std::future::pending().await };
        let expired = async {
            match bound.expires {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = bound.place.revoked().cancelled() => Ended::Revoked,
            () = expired => Ended::Expired,
        }
    }

    /// Takes a message of so many bytes from its principal's limits.
    ///
    /// # Errors
    /// [`Refusal::Rate`].
    pub fn message(&self, bytes: usize) -> Result<(), Refusal> {
        self.bound.as_ref().map_or(Ok(()), |_bound| self.account.message(bytes))
    }
}
