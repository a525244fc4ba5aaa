//! The sockets of each client, and the choice of the one that goes: a pure table.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use runbus::metrics::{Crowd, gateway as metrics};

use super::address::Address;
use crate::config::Bounds;

/// Why a socket is not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitReached {
    /// All places are taken.
    #[error("connection limit of this gateway reached (gateway.max_connections): try another one")]
    All,
    /// All of its address are.
    #[error(
        "connection limit of this address reached (gateway.max_connections_per_address; gateway.trusted_addresses for \
         proxies)"
    )]
    Address,
    /// It must go.
    #[error("this connection is closed for newer ones (gateway.max_unauthenticated)")]
    Evicted,
}

impl LimitReached {
    /// Counts it.
    pub(crate) fn count(self) {
        let places = match self {
            Self::All => Crowd::All,
            Self::Address => Crowd::Address,
            Self::Evicted => Crowd::Cut,
        };
        metrics::SOCKETS_REFUSED.of(places).inc();
    }
}

/// Which bound a waiting socket went for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Its address had too many.
    Share,
    /// There were too many, and its address had the most.
    All,
}

/// The owner of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) address: Address,
    /// It is a proxy: its address has no share.
    pub(super) is_trusted: bool,
}

#[derive(Debug)]
struct Known<T> {
    admitted: usize,
    /// By age.
    waiting: BTreeMap<u64, T>,
}

/// An address by how many of its sockets wait, then by how old the oldest is: the last one has the most.
type EvictionRank = (usize, Reverse<u64>, Address);

/// The table. `T`: the signal that ends a waiting socket.
#[derive(Debug)]
pub(super) struct Table<T> {
    bounds: Bounds,
    known: HashMap<Address, Known<T>>,
    by_load: BTreeSet<EvictionRank>,
    admitted: usize,
    waiting: usize,
    next: u64,
}

impl<T> Table<T> {
    pub(super) fn new(bounds: Bounds) -> Self {
        let (known, by_load) = (HashMap::new(), BTreeSet::new());
        Self { bounds, known, by_load, admitted: 0, waiting: 0, next: 0 }
    }

    pub(super) const fn waiting(&self) -> usize {
        self.waiting
    }

    /// Another one waits, always. Gives its age, and the one that goes for it.
    pub(super) fn enter(&mut self, owner: Owner, handle: T) -> (u64, Option<(T, Over)>) {
        let own = self.known.get(&owner.address).map_or(0, |known| known.waiting.len());
        let gone = if !owner.is_trusted && own >= self.bounds.waiting_per_address.max(1) {
            self.evict_of(owner.address).map(|handle| (handle, Over::Share))
        } else if self.waiting >= self.bounds.waiting.max(1) {
            self.evict().map(|handle| (handle, Over::All))
        } else {
            None
        };
        let age = self.next;
        self.next += 1;
        self.waiting += 1;
        self.change(owner.address, |known| known.waiting.insert(age, handle));
        (age, gone)
    }

    /// The oldest that waits of the address that has the most.
    pub(super) fn evict(&mut self) -> Option<T> {
        let (_, _, address) = *self.by_load.last()?;
        self.evict_of(address)
    }

    fn evict_of(&mut self, address: Address) -> Option<T> {
        let gone = self.change(address, |known| known.waiting.pop_first())?;
        self.waiting -= 1;
        Some(gone.1)
    }

    /// One that waits is admitted.
    #[cfg(test)]
    pub(super) fn admit(&mut self, owner: Owner, age: u64) -> Result<(), LimitReached> {
        self.admit_for(owner, owner, age)
    }

    /// The same for a client: that of a request which the owner, a proxy, passes on, or the owner itself.
    pub(super) fn admit_for(&mut self, owner: Owner, client: Owner, age: u64) -> Result<(), LimitReached> {
        let waits = self.known.get(&owner.address).is_some_and(|known| known.waiting.contains_key(&age));
        if !waits {
            return Err(LimitReached::Evicted);
        }
        if self.admitted >= self.bounds.admitted {
            return Err(LimitReached::All);
        }
        let admitted = self.known.get(&client.address).map_or(0, |known| known.admitted);
        if !client.is_trusted && admitted >= self.bounds.admitted_per_address {
            return Err(LimitReached::Address);
        }
        self.waiting -= 1;
        self.admitted += 1;
        self.change(owner.address, |known| known.waiting.remove(&age));
        self.change(client.address, |known| known.admitted += 1);
        Ok(())
    }

    /// One that was admitted for a client waits again, as the youngest.
    pub(super) fn release(&mut self, owner: Owner, client: Owner, handle: T) -> (u64, Option<(T, Over)>) {
        self.leave(client, None);
        self.enter(owner, handle)
    }

    /// One is closed: `age` if it waited, else `owner` is the client that it was admitted for. One that was told to go is not there any more.
    pub(super) fn leave(&mut self, owner: Owner, age: Option<u64>) {
        match age {
            Some(age) => {
                let left = self.change(owner.address, |known| known.waiting.remove(&age));
                self.waiting -= usize::from(left.is_some());
            }
            None => {
                self.admitted -= 1;
                self.change(owner.address, |known| known.admitted -= 1);
            }
        }
    }

    /// Changes what is known of an address, and its place among the others.
    fn change<R>(&mut self, address: Address, change: impl FnOnce(&mut Known<T>) -> R) -> R {
        let known =
            self.known.entry(address).or_insert_with(|| Known { admitted: 0, waiting: BTreeMap::new() });
        if let Some(eviction_rank) = eviction_rank(address, known) {
            self.by_load.remove(&eviction_rank);
        }
        let changed = change(known);
        match eviction_rank(address, known) {
            Some(eviction_rank) => {
                self.by_load.insert(eviction_rank);
            }
            None if known.admitted == 0 => {
                self.known.remove(&address);
            }
            None => {}
        }
        changed
    }
}

fn eviction_rank<T>(address: Address, known: &Known<T>) -> Option<EvictionRank> {
    let (oldest, _) = known.waiting.first_key_value()?;
    Some((known.waiting.len(), Reverse(*oldest), address))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds =
        Bounds { admitted: 5, admitted_per_address: 3, waiting: 6, waiting_per_address: 4 };

    fn owner(n: u8) -> Owner {
        // The last one is a proxy.
        Owner { address: Address::V4(Ipv4Addr::new(127, 0, 0, n)), is_trusted: n == 3 }
    }

    #[test]
    fn the_oldest_of_the_fullest_address_goes() {
        let mut table = Table::new(BOUNDS);
        for n in 0..4_u32 {
            assert_eq!(table.enter(owner(0), n), (u64::from(n), None::<(u32, Over)>));
        }
        assert_eq!(table.enter(owner(0), 4).1, Some((0, Over::Share)), "its own");
        table.enter(owner(1), 5);
        table.enter(owner(2), 6);
        assert_eq!(table.enter(owner(1), 7).1, Some((1, Over::All)), "another address's: it has the most");
        assert_eq!(table.admit(owner(0), 1), Err(LimitReached::Evicted));
        assert_eq!(table.admit(owner(0), 2), Ok(()));
        assert_eq!(table.waiting(), 5);
    }

    #[test]
    fn places_of_the_admitted_are_bounded_and_a_proxy_has_no_share() {
        let mut table = Table::new(BOUNDS);
        let admit = |table: &mut Table<()>, n| {
            let (age, _) = table.enter(owner(n), ());
            table.admit(owner(n), age)
        };
        assert_eq!(
            [(); 4].map(|()| admit(&mut table, 0)),
            [Ok(()), Ok(()), Ok(()), Err(LimitReached::Address)]
        );
        assert_eq!([(); 3].map(|()| admit(&mut table, 3)), [Ok(()), Ok(()), Err(LimitReached::All)]);
        table.leave(owner(0), None);
        assert_eq!(admit(&mut table, 3), Ok(()));
        let mut table = Table::new(BOUNDS);
        for _ in 0..6 {
            assert_eq!(table.enter(owner(3), ()).1, None, "only the table bounds a proxy");
        }
        assert_eq!(table.enter(owner(0), ()).1, Some(((), Over::All)));
    }

    #[test]
    fn a_client_behind_a_proxy_has_the_share_of_its_own_address() {
        let mut table = Table::new(BOUNDS);
        let admit = |table: &mut Table<()>, client| {
            let (age, _) = table.enter(owner(3), ());
            table.admit_for(owner(3), owner(client), age)
        };
        assert_eq!(
            [(); 4].map(|()| admit(&mut table, 0)),
            [Ok(()), Ok(()), Ok(()), Err(LimitReached::Address)]
        );
        assert_eq!(admit(&mut table, 1), Ok(()));
        table.release(owner(3), owner(0), ());
        assert_eq!((table.waiting(), admit(&mut table, 0)), (2, Ok(())));
        for client in [0, 0, 0, 1] {
            table.leave(owner(client), None);
        }
        assert_eq!(table.admitted, 0);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Enter(u8),
        Admit(usize),
        Release(usize),
        Leave(usize),
        Evict,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..4_u8).prop_map(Step::Enter),
            3 => any::<usize>().prop_map(Step::Admit),
            1 => any::<usize>().prop_map(Step::Release),
            2 => any::<usize>().prop_map(Step::Leave),
            1 => Just(Step::Evict),
        ]
    }

    /// One socket of the model: whose, its name, and its age while it waits.
    #[derive(Debug, Clone)]
    struct Model {
        owner: u8,
        name: u32,
        age: Option<u64>,
    }

    #[derive(Default)]
    struct Run {
        open: Vec<Model>,
        notified: Vec<Model>,
        names: u32,
    }

    impl Run {
        fn entered(&mut self, owner: u8, name: u32, (age, gone): (u64, Option<(u32, Over)>)) {
            if let Some((gone, over)) = gone {
                assert_ne!(gone, name, "nobody goes for itself");
                self.notify(gone, (over == Over::Share).then_some(owner));
            }
            self.open.push(Model { owner, name, age: Some(age) });
        }

        fn waiting_of(&self, owner: u8) -> impl Iterator<Item = &Model> {
            self.open.iter().filter(move |socket| socket.owner == owner && socket.age.is_some())
        }

        fn notify(&mut self, name: u32, share: Option<u8>) {
            let at = self.open.iter().position(|socket| socket.name == name).expect("it was there");
            let gone = self.open[at].clone();
            let oldest = self.waiting_of(gone.owner).filter_map(|socket| socket.age).min();
            assert_eq!(gone.age, oldest, "the oldest of its address goes");
            match share {
                Some(owner) => assert_eq!(gone.owner, owner, "an address's share costs that address"),
                None => {
                    let most = (0..4).map(|owner| self.waiting_of(owner).count()).max();
                    assert_eq!(Some(self.waiting_of(gone.owner).count()), most, "that with the most pays");
                }
            }
            self.notified.push(self.open.remove(at));
        }

        fn check(&self, table: &Table<u32>) {
            let waiting = self.open.iter().filter(|socket| socket.age.is_some()).count();
            let admitted = self.open.len() - waiting;
            assert_eq!((table.waiting(), table.admitted), (waiting, admitted));
            assert!(waiting <= BOUNDS.waiting && admitted <= BOUNDS.admitted);
            for n in 0..3 {
                let of = self.waiting_of(n).count();
                let all = self.open.iter().filter(|socket| socket.owner == n).count();
                assert!(of <= BOUNDS.waiting_per_address && all - of <= BOUNDS.admitted_per_address);
            }
        }
    }

    proptest! {
        #[test]
        fn bounds_hold_and_the_right_one_goes(steps in prop::collection::vec(step(), 0..200)) {
            let (mut table, mut run) = (Table::new(BOUNDS), Run::default());
            for step in steps {
                let at = |n: usize| (!run.open.is_empty()).then(|| n % run.open.len());
                match step {
                    Step::Enter(n) => {
                        let name = run.names;
                        run.names += 1;
                        run.entered(n, name, table.enter(owner(n), name));
                    }
                    Step::Evict => {
                        if let Some(name) = table.evict() {
                            run.notify(name, None);
                        }
                    }
                    Step::Admit(n) => if let Some(at) = at(n)
                        && let Some(age) = run.open[at].age
                        && table.admit(owner(run.open[at].owner), age).is_ok() {
                        run.open[at].age = None;
                    },
                    Step::Release(n) => if let Some(at) = at(n)
                        && run.open[at].age.is_none() {
                        let socket = run.open.remove(at);
                        run.entered(socket.owner, socket.name, table.release(owner(socket.owner), owner(socket.owner), socket.name));
                    },
                    Step::Leave(n) => if let Some(at) = at(n) {
                        let socket = run.open.remove(at);
                        table.leave(owner(socket.owner), socket.age);
                    },
                }
                // One that must go may be admitted, or close, at any moment after.
                for notified in std::mem::take(&mut run.notified) {
                    let age = notified.age.expect("it waited");
                    prop_assert_eq!(table.admit(owner(notified.owner), age), Err(LimitReached::Evicted));
                    table.leave(owner(notified.owner), Some(age));
                }
                run.check(&table);
            }
            for socket in run.open.drain(..) {
                table.leave(owner(socket.owner), socket.age);
            }
            prop_assert!(table.known.is_empty() && table.by_load.is_empty());
        }
    }
}
