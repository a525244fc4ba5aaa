//! The events in flight: a bounded window over the log, and the cursor behind everything that is settled. Pure.

use std::collections::{HashMap, VecDeque};

use runbus::id::{ExecutionId, StreamId};
use runbus::log::Cursor;

use crate::limits;

/// The unit of order: an execution of a stream, or the stream's own events.
pub(super) type Lane = (StreamId, Option<ExecutionId>);

/// Names an item of the window; they grow.
pub(super) type Ticket = u64;

#[derive(Debug)]
struct Slot {
    lane: Lane,
    /// Behind the item, in the order of reading.
    cursor: Cursor,
    bytes: usize,
    settled: bool,
}

/// Items in the order of reading. At most one of a lane is in flight.
#[derive(Debug)]
pub(super) struct Window<T> {
    slots: VecDeque<Slot>,
    /// The ticket of the first slot.
    first: Ticket,
    /// Lanes with an item in flight, and the items that wait behind it.
    lanes: HashMap<Lane, VecDeque<(Ticket, T)>>,
    /// Bytes of items that are not settled.
    bytes: usize,
    /// Behind every slot that has left.
    cursor: Cursor,
}

impl<T> Window<T> {
    /// An empty window that begins behind `cursor`.
    pub(super) fn new(cursor: Cursor) -> Self {
        Self { slots: VecDeque::new(), first: 0, lanes: HashMap::new(), bytes: 0, cursor }
    }

    /// Whether another item may come.
    pub(super) fn has_room(&self) -> bool {
        self.slots.len() < limits::WEBHOOK_WINDOW_EVENTS && self.bytes < limits::WEBHOOK_WINDOW_BYTES
    }

    /// Whether everything is settled.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Behind everything before the first item that is not settled.
    pub(super) const fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// Takes an item; returns it when it is to be started now.
    pub(super) fn push(&mut self, lane: Lane, cursor: Cursor, bytes: usize, item: T) -> Option<(Ticket, T)> {
        let ticket = self.first + self.slots.len() as u64;
        self.bytes += bytes;
        self.slots.push_back(Slot { lane: lane.clone(), cursor, bytes, settled: false });
        match self.lanes.get_mut(&lane) {
            Some(waiting) => {
                waiting.push_back((ticket, item));
                None
            }
            None => {
                self.lanes.insert(lane, VecDeque::new());
                Some((ticket, item))
            }
        }
    }

    /// An item in flight is done with; returns the next one of its lane, which is to be started now.
    pub(super) fn settle(&mut self, ticket: Ticket) -> Option<(Ticket, T)> {
        let at = usize::try_from(ticket.checked_sub(self.first)?).ok()?;
        let slot = self.slots.get_mut(at).filter(|slot| !slot.settled)?;
        slot.settled = true;
        self.bytes -= slot.bytes;
        let lane = slot.lane.clone();
        while self.slots.front().is_some_and(|slot| slot.settled) {
            if let Some(slot) = self.slots.pop_front() {
                self.cursor = slot.cursor;
                self.first += 1;
            }
        }
        let next = self.lanes.get_mut(&lane).and_then(VecDeque::pop_front);
        if next.is_none() {
            self.lanes.remove(&lane);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use runbus::log::{Epoch, Place, Sequence};
    use runbus::subject::Shard;

    use super::*;

    fn cursor(n: u64) -> Cursor {
        Cursor::start().with(Shard(0), Place::after(Epoch(1), Sequence(n)))
    }

    fn lane(n: u8) -> Lane {
        (StreamId::new("s").unwrap(), Some(ExecutionId::new(n.to_string()).unwrap()))
    }

    proptest! {
        /// Lanes keep their order, one item of each is in flight, and the cursor is behind the settled prefix.
        #[test]
        fn order_and_cursor(steps in proptest::collection::vec((any::<bool>(), 0u8..4, any::<prop::sample::Index>()), 0..200)) {
            let mut window = Window::new(cursor(0));
            let mut pushed = 0;
            let mut flying: Vec<(Ticket, (u8, u64))> = Vec::new();
            let mut settled = std::collections::BTreeSet::new();
            let mut last: BTreeMap<u8, u64> = BTreeMap::new();
            for (push, key, pick) in steps {
                let started = if push && window.has_room() {
                    pushed += 1;
                    window.push(lane(key), cursor(pushed), 10, (key, pushed))
                } else if flying.is_empty() {
                    continue;
                } else {
                    let (ticket, (_, n)) = flying.swap_remove(pick.index(flying.len()));
                    settled.insert(n);
                    let next = window.settle(ticket);
                    prop_assert!(window.settle(ticket).is_none(), "settled twice");
                    next
                };
                if let Some((ticket, (key, n))) = started {
                    prop_assert!(flying.iter().all(|(_, (other, _))| *other != key));
                    prop_assert!(last.insert(key, n).is_none_or(|before| before < n));
                    flying.push((ticket, (key, n)));
                }
                let prefix = (1..).take_while(|n| settled.contains(n)).count() as u64;
                prop_assert_eq!(window.cursor(), &cursor(prefix));
                prop_assert_eq!(window.is_empty(), prefix == pushed);
            }
        }
    }

    #[test]
    fn one_item_that_does_not_end_fills_it() {
        let mut window = Window::new(cursor(0));
        assert!(window.push(lane(0), cursor(1), 0, ()).is_some());
        let mut n = 1;
        while window.has_room() {
            n += 1;
            let (ticket, ()) = window.push(lane(1), cursor(n), 0, ()).unwrap();
            assert!(window.settle(ticket).is_none());
        }
        assert_eq!(n, limits::WEBHOOK_WINDOW_EVENTS as u64);
        assert!(window.settle(0).is_none());
        assert!(window.is_empty() && window.has_room() && window.cursor() == &cursor(n));
        assert!(window.push(lane(0), cursor(n + 1), limits::WEBHOOK_WINDOW_BYTES, ()).is_some());
        assert!(!window.has_room());
    }
}
