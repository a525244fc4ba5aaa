//! Parts of a page that were read topic by topic, perhaps from replicas that lag, put together without a hole.

use crate::log::Sequence;

/// The frames read of one topic.
#[derive(Debug)]
pub(super) struct Part<T> {
    /// The topic's last frame, when it was looked for.
    pub(super) last: Sequence,
    /// Its next frames, in order.
    pub(super) frames: Vec<T>,
    /// Frames behind these, as the replica knows.
    pub(super) pending: u64,
}

/// Frames in a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch<T> {
    /// In order.
    pub(super) frames: Vec<T>,
    /// Frames behind these, as the replicas know.
    pub(super) pending: u64,
    /// Nothing is missing up to here.
    pub(super) through: Sequence,
}

/// Puts parts together that were all read from `from` on: `most` frames at most. The topics are all that have frames from there
/// up to `up_to`.
pub(super) fn join<T>(
    parts: Vec<Part<T>>,
    from: Sequence,
    up_to: Sequence,
    most: usize,
    place: impl Fn(&T) -> Sequence,
) -> Batch<T> {
    let (mut through, mut pending) = (up_to, 0);
    let mut frames = Vec::new();
    for part in parts {
        // A part that ends early ends the page; without anything pending a replica lags.
        let reached = part.frames.last().map_or(from.previous(), &place);
        if reached < part.last {
            through = through.min(reached);
            pending = pending.max(part.pending);
        }
        frames.extend(part.frames);
    }
    frames.retain(|frame| place(frame) <= through);
    frames.sort_unstable_by_key(&place);
    if frames.len() > most {
        frames.truncate(most);
        through = frames.last().map_or(through, &place);
        pending = pending.max(1);
    }
    Batch { frames, pending, through }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// How a topic is read: how many frames fit, and how far the replica is behind what was seen.
    #[derive(Debug, Clone)]
    struct Reading {
        fits: usize,
        lag: u64,
    }

    fn reading() -> impl Strategy<Value = Reading> {
        (1usize..12, prop_oneof![3 => Just(0), 1 => 0u64..40]).prop_map(|(fits, lag)| Reading { fits, lag })
    }

    proptest! {
        /// For any part sizes and replica lags, a page is a prefix of the log.
        #[test]
        fn a_page_has_no_hole(
            topics in prop::collection::vec(0usize..5, 1..60),
            readings in prop::collection::vec(reading(), 5),
            first in 1u64..40,
            newer in 0u64..10,
            most in 1usize..20,
        ) {
            // Frame n is of topic `topics[n - 1]`; the topics were looked for when `up_to` was the last place.
            let all: Vec<(Sequence, usize)> = (1..).map(Sequence).zip(topics.iter().copied()).collect();
            let up_to = Sequence((all.len() as u64).saturating_sub(newer));
            let from = Sequence(first);
            let parts: Vec<Part<Sequence>> = (0..5)
                .filter_map(|topic| {
                    let of = |end: Sequence| all.iter().filter(move |(at, of)| *of == topic && *at <= end);
                    let last = of(up_to).next_back()?.0;
                    let Reading { fits, lag } = readings[topic];
                    // A replica may also be ahead of the one that was asked for the topics.
                    let knows = Sequence((all.len() as u64).saturating_sub(lag));
                    let there: Vec<Sequence> = of(knows).map(|(at, _)| *at).filter(|at| *at >= from).collect();
                    let pending = there.len().saturating_sub(fits) as u64;
                    let frames = there.into_iter().take(fits).collect();
                    (last >= from).then_some(Part { last, frames, pending })
                })
                .collect();
            let whole = readings.iter().all(|reading| reading.lag == 0);
            let batch = join(parts, from, up_to, most, |at| *at);
            let truth: Vec<Sequence> = all.iter().map(|(at, _)| *at).filter(|at| *at >= from).collect();
            let wanted = truth.iter().copied().filter(|at| *at <= batch.through).collect::<Vec<_>>();
            prop_assert_eq!(&batch.frames, &wanted, "everything up to the place that it vouches for");
            prop_assert!(batch.through <= up_to || batch.frames.is_empty());
            prop_assert!(batch.frames.len() <= most);
            if whole && batch.pending == 0 {
                let seen = truth.iter().filter(|at| **at <= up_to).count();
                prop_assert_eq!(batch.frames.len(), seen, "nothing is left when nothing is pending");
            }
            if whole && from <= up_to {
                prop_assert!(!batch.frames.is_empty(), "a page that is not the last one has something");
            }
        }
    }
}
