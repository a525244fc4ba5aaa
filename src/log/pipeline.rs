//! Pipelines: the frames of one key that somebody hands in through one pipeline are stored in the order in which they were handed
//! in, although none waits for the one before to be stored.
//!
//! ```text
//! turn        one at a time for each key: who has it hands its frame in      no turn while a frame is sent again
//! on its way  any number; the log takes them in the order of their turns
//! refused     all on their way are waited for; the log is asked which of the refused it has; the others are sent again, the oldest first
//! overtaken   a later frame is stored already: it is not sent again, because it would stand behind that one
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard};

use super::cursor::Sequence;
use crate::subject::Topic;

/// Somebody who hands frames in. Clones are the same pipeline.
#[derive(Clone, Default)]
pub struct Pipeline {
    orders: Orders,
}

/// The keys with frames that are not stored yet.
type Orders = Arc<Mutex<HashMap<u64, Arc<Order>>>>;

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("keys", &lock(&self.orders).len()).finish_non_exhaustive()
    }
}

/// The frames of one key.
#[derive(Default)]
struct Order {
    turn: Arc<tokio::sync::Mutex<()>>,
    state: Mutex<State>,
    /// While something is sent again: it may go on.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// The number of the next frame.
    next: u64,
    /// Frames that were sent for the first time and whose outcome is not known.
    on_way: usize,
    /// Behind the highest frame that is known to be stored, and its place.
    stored: u64,
    place: Sequence,
    /// Frames that are not known to be stored, with their marks.
    refused: BTreeMap<u64, u64>,
    /// Whether the log was asked for these; those that it has.
    is_asked: bool,
    found: BTreeMap<u64, Sequence>,
}

impl State {
    fn store(&mut self, number: u64, place: Sequence) {
        self.stored = self.stored.max(number + 1);
        self.place = self.place.max(place);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An order in use; it leaves the pipeline with the last one.
struct Used {
    orders: Orders,
    key: u64,
    order: Arc<Order>,
}

impl Deref for Used {
    type Target = Order;

    fn deref(&self) -> &Order {
        &self.order
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        let mut orders = lock(&self.orders);
        // The pipeline's and this one. Others are made under the same lock.
        if Arc::strong_count(&self.order) == 2 {
            orders.remove(&self.key);
        }
    }
}

impl Pipeline {
    fn of(&self, topic: &Topic) -> Used {
        let mut hasher = DefaultHasher::new();
        match topic {
            // Also where no execution is named: then all of the stream that names none is one key.
            Topic::Events { stream, execution, .. } => (stream, execution).hash(&mut hasher),
            other => other.hash(&mut hasher),
        }
        let key = hasher.finish();
        let order = lock(&self.orders).entry(key).or_default().clone();
        Used { orders: self.orders.clone(), key, order }
    }

    /// Waits until a frame for this topic may be handed in: turns come in the order in which they were first waited for.
    pub async fn turn(&self, topic: &Topic) -> Turn {
        let order = self.of(topic);
        let held = order.turn.clone().lock_owned().await;
        let turn = Turn { order, _held: held };
        turn.clear().await;
        turn
    }
}

/// The right to hand a frame in.
#[must_use]
pub struct Turn {
    order: Used,
    _held: OwnedMutexGuard<()>,
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

impl Turn {
    /// Waits while frames before it are sent again.
    pub async fn clear(&self) {
        loop {
            let changed = self.order.changed.notified();
            if lock(&self.order.state).refused.is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// The frame is on its way: the next one has its turn.
    pub fn sent(self) -> Sent {
        let number = {
            let mut state = lock(&self.order.state);
            state.on_way += 1;
            state.next += 1;
            state.next - 1
        };
        let Self { order, .. } = self;
        Sent { order, number, is_open: true }
    }
}

/// A frame on its way for the first time.
#[must_use]
pub struct Sent {
    order: Used,
    number: u64,
    is_open: bool,
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Sent {
    /// It is stored.
    pub fn stored(mut self, place: Sequence) {
        self.is_open = false;
        let mut state = lock(&self.order.state);
        state.on_way -= 1;
        state.store(self.number, place);
        if !state.refused.is_empty() {
            self.order.changed.notify_waiters();
        }
    }

    /// It is not known to be stored: waits until it is the oldest one of which nobody knows. `mark`: the log's frame has the
    /// same, and no other frame has.
    pub async fn again(mut self, mark: u64) -> Again {
        self.is_open = false;
        {
            let mut state = lock(&self.order.state);
            state.on_way -= 1;
            state.refused.insert(self.number, mark);
            state.is_asked = false;
            self.order.changed.notify_waiters();
        }
        // From here on it leaves the order when it is dropped.
        let again = Again { number: self.number, sent: self };
        loop {
            let changed = again.sent.order.changed.notified();
            {
                let state = lock(&again.sent.order.state);
                if state.on_way == 0 && state.refused.first_key_value().map(|(n, _)| *n) == Some(again.number)
                {
                    break;
                }
            }
            changed.await;
        }
        again
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if self.is_open {
            let mut state = lock(&self.order.state);
            state.on_way -= 1;
            if !state.refused.is_empty() {
                self.order.changed.notify_waiters();
            }
        }
    }
}

/// The oldest frame of which nobody knows whether it is stored, until this is dropped. No later one is sent meanwhile.
#[must_use]
pub struct Again {
    number: u64,
    sent: Sent,
}

/// The next step with such a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing: the log has it.
    Stored(Sequence),
    /// A later one is stored.
    Overtaken,
    /// It may be sent again.
    Missing,
}

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Again").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Again {
    /// The marks of the frames to look for, and a place behind which they stand; `None`: the log was asked already.
    #[must_use]
    pub fn unknown(&self) -> Option<(BTreeSet<u64>, Sequence)> {
        let state = lock(&self.sent.order.state);
        (!state.is_asked).then(|| (state.refused.values().copied().collect(), state.place))
    }

    /// The log was asked: it has frames with these marks.
    pub fn found(&self, places: &HashMap<u64, Sequence>) {
        let mut state = lock(&self.sent.order.state);
        state.is_asked = true;
        let found = state.refused.iter().filter_map(|(n, mark)| Some((*n, *places.get(mark)?)));
        let found: Vec<_> = found.collect();
        for (number, place) in found {
            state.found.insert(number, place);
            state.store(number, place);
        }
    }

    /// The next step with it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let state = lock(&self.sent.order.state);
        match state.found.get(&self.number) {
            Some(place) => Standing::Stored(*place),
            None if state.stored > self.number => Standing::Overtaken,
            None => Standing::Missing,
        }
    }

    /// It is stored now.
    pub fn stored(self, place: Sequence) {
        lock(&self.sent.order.state).store(self.number, place);
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        let mut state = lock(&self.sent.order.state);
        state.refused.remove(&self.number);
        state.found.remove(&self.number);
        drop(state);
        self.sent.order.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use futures_util::poll;

    use super::*;
    use crate::id::{ExecutionId, NodeId, StreamId};

    fn topic(node: &str, execution: &str) -> Topic {
        Topic::Events {
            stream: StreamId::new("s").unwrap(),
            node: Some(NodeId::new(node).unwrap()),
            execution: Some(ExecutionId::new(execution).unwrap()),
        }
    }

    fn keys(pipeline: &Pipeline) -> usize {
        lock(&pipeline.orders).len()
    }

    fn at(place: u64) -> Sequence {
        Sequence(place)
    }

    #[tokio::test]
    async fn turns_come_in_order_for_each_key_and_keys_leave() {
        let pipeline = Pipeline::default();
        let first = pipeline.turn(&topic("a", "x")).await;
        let (x, y) = (topic("b", "x"), topic("a", "y"));
        let mut second = Box::pin(pipeline.turn(&x));
        let mut third = Box::pin(pipeline.turn(&x));
        assert!(poll!(second.as_mut()).is_pending(), "the key is the execution, not the node");
        assert!(poll!(third.as_mut()).is_pending());
        drop(pipeline.turn(&y).now_or_never().unwrap().sent());
        let sent = first.sent();
        assert!(poll!(third.as_mut()).is_pending(), "the second one is first");
        let second = second.await.sent();
        third.await.sent().stored(at(3));
        sent.stored(at(1));
        second.stored(at(2));
        assert_eq!(keys(&pipeline), 0);
    }

    #[tokio::test]
    async fn refused_frames_are_sent_again_in_order_before_any_later_one() {
        let (pipeline, x) = (Pipeline::default(), topic("a", "x"));
        let mut sent = Vec::new();
        for _ in 0..3 {
            sent.push(pipeline.turn(&x).await.sent());
        }
        let (c, b, a) = (sent.pop().unwrap(), sent.pop().unwrap(), sent.pop().unwrap());
        let mut b = Box::pin(b.again(20));
        assert!(poll!(b.as_mut()).is_pending(), "others are on their way");
        let mut later = Box::pin(pipeline.turn(&x));
        assert!(poll!(later.as_mut()).is_pending(), "no later one is sent");
        let mut a = Box::pin(a.again(10));
        assert!(poll!(a.as_mut()).is_pending());
        drop(c);
        let again = a.await;
        assert_eq!(again.unknown(), Some((BTreeSet::from([10, 20]), at(0))));
        again.found(&HashMap::new());
        assert_eq!((again.unknown(), again.standing()), (None, Standing::Missing));
        assert!(poll!(b.as_mut()).is_pending(), "the oldest first");
        again.stored(at(7));
        let again = b.await;
        assert_eq!((again.unknown(), again.standing()), (None, Standing::Missing), "the log is asked once");
        again.stored(at(8));
        later.await.sent().stored(at(9));
        assert_eq!(keys(&pipeline), 0);
    }

    #[tokio::test]
    async fn a_frame_that_was_overtaken_is_not_sent_again() {
        let (pipeline, x) = (Pipeline::default(), topic("a", "x"));
        let (a, b) = (pipeline.turn(&x).await.sent(), pipeline.turn(&x).await.sent());
        let mut a = Box::pin(a.again(10));
        assert!(poll!(a.as_mut()).is_pending());
        b.stored(at(5));
        let again = a.await;
        assert_eq!(again.standing(), Standing::Overtaken);
        drop(again);
        assert!(pipeline.turn(&x).now_or_never().is_some(), "the next one goes on");
        assert_eq!(keys(&pipeline), 0);
    }

    #[tokio::test]
    async fn frames_that_the_log_has_are_stored_and_overtake_those_before() {
        let (pipeline, x) = (Pipeline::default(), topic("a", "x"));
        let mut sent = Vec::new();
        for _ in 0..3 {
            sent.push(pipeline.turn(&x).await.sent());
        }
        let (c, b, a) = (sent.pop().unwrap(), sent.pop().unwrap(), sent.pop().unwrap());
        let (mut b, mut c) = (Box::pin(b.again(20)), Box::pin(c.again(30)));
        assert!(poll!(b.as_mut()).is_pending() && poll!(c.as_mut()).is_pending());
        let again = a.again(10).await;
        again.found(&HashMap::from([(20, at(6))]));
        assert_eq!(again.standing(), Standing::Overtaken);
        drop(again);
        let again = b.await;
        assert_eq!(again.standing(), Standing::Stored(at(6)));
        drop(again);
        let again = c.await;
        assert_eq!(again.standing(), Standing::Missing);
        again.stored(at(7));
        assert_eq!(keys(&pipeline), 0);
    }

    #[tokio::test]
    async fn callers_that_give_up_hold_nobody() {
        let (pipeline, x) = (Pipeline::default(), topic("a", "x"));
        let (a, b) = (pipeline.turn(&x).await.sent(), pipeline.turn(&x).await.sent());
        let mut again = Box::pin(a.again(10));
        assert!(poll!(again.as_mut()).is_pending());
        drop(b);
        drop(again);
        assert!(pipeline.turn(&x).now_or_never().is_some());
        let turn = pipeline.turn(&x).await;
        let mut waits = Box::pin(pipeline.turn(&x));
        assert!(poll!(waits.as_mut()).is_pending());
        drop(waits);
        drop(turn);
        assert!(pipeline.turn(&x).now_or_never().is_some());
        assert_eq!(keys(&pipeline), 0);
    }
}
