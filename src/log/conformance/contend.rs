//! Many writers at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::kit::{append, events, last, open, owned, put, put_open, read_until};
use crate::log::{AppendError, Expect, Log, Sequence};
use crate::subject::Scope;

const CONTENDERS: u64 = 6;
const PLACES: u64 = 40;

/// Appends at the end as often as it wins; returns what was acknowledged.
async fn contender(log: Arc<dyn Log>, epoch: u64) -> Vec<Sequence> {
    let topic = events("s", Some(&format!("n{epoch}")), Some("x"));
    let key = topic.key().unwrap();
    let mut mine = Vec::new();
    let mut end = last(&log, &key).await;
    loop {
        let index = end.as_ref().map_or(0, |stored| stored.frame.index().unwrap() + 1);
        if index >= PLACES {
            return mine;
        }
        let expect = end.as_ref().map(|stored| stored.sequence);
        match append(&log, &topic, &owned(epoch, index, "a"), Expect::Last(expect)).await {
            Ok(sequence) => {
                mine.push(sequence);
                end = last(&log, &key).await;
            }
            Err(AppendError::Fenced { last, .. }) => end = last.map(|stored| *stored),
            Err(error) => panic!("a contender is either accepted or fenced, was {error:?}"),
        }
    }
}

pub(super) async fn one_wins_every_place(log: Arc<dyn Log>) {
    let tasks: Vec<_> = (1..=CONTENDERS).map(|epoch| tokio::spawn(contender(log.clone(), epoch))).collect();
    let mut won = BTreeMap::new();
    for (epoch, task) in (1..).zip(tasks) {
        for sequence in task.await.unwrap() {
            let other = won.insert(sequence, epoch);
            assert_eq!(other, None, "two writers were told that they wrote {sequence}");
        }
    }
    let key = events("s", None, Some("x")).key().unwrap();
    let frames = usize::try_from(PLACES).unwrap();
    let found =
        read_until(&log, &Scope::from(&key), "every place is taken once", |found| found.len() == frames)
            .await;
    let mut prev = Sequence(0);
    for (index, stored) in (0..).zip(&found) {
        assert_eq!(stored.frame.index(), Some(index), "indices have no hole and no repetition");
        assert_eq!(stored.prev, Some(prev), "each frame's prev is its predecessor");
        assert_eq!(
            won.get(&stored.sequence).copied(),
            stored.frame.epoch(),
            "a stored frame was acknowledged to its writer"
        );
        prev = stored.sequence;
    }
}

pub(super) async fn many_keys_at_once(log: Arc<dyn Log>) {
    let tasks: Vec<_> = (0..32)
        .map(|n| {
            let log = log.clone();
            tokio::spawn(async move {
                let topic = events("s", None, Some(&format!("x{n}")));
                let mut end = None;
                for index in 0..10 {
                    end = Some(put(&log, &topic, &owned(1, index, "a"), end).await);
                    put_open(&log, &events("t", None, None), &open(&format!("{n} {index}"))).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    for n in 0..32 {
        let key = events("s", None, Some(&format!("x{n}"))).key().unwrap();
        let found = read_until(&log, &Scope::from(&key), "ten frames a key", |found| found.len() == 10).await;
        assert!(
            found.windows(2).all(|pair| pair[1].prev == Some(pair[0].sequence)),
            "each key has its own chain"
        );
    }
}
