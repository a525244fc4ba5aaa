//! Where an owner takes an execution's log up, and which calls of the model its predecessor left open there.

use std::collections::{BTreeMap, BTreeSet};

use runbus::id::NodeId;
use runbus::limits;
use runbus::log::{Author, Direction, Log, Read, Sequence};
use runbus::session::journal::Journal;
use runbus::session::run::Visit;
use runbus::session::state::State;
use runbus::subject::{Key, Scope, Topic};
use runbus::writer::Start;

use super::events::Error;

/// How an execution's log ends.
#[derive(Debug, Default)]
pub(super) struct End {
    /// Where the next owner begins to write.
    pub start: Start,
    /// Nodes with events that nothing projected has closed, each with the first of them.
    pub open: BTreeMap<NodeId, u64>,
}

/// Where an execution's log ends, and where in it the calls of the model begin that were at work.
///
/// # Errors
/// [`Error::Fenced`]: somebody has claimed since, and writes. Or the log does not answer.
pub(super) async fn end(log: &dyn Log, key: &Key, journal: &Journal) -> Result<End, Error> {
    let epoch = journal.state.epoch;
    let mut end = End { start: Start { epoch, ..Start::default() }, open: BTreeMap::new() };
    let Some(last) = log.last(key).await? else { return Ok(end) };
    end.start.last = Some(last.sequence);
    let (scope, shard) = (Scope::from(key), last.shard);
    let mut search = Search { asking: asking(&journal.state), journal, newer: None };
    let mut from = last.sequence;
    loop {
        let read = Read {
            scope: scope.clone(),
            shard,
            from,
            direction: Direction::Backward,
            max_frames: limits::PAGE_FRAMES,
            max_bytes: limits::PAGE_BYTES,
        };
        let page = log.read(&read).await?;
        for stored in &page.frames {
            from = stored.sequence.previous();
            if !stored.frame.author.is_external() {
                end.start.own.get_or_insert(stored.sequence);
            }
            let Author::Owner { epoch: writer, index, journal } = stored.frame.author else { continue };
            if writer > epoch {
                return Err(Error::Fenced);
            }
            if search.newer.is_none() {
                let next = index.checked_add(u64::from(stored.frame.count));
                end.start.index =
                    next.ok_or_else(|| Error::Broken("the last frame's index is out of range".into()))?;
                end.start.journal = journal;
            }
            search.behind(journal, &mut end.open);
            if search.asking.is_empty() {
                return Ok(end);
            }
            search.newer = Some((stored.topic.clone(), index, journal));
        }
        if page.done || from == Sequence(0) {
            // Nothing is projected before the first one; the effect of removed frames is unknown.
            let before =
                search.newer.as_ref().map_or(0, |(_, index, journal)| if *index == 0 { 0 } else { *journal });
            search.behind(before, &mut end.open);
            return Ok(end);
        }
        if page.frames.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

/// The nodes whose model may have been speaking: output of other nodes is closed, or the next projected entries close it.
fn asking(state: &State) -> BTreeSet<NodeId> {
    let visits = state.running().into_iter().flat_map(|run| &run.visits);
    let asks = |visit: &Visit| visit.calls.is_empty() && visit.question.is_none() && visit.answer.is_none();
    visits.filter(|(_, visit)| asks(visit)).map(|(node, _)| node.clone()).collect()
}

/// Looks backward for the first event of each call of the model that was at work.
struct Search<'a> {
    /// The nodes for which it is not found yet.
    asking: BTreeSet<NodeId>,
    journal: &'a Journal,
    /// The frame that was looked at last: where it lives, its index, how many journal entries are reflected with it.
    newer: Option<(Topic, u64, u64)>,
}

impl Search<'_> {
    /// Judges the newer frame, now that it is known how many entries were reflected before it: one that reflects more
    /// ends with the projection of an entry, and its node's events are closed up to there.
    fn behind(&mut self, before: u64, open: &mut BTreeMap<NodeId, u64>) {
        let Some((Topic::Events { node, .. }, index, journal)) = self.newer.take() else { return };
        let projects = journal > before;
        match node {
            Some(node) if projects => _ = self.asking.remove(&node),
            Some(node) if self.asking.contains(&node) => _ = open.insert(node, index),
            // Output that was open when it took over is void already.
            None if projects && self.journal.is_claim(journal.saturating_sub(1)) => self.asking.clear(),
            _ => {}
        }
    }
}
