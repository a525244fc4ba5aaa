//! The identity of a WebSocket's client, from the handshake or in band, and its end.

use std::sync::Arc;

use runbus::bus::Filter;
use runbus::config::Secret;
use runbus::id::StreamId;
use runbus::time::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::Shared;
use crate::auth::account::Account;
use crate::auth::{Action, Ended, Narrow, Principal, Refusal, Target, Ticket};
use crate::limits;
use crate::net::sockets::{LimitReached, Peer};
use crate::protocol::close;

/// Why a client must go: close code and reason.
pub type CloseReason = (u16, &'static str);

/// A place among the clients that stay, given back when it is dropped.
type Place = OwnedSemaphorePermit;

/// The identity of a client.
#[derive(Debug)]
pub struct Gate {
    shared: Arc<Shared>,
    state: State,
    /// Messages in a row that were too many.
    refused: u32,
}

#[derive(Debug)]
enum State {
    /// It has not said it, and must by then. It has no place yet; its socket stays as long as nobody else needs it.
    Unknown(Instant, Option<Peer>),
    /// It has.
    Known(Ticket, Place),
}

/// The close code and reason of a right that ended.
pub(crate) const fn close_reason(ended: Ended) -> CloseReason {
    match ended {
        Ended::Expired => (close::UNAUTHENTICATED, "the credential has expired"),
        Ended::Revoked => (close::UNAUTHENTICATED, "the credential is not valid any more"),
    }
}

impl Gate {
    /// For a client that showed its credential.
    #[must_use]
    pub const fn open(shared: Arc<Shared>, ticket: Ticket, place: Place) -> Self {
        Self { shared, state: State::Known(ticket, place), refused: 0 }
    }

    /// For one that will say it in band. `peer`: its socket, if it has one.
    #[must_use]
    pub fn closed(shared: Arc<Shared>, peer: Option<Peer>) -> Self {
        let until = Instant::now() + shared.auth.config().limits.pre_auth_timeout();
        Self { shared, state: State::Unknown(until, peer), refused: 0 }
    }

    /// The principal; `None` before it is known.
    #[must_use]
    pub const fn principal(&self) -> Option<&Arc<Principal>> {
        match &self.state {
            State::Known(ticket, _) => Some(ticket.principal()),
            State::Unknown(..) => None,
        }
    }

    /// Its usage.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        match &self.state {
            State::Known(ticket, _) => ticket.account(),
            State::Unknown(..) => self.shared.auth.nobody(),
        }
    }

    /// Why it must go now.
    pub(crate) fn must_go(&self) -> Option<CloseReason> {
        match &self.state {
            State::Known(ticket, _) => ticket.has_ended().map(close_reason),
            State::Unknown(until, _) => (*until <= Instant::now()).then_some(LATE),
        }
    }

    /// When it must go by itself: its credential expires, or it has shown none in time.
    pub(crate) fn until(&self) -> Option<Instant> {
        match &self.state {
            State::Known(ticket, _) => ticket.expires(),
            State::Unknown(until, _) => Some(*until),
        }
    }

    /// Cancelled when it must go before that; `None`: nothing can make it.
    pub(crate) fn revoked(&self) -> Option<&CancellationToken> {
        match &self.state {
            State::Known(ticket, _) => ticket.revoked(),
            State::Unknown(..) => None,
        }
    }

    /// Waits until it must go.
    pub(crate) async fn ended(&self) -> CloseReason {
        match &self.state {
            State::Known(ticket, _) => close_reason(ticket.ended().await),
            State::Unknown(until, _) => {
                tokio::time::sleep_until(*until).await;
                LATE
            }
        }
    }

    /// Whether it may have everything that a filter lets through.
    ///
    /// # Errors
    /// It may not.
    pub(crate) fn may_read(&self, filter: &Filter) -> Result<(), Refusal> {
        self.principal().ok_or(Refusal::Unauthenticated)?.check_read(filter)
    }

    /// Whether it may monitor a stream, or all.
    ///
    /// # Errors
    /// It may not.
    pub(crate) fn may_monitor(&self, stream: Option<&StreamId>) -> Result<(), Refusal> {
        let place = Target { stream: stream.map(StreamId::as_str), ..Target::EVERYTHING };
        self.principal().ok_or(Refusal::Unauthenticated)?.check(Action::Read, place, Narrow::MONITOR)
    }

    /// The principal that a list is made for; it shows the entries that they may read.
    ///
    /// # Errors
    /// They may read nothing at all.
    pub(crate) fn may_list(&self) -> Result<&Arc<Principal>, Refusal> {
        let principal = self.principal().ok_or(Refusal::Unauthenticated)?;
        if principal.may_somewhere(Action::Read) { Ok(principal) } else { Err(Refusal::Forbidden) }
    }

    /// Takes a message of so many bytes. A refused one is dropped; a client that goes on like that must go.
    pub(crate) fn message(&mut self, bytes: usize) -> Result<Result<(), Refusal>, CloseReason> {
        let State::Known(ticket, _) = &self.state else { return Ok(Ok(())) };
        let outcome = ticket.message(bytes).inspect_err(Refusal::count);
        self.refused = if outcome.is_ok() { 0 } else { self.refused + 1 };
        if self.refused > limits::REFUSED_MESSAGES {
            return Err((close::TOO_MANY, "too many messages"));
        }
        Ok(outcome)
    }

    /// A credential said in band: the first one, or a fresh one of the same subject. Says when it ends.
    pub(crate) async fn show(&mut self, token: &Secret) -> Result<Option<Timestamp>, CloseReason> {
        let auth = &self.shared.auth;
        let principal = auth.authenticate_token(token).await.map_err(refused)?;
        let gone = State::Unknown(Instant::now(), None);
        self.state = match std::mem::replace(&mut self.state, gone) {
            State::Unknown(_, peer) => {
                let ticket = auth.ticket(&principal).map_err(refused)?;
                State::Known(ticket, self.shared.place(peer.as_ref()).map_err(limit_reached)?)
            }
            State::Known(old, place) if old.principal().subject == principal.subject => {
                State::Known(auth.renew(old, &principal).map_err(refused)?, place)
            }
            State::Known(..) => return Err(refused(Refusal::Forbidden)),
        };
        Ok(principal.expires_at)
    }
}

/// The close code for a client whose credential is refused.
pub fn refused(refusal: Refusal) -> CloseReason {
    refusal.count();
    match refusal {
        Refusal::Unauthenticated => (close::UNAUTHENTICATED, "a valid credential is needed"),
        Refusal::Forbidden | Refusal::TooBroad(_) => (close::FORBIDDEN, "this credential does not allow it"),
        Refusal::Connections => (close::TOO_MANY, "too many connections"),
        Refusal::Rate(_) => (close::TOO_MANY, "too many requests"),
        Refusal::Unavailable => (close::UNAVAILABLE, "credentials cannot be checked now"),
    }
}

/// The same of one for whom there is no place.
pub fn limit_reached(limit_reached: LimitReached) -> CloseReason {
    limit_reached.count();
    match limit_reached {
        LimitReached::All | LimitReached::Evicted => (
            close::TOO_MANY,
            "connection limit of this gateway reached (gateway.max_connections): try another one",
        ),
        LimitReached::Address => (
            close::TOO_MANY,
            "connection limit of this address reached (gateway.max_connections_per_address)",
        ),
    }
}

const LATE: CloseReason = (close::PRE_AUTH, "no credential in time");
