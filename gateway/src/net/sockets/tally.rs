//! The table of a listener's sockets, shared by their tasks.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runbus::metrics::{Cut, Held, SocketState, gateway as metrics};
use tokio::sync::Notify;

use super::address::Address;
use super::peer::Permit;
use super::signal::Signal;
use super::table::{LimitReached, Over, Owner, Table};
use crate::config::{Bounds, Trusted};
use crate::limits;

/// All sockets of a listener.
#[derive(Debug)]
pub struct Sockets {
    table: Mutex<Table<Arc<Signal>>>,
    trusted: Trusted,
    bounds: Bounds,
    /// Those that are open, with those that must go and have not yet.
    open: AtomicUsize,
    left: Notify,
    /// They are a gateway's: a listener for metrics would count the connection that asks.
    is_gauged: bool,
}

impl Sockets {
    /// None yet.
    #[must_use]
    pub fn new(bounds: Bounds, trusted: Trusted) -> Arc<Self> {
        Arc::new(Self::of(bounds, trusted, true))
    }

    /// None yet, of a listener for metrics alone.
    #[must_use]
    pub fn of_scrape(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self::of(bounds, Trusted::default(), false))
    }

    fn of(bounds: Bounds, trusted: Trusted, is_gauged: bool) -> Self {
        let table = Mutex::new(Table::new(bounds));
        Self { table, trusted, bounds, open: AtomicUsize::new(0), left: Notify::new(), is_gauged }
    }

    /// Counts one, while the guard lives.
    pub(super) fn gauge(&self, state: SocketState) -> Option<Held> {
        self.is_gauged.then(|| metrics::SOCKETS.of(state).hold())
    }

    /// How many there may be.
    #[must_use]
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    fn table(&self) -> MutexGuard<'_, Table<Arc<Signal>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another one, which waits from now on; the one that goes for it is notified. `reached`: the address that it came to.
    pub(super) fn enter(self: &Arc<Self>, remote: SocketAddr, reached: Option<IpAddr>) -> Permit {
        let ip = remote.ip().to_canonical();
        let owner = self.owner(ip);
        self.open.fetch_add(1, Ordering::AcqRel);
        let signal = Arc::<Signal>::default();
        signal.arm(true);
        let (age, gone) = self.table().enter(owner, signal.clone());
        notify(gone);
        Permit::new(self.clone(), owner, signal, age, (ip, reached))
    }

    /// The share that an address counts towards.
    pub(super) fn owner(&self, ip: IpAddr) -> Owner {
        Owner { address: Address::of(ip), is_trusted: self.trusted.hold(ip) }
    }

    /// The proxies.
    pub(crate) const fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    pub(super) fn admit(&self, owner: Owner, client: Owner, age: u64) -> Result<(), LimitReached> {
        self.table().admit_for(owner, client, age)
    }

    pub(super) fn release(&self, owner: Owner, client: Owner, signal: Arc<Signal>) -> u64 {
        let (age, gone) = self.table().release(owner, client, signal);
        notify(gone);
        age
    }

    pub(super) fn leave(&self, owner: Owner, age: Option<u64>) {
        self.table().leave(owner, age);
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.left.notify_one();
    }

    /// Tells the oldest of the address that has the most; `false`: none waits.
    pub(super) fn evict(&self) -> bool {
        let gone = self.table().evict();
        let told = gone.is_some();
        if let Some(signal) = gone {
            metrics::SOCKETS_CUT.of(Cut::Descriptors).inc();
            signal.evict();
        }
        told
    }

    /// Whether so many wait that those which came last are looked at before the next one comes.
    pub(super) fn is_over_limit(&self) -> bool {
        self.table().waiting() >= self.bounds.waiting / 4
    }

    /// Waits until few are left of those that must go: each has a descriptor until it has gone.
    pub(super) async fn room(&self) {
        let most = self.bounds.admitted + self.bounds.waiting + limits::LEAVING_SOCKETS;
        let leaving = async {
            while self.open.load(Ordering::Acquire) >= most {
                self.left.notified().await;
            }
        };
        // They go at once. If one does not, nobody else waits for it longer than this.
        let _ = tokio::time::timeout(limits::LEAVING_PATIENCE, leaving).await;
    }
}

fn notify(gone: Option<(Arc<Signal>, Over)>) {
    let Some((signal, over)) = gone else { return };
    let cut = match over {
        Over::Share => Cut::Share,
        Over::All => Cut::Crowd,
    };
    metrics::SOCKETS_CUT.of(cut).inc();
    signal.evict();
}
