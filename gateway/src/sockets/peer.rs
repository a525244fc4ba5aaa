//! One socket's place in the table.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use runbus::metrics::{Held, SocketState};

use super::signal::Signal;
use super::table::{Crowded, Owner};
use super::tally::Sockets;

#[derive(Debug)]
struct Inner {
    sockets: Arc<Sockets>,
    owner: Owner,
    reached: Option<IpAddr>,
    signal: Arc<Signal>,
    /// Its place, and how many requests are being answered: over HTTP/2 several are at the same time.
    place: Mutex<(Place, usize)>,
    /// A request is being answered, or the socket is no HTTP connection any more.
    is_busy: AtomicBool,
    is_upgraded: AtomicBool,
}

#[derive(Debug)]
enum Place {
    /// By its age among the waiting.
    Waiting(u64, #[expect(dead_code, reason = "held, never looked at")] Option<Held>),
    Admitted(#[expect(dead_code, reason = "held, never looked at")] Option<Held>),
    Closed,
}

impl Inner {
    fn place(&self) -> MutexGuard<'_, (Place, usize)> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket, as those know it who serve what comes over it.
#[derive(Debug, Clone)]
pub struct Peer(Arc<Inner>);

impl Peer {
    /// The address that it came to.
    #[must_use]
    pub fn reached(&self) -> Option<IpAddr> {
        self.0.reached
    }

    /// Its client is known: it cannot be closed while the request is answered, or for ever if it is upgraded. Again: nothing.
    ///
    /// # Errors
    /// [`Crowded`].
    pub fn admit(&self) -> Result<(), Crowded> {
        let mut place = self.0.place();
        let age = match &place.0 {
            Place::Admitted(_) => return Ok(()),
            Place::Closed => return Err(Crowded::Evicted),
            Place::Waiting(age, _) => *age,
        };
        self.0.sockets.admit(self.0.owner, age)?;
        self.0.signal.arm(false);
        place.0 = Place::Admitted(self.0.sockets.gauge(SocketState::Admitted));
        Ok(())
    }

    /// It is no HTTP connection any more: it stays admitted.
    pub fn upgrade(&self) {
        self.0.is_upgraded.store(true, Ordering::Release);
    }

    /// A request begins.
    pub(crate) fn exchange(&self) -> Exchange {
        let mut place = self.0.place();
        place.1 += 1;
        self.0.is_busy.store(true, Ordering::Release);
        drop(place);
        Exchange(self.clone())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.0.is_busy.load(Ordering::Acquire)
    }

    fn release(&self) {
        let mut place = self.0.place();
        place.1 = place.1.saturating_sub(1);
        if place.1 > 0 || self.0.is_upgraded.load(Ordering::Acquire) {
            return;
        }
        self.0.is_busy.store(false, Ordering::Release);
        if matches!(place.0, Place::Admitted(_)) {
            self.0.signal.arm(true);
            let age = self.0.sockets.release(self.0.owner, self.0.signal.clone());
            place.0 = Place::Waiting(age, self.0.sockets.gauge(SocketState::Waiting));
        }
    }

    /// Ready when it must go.
    pub(super) fn poll_evicted(&self, cx: &Context<'_>) -> Poll<()> {
        self.0.signal.poll(cx)
    }

    /// Waits until it must go.
    pub(crate) async fn evicted(&self) {
        poll_fn(|cx| self.poll_evicted(cx)).await;
    }
}

/// A request, until its answer is written.
#[derive(Debug)]
pub struct Exchange(Peer);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// A socket's place, from accept to close.
#[derive(Debug)]
pub struct Permit(Peer);

impl Permit {
    pub(super) fn new(
        sockets: Arc<Sockets>,
        owner: Owner,
        signal: Arc<Signal>,
        age: u64,
        reached: Option<IpAddr>,
    ) -> Self {
        let place = Mutex::new((Place::Waiting(age, sockets.gauge(SocketState::Waiting)), 0));
        let (is_busy, is_upgraded) = (AtomicBool::new(false), AtomicBool::new(false));
        Self(Peer(Arc::new(Inner { sockets, owner, reached, signal, place, is_busy, is_upgraded })))
    }

    /// The socket, for those who serve it.
    pub(crate) const fn peer(&self) -> &Peer {
        &self.0
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let inner = &self.0.0;
        let age = match std::mem::replace(&mut inner.place().0, Place::Closed) {
            Place::Waiting(age, _) => Some(age),
            Place::Admitted(_) => None,
            Place::Closed => return,
        };
        inner.sockets.leave(inner.owner, age);
    }
}
