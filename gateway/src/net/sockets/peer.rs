//! One socket's place in the table.

use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use axum::http::HeaderMap;
use runbus::metrics::{Held, SocketState};

use super::forwarded;
use super::signal::Signal;
use super::table::{LimitReached, Owner};
use super::tally::Sockets;

#[derive(Debug)]
struct Inner {
    sockets: Arc<Sockets>,
    owner: Owner,
    remote: IpAddr,
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
    /// For this client.
    Admitted(Owner, #[expect(dead_code, reason = "held, never looked at")] Option<Held>),
    Closed,
}

impl Inner {
    fn place(&self) -> MutexGuard<'_, (Place, usize)> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket, as those know it who serve what comes over it.
#[derive(Debug, Clone)]
pub struct Peer {
    inner: Arc<Inner>,
    /// The client of a request that a proxy passed on.
    client: Option<IpAddr>,
}

impl Peer {
    /// The same for a request with these headers: of a trusted proxy they name the client.
    pub(crate) fn of_request(&self, headers: &HeaderMap) -> Self {
        let trusted = self.inner.sockets.trusted();
        let client = self.inner.owner.is_trusted.then(|| forwarded::client(headers, trusted)).flatten();
        Self { inner: self.inner.clone(), client }
    }

    /// The address of the client.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.client.unwrap_or(self.inner.remote)
    }

    /// The address that it came to.
    #[must_use]
    pub fn reached(&self) -> Option<IpAddr> {
        self.inner.reached
    }

    /// Its client is known: it cannot be closed while the request is answered, or for ever if it is upgraded. Again: nothing.
    ///
    /// # Errors
    /// [`LimitReached`].
    pub fn admit(&self) -> Result<(), LimitReached> {
        let mut place = self.inner.place();
        let age = match &place.0 {
            Place::Admitted(..) => return Ok(()),
            Place::Closed => return Err(LimitReached::Evicted),
            Place::Waiting(age, _) => *age,
        };
        let client = self.client.map_or(self.inner.owner, |ip| self.inner.sockets.owner(ip));
        self.inner.sockets.admit(self.inner.owner, client, age)?;
        self.inner.signal.arm(false);
        place.0 = Place::Admitted(client, self.inner.sockets.gauge(SocketState::Admitted));
        Ok(())
    }

    /// It is no HTTP connection any more: it stays admitted.
    pub fn upgrade(&self) {
        self.inner.is_upgraded.store(true, Ordering::Release);
    }

    /// A request begins.
    pub(crate) fn exchange(&self) -> Exchange {
        let mut place = self.inner.place();
        place.1 += 1;
        self.inner.is_busy.store(true, Ordering::Release);
        drop(place);
        Exchange(self.clone())
    }

    pub(super) fn is_busy(&self) -> bool {
        self.inner.is_busy.load(Ordering::Acquire)
    }

    fn release(&self) {
        let mut place = self.inner.place();
        place.1 = place.1.saturating_sub(1);
        if place.1 > 0 || self.inner.is_upgraded.load(Ordering::Acquire) {
            return;
        }
        self.inner.is_busy.store(false, Ordering::Release);
        if let Place::Admitted(client, _) = place.0 {
            self.inner.signal.arm(true);
            let age = self.inner.sockets.release(self.inner.owner, client, self.inner.signal.clone());
            place.0 = Place::Waiting(age, self.inner.sockets.gauge(SocketState::Waiting));
        }
    }

    /// Ready when it must go.
    pub(super) fn poll_evicted(&self, cx: &Context<'_>) -> Poll<()> {
        self.inner.signal.poll(cx)
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
        (remote, reached): (IpAddr, Option<IpAddr>),
    ) -> Self {
        let place = Mutex::new((Place::Waiting(age, sockets.gauge(SocketState::Waiting)), 0));
        let (is_busy, is_upgraded) = (AtomicBool::new(false), AtomicBool::new(false));
        let inner = Inner { sockets, owner, remote, reached, signal, place, is_busy, is_upgraded };
        Self(Peer { inner: Arc::new(inner), client: None })
    }

    /// Whether the socket comes from a proxy.
    pub(crate) fn is_of_proxy(&self) -> bool {
        self.0.inner.owner.is_trusted
    }

    /// The place of the client that a proxy named, in place of the proxy's own.
    pub(crate) fn behind(self, client: IpAddr) -> Self {
        let inner = &self.0.inner;
        inner.sockets.enter(SocketAddr::new(client, 0), inner.reached)
    }

    /// The socket, for those who serve it.
    pub(crate) const fn peer(&self) -> &Peer {
        &self.0
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let inner = &self.0.inner;
        let (owner, age) = match std::mem::replace(&mut inner.place().0, Place::Closed) {
            Place::Waiting(age, _) => (inner.owner, Some(age)),
            Place::Admitted(client, _) => (client, None),
            Place::Closed => return,
        };
        inner.sockets.leave(owner, age);
    }
}
