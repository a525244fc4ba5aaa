//! Random operations, compared with a log that is a vector.

use std::sync::Arc;

use super::kit::{
    Rng, append, events, last, line, places, put_open, read_shard, read_until, request, scope, session,
};
use crate::id::EventId;
use crate::log::{AppendError, Direction, Expect, Frame, Log, Read, Sequence};
use crate::subject::{Key, Lane, Scope, Shard, Topic};

const SEEDS: u64 = 4;
const OPERATIONS: usize = 150;

#[derive(Debug)]
struct Entry {
    topic: Topic,
    shard: Shard,
    sequence: Sequence,
    prev: Option<Sequence>,
    frame: Frame,
    id: Option<EventId>,
}

#[derive(Debug)]
struct Model {
    seed: u64,
    rng: Rng,
    entries: Vec<Entry>,
}

impl Model {
    fn topic(&mut self) -> Topic {
        let stream = format!("{}-{}", self.seed, self.rng.pick(&["s", "t."]));
        let node = *self.rng.pick(&[None, Some("n"), Some("_")]);
        let execution = format!("{}-{}", self.seed, self.rng.pick(&["x", "y"]));
        match self.rng.below(5) {
            0 => Topic::Journal(session(&execution)),
            1 => events(&stream, node, None),
            _ => events(&stream, node, Some(&execution)),
        }
    }

    fn of_key<'a>(&'a self, key: &'a Key) -> impl DoubleEndedIterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.topic.key().as_ref() == Some(key))
    }

    fn add(&mut self, log: &Arc<dyn Log>, entry: Entry) {
        let newest = self
            .entries
            .iter()
            .filter(|other| (other.topic.lane(), other.shard) == (entry.topic.lane(), entry.shard))
            .map(|other| other.sequence)
            .max();
        assert!(Some(entry.sequence) > newest, "sequences of a lane and shard grow: {entry:?}");
        assert_eq!(entry.shard, super::kit::home(log, &entry.topic));
        self.entries.push(entry);
    }

    async fn checked(&mut self, log: &Arc<dyn Log>, operation: usize) {
        let topic = self.topic();
        let Some(key) = topic.key() else { return };
        let ends: Vec<Sequence> = self.of_key(&key).map(|entry| entry.sequence).collect();
        let end = ends.last().copied();
        let expected = match self.rng.below(6) {
            0 => None,
            1 => ends.get(self.rng.below(ends.len().max(1))).copied(),
            2 => Some(Sequence(end.unwrap_or_default().0 + 1_000_000)),
            _ => end,
        };
        let lines = [line(&format!("{} {operation}", self.seed)), line("2")];
        let frame = Frame::owned(1, operation as u64, 3, &lines[..=self.rng.below(2)]);
        let outcome = append(log, &topic, &frame, Expect::Last(expected)).await;
        match outcome {
            Ok(sequence) if expected == end => {
                let shard = super::kit::home(log, &topic);
                let prev = Some(end.unwrap_or_default());
                self.add(log, Entry { topic, shard, sequence, prev, frame, id: None });
            }
            Err(AppendError::Regressed { found, .. }) if expected > end => assert_eq!(found, end),
            Err(AppendError::Fenced { last, .. }) if expected < end => {
                assert_eq!(last.map(|stored| stored.sequence), end);
            }
            other => panic!("{key} ends at {end:?}, expecting {expected:?} was answered by {other:?}"),
        }
    }

    async fn open(&mut self, log: &Arc<dyn Log>, operation: usize) {
        let repeatable: Vec<usize> =
            (0..self.entries.len()).filter(|&at| self.entries[at].id.is_some()).collect();
        if self.rng.below(3) == 0 && !repeatable.is_empty() {
            let Entry { topic, frame, id: Some(id), sequence, .. } =
                &self.entries[*self.rng.pick(&repeatable)]
            else {
                return;
            };
            let again = append(log, topic, frame, Expect::Open(*id)).await.unwrap();
            assert_eq!(again, *sequence, "an id again is the place of the first");
            return;
        }
        let topic = self.topic();
        let id = EventId::generate();
        let is_external = topic.lane() == Lane::Events && self.rng.below(2) == 0;
        let make = if is_external { Frame::external } else { Frame::open };
        let frame = make(&[line(&format!("open {operation}"))]);
        let sequence = append(log, &topic, &frame, Expect::Open(id)).await.unwrap();
        let shard = super::kit::home(log, &topic);
        self.add(log, Entry { topic, shard, sequence, prev: None, frame, id: Some(id) });
    }

    /// The same checked frame again, possibly behind newer ones.
    async fn retry(&mut self, log: &Arc<dyn Log>) {
        let owned: Vec<usize> =
            (0..self.entries.len()).filter(|&at| self.entries[at].prev.is_some()).collect();
        if owned.is_empty() {
            return;
        }
        let Entry { topic, frame, sequence, prev: Some(prev), .. } = &self.entries[*self.rng.pick(&owned)]
        else {
            return;
        };
        let key = topic.key().unwrap();
        let overtaken = self.of_key(&key).any(|entry| entry.sequence > *sequence && entry.prev.is_some());
        let expected = (prev.0 > 0).then_some(*prev);
        match append(log, topic, frame, Expect::Last(expected)).await {
            Ok(again) => assert_eq!(again, *sequence, "the same frame again is the same place"),
            Err(AppendError::Fenced { .. }) if overtaken => {}
            Err(error) => panic!("the same frame with the same expectation again failed: {error:?}"),
        }
    }

    async fn read(&mut self, log: &Arc<dyn Log>) {
        let topic = self.topic();
        let scope = match (&topic, self.rng.below(4)) {
            (Topic::Journal(_), 0) | (Topic::Events { .. }, 0) => {
                topic.key().map_or(Scope::EVERYTHING, |key| Scope::from(&key))
            }
            (Topic::Journal(_), _) => Scope::Journal(None),
            (Topic::Events { stream, .. }, 1) => scope(Some(stream.as_str()), None, None),
            (Topic::Events { node, .. }, 2) => scope(None, node.as_ref().map(|id| id.as_str()), None),
            _ => Scope::EVERYTHING,
        };
        let expected: usize = self.entries.iter().filter(|entry| scope.matches(&entry.topic)).count();
        let seed = format!("{}-", self.seed);
        let mine = |topic: &Topic| match topic {
            Topic::Events { stream, .. } => stream.as_str().starts_with(&seed),
            Topic::Journal(session) | Topic::Inbox(session) => session.as_str().starts_with(&seed),
            Topic::Opaque(..) => false,
        };
        // Wait for a lagging replica, then read in random pieces.
        read_until(log, &scope, "acknowledged frames are there", |found| {
            found.iter().filter(|stored| mine(&stored.topic)).count() == expected
        })
        .await;
        for shard in scope.shards(&log.layout()) {
            let mut wanted: Vec<&Entry> = self
                .entries
                .iter()
                .filter(|entry| entry.shard == shard && scope.matches(&entry.topic))
                .collect();
            let direction = *self.rng.pick(&[Direction::Forward, Direction::Backward]);
            let from = match wanted.len() {
                0 => Sequence(1),
                len => wanted[self.rng.below(len)].sequence,
            };
            match direction {
                Direction::Forward => wanted.retain(|entry| entry.sequence >= from),
                Direction::Backward => {
                    wanted.retain(|entry| entry.sequence <= from);
                    wanted.reverse();
                }
            }
            let read = Read {
                max_frames: 1 + self.rng.below(9),
                max_bytes: 1 + self.rng.below(400),
                ..request(&scope, shard, from, direction)
            };
            let mut found = read_shard(log, read).await;
            found.retain(|stored| mine(&stored.topic));
            let wanted_places: Vec<_> = wanted.iter().map(|entry| (entry.shard, entry.sequence)).collect();
            assert_eq!(places(&found), wanted_places, "{scope:?} {direction:?} from {from}");
            for (stored, entry) in found.iter().zip(wanted) {
                assert_eq!(
                    (&stored.topic, &stored.frame, stored.prev, &stored.damage),
                    (&entry.topic, &entry.frame, entry.prev, &None)
                );
            }
        }
    }

    async fn last(&mut self, log: &Arc<dyn Log>) {
        let Some(key) = self.topic().key() else { return };
        let found = last(log, &key).await.map(|stored| (stored.sequence, stored.frame));
        let wanted = self.of_key(&key).next_back().map(|entry| (entry.sequence, entry.frame.clone()));
        assert_eq!(found, wanted, "last of {key}");
    }
}

pub(super) async fn random_operations_agree_with_a_model(log: Arc<dyn Log>) {
    for seed in 0..SEEDS {
        let mut model = Model { seed, rng: Rng(seed), entries: Vec::new() };
        put_open(&log, &events("noise", None, Some(&format!("{seed}"))), &super::kit::open("noise")).await;
        for operation in 0..OPERATIONS {
            match model.rng.below(10) {
                0..=3 => model.checked(&log, operation).await,
                4..=6 => model.open(&log, operation).await,
                7 => model.retry(&log).await,
                8 => model.read(&log).await,
                _ => model.last(&log).await,
            }
        }
        model.read(&log).await;
    }
}
