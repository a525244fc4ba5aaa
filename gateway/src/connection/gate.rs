//! Who a WebSocket's client is, from the handshake or said in band, and when that ends.

use std::sync::Arc;

use runbus::bus::Filter;
use runbus::config::Secret;
use runbus::time::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::auth::{Auth, Ended, Principal, Refusal, Ticket};
use crate::limits;
use crate::protocol::close;

/// Why a client must go: close code and reason.
pub(super) type Farewell = (u16, &'static str);

/// A place among those that have not said who they are, given back when it is dropped.
type Pending = OwnedSemaphorePermit;

/// Who a client is.
#[derive(Debug)]
pub struct Gate {
    auth: Arc<Auth>,
    state: State,
    /// Messages in a row that were too many.
    refused: u32,
}

#[derive(Debug)]
enum State {
    /// It has not said it, and must by then.
    Unknown(Instant, #[expect(dead_code, reason = "held, never looked at")] Option<Pending>),
    /// It has.
    Known(Ticket),
}

/// The farewell of a right that ended.
pub(super) const fn farewell(ended: Ended) -> Farewell {
    match ended {
        Ended::Expired => (close::UNAUTHENTICATED, "the credential has expired"),
        Ended::Revoked => (close::UNAUTHENTICATED, "the credential is not valid any more"),
    }
}

impl Gate {
    /// For a client that showed its credential.
    #[must_use]
    pub const fn open(auth: Arc<Auth>, ticket: Ticket) -> Self {
        Self { auth, state: State::Known(ticket), refused: 0 }
    }

    /// For one that will say it in band.
    ///
    /// # Errors
    /// Too many clients have not said it yet.
    pub fn closed(auth: Arc<Auth>) -> Result<Self, Refusal> {
        let pending = auth.pending().clone().try_acquire_owned().map_err(|_| Refusal::Unauthenticated)?;
        let until = Instant::now() + auth.config().limits.pre_auth_timeout();
        Ok(Self { auth, state: State::Unknown(until, Some(pending)), refused: 0 })
    }

    /// Who it is; `None`: not known yet.
    #[must_use]
    pub const fn principal(&self) -> Option<&Arc<Principal>> {
        match &self.state {
            State::Known(ticket) => Some(ticket.principal()),
            State::Unknown(..) => None,
        }
    }

    /// Why it must go now.
    pub(super) fn must_go(&self) -> Option<Farewell> {
        match &self.state {
            State::Known(ticket) => ticket.has_ended().map(farewell),
            State::Unknown(until, _) => (*until <= Instant::now()).then_some(LATE),
        }
    }

    /// When it must go by itself: what it has said lasts no longer, or it has not said it in time.
    pub(super) fn until(&self) -> Option<Instant> {
        match &self.state {
            State::Known(ticket) => ticket.expires(),
            State::Unknown(until, _) => Some(*until),
        }
    }

    /// Cancelled when it must go before that; `None`: nothing can make it.
    pub(super) fn revoked(&self) -> Option<&CancellationToken> {
        match &self.state {
            State::Known(ticket) => ticket.revoked(),
            State::Unknown(..) => None,
        }
    }

    /// Waits until it must go.
    pub(super) async fn ended(&self) -> Farewell {
        match &self.state {
            State::Known(ticket) => farewell(ticket.ended().await),
            State::Unknown(until, _) => {
                tokio::time::sleep_until(*until).await;
                LATE
            }
        }
    }

    /// Whether it may have everything that a filter lets through.
    pub(super) fn may_read(&self, filter: &Filter) -> bool {
        self.principal().is_some_and(|principal| principal.may_read(filter))
    }

    /// Takes a message of so many bytes. A refused one is not obeyed; who goes on like that must go.
    pub(super) fn message(&mut self, bytes: usize) -> Result<Result<(), Refusal>, Farewell> {
        let State::Known(ticket) = &self.state else { return Ok(Ok(())) };
        let outcome = ticket.message(bytes).inspect_err(Refusal::count);
        self.refused = if outcome.is_ok() { 0 } else { self.refused + 1 };
        if self.refused > limits::REFUSED_MESSAGES {
            return Err((close::TOO_MANY, "too many messages"));
        }
        Ok(outcome)
    }

    /// A credential said in band: the first one, or a fresh one of the same subject. Says when it ends.
    pub(super) async fn show(&mut self, token: &Secret) -> Result<Option<Timestamp>, Farewell> {
        const WRONG: Farewell = (close::UNAUTHENTICATED, "a valid credential is needed");
        let refused = |refusal: Refusal| {
            refusal.count();
            match refusal {
                Refusal::Unauthenticated => WRONG,
                Refusal::Forbidden => (close::FORBIDDEN, "this credential does not allow it"),
                Refusal::Connections | Refusal::Rate(_) => (close::TOO_MANY, "too many connections"),
                Refusal::Unavailable => (close::UNAVAILABLE, "credentials cannot be checked now"),
            }
        };
        let principal = self.auth.authenticate_token(token).await.map_err(refused)?;
        let gone = State::Unknown(Instant::now(), None);
        let ticket = match std::mem::replace(&mut self.state, gone) {
            State::Unknown(..) => self.auth.ticket(&principal),
            State::Known(old) if old.principal().subject == principal.subject => {
                self.auth.renew(old, &principal)
            }
            State::Known(_) => Err(Refusal::Forbidden),
        };
        self.state = State::Known(ticket.map_err(refused)?);
        Ok(principal.expires_at)
    }
}

const LATE: Farewell = (close::PRE_AUTH, "no credential in time");
