//! What streams and subjects are called.

use crate::queue::Class;
use crate::subject::{Lane, Layout, Scope, Shard, Topic};

/// Names below one prefix.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// First token of every subject.
    pub(super) prefix: String,
    upper: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into(), upper: prefix.to_ascii_uppercase() }
    }

    /// The stream of a shard.
    pub(super) fn stream(&self, lane: Lane, shard: Shard) -> String {
        format!("{}_{}_{shard}", self.upper, lane.token().to_ascii_uppercase())
    }

    /// All subjects of a shard.
    pub(super) fn subjects(&self, lane: Lane, shard: Shard) -> String {
        let scope = match lane {
            Lane::Events => Scope::EVERYTHING,
            Lane::Journal => Scope::Journal(None),
            Lane::Inbox => Scope::Inbox(None),
        };
        scope.pattern(&self.prefix, shard)
    }

    /// Where a shard's subjects are published again after storage: (from, to).
    pub(super) fn republish(&self, lane: Lane, shard: Shard) -> (String, String) {
        let (prefix, lane) = (&self.prefix, lane.token());
        (format!("{prefix}.{lane}.{shard}.>"), format!("{prefix}.live.{lane}.{shard}.>"))
    }

    /// A scope's subject in the live feed.
    pub(super) fn live(&self, scope: &Scope, shard: Shard) -> String {
        scope.pattern(&format!("{}.live", self.prefix), shard)
    }

    /// The stream of jobs.
    pub(super) fn jobs(&self) -> String {
        format!("{}_JOB", self.upper)
    }

    /// All subjects of jobs.
    pub(super) fn job_subjects(&self) -> String {
        format!("{}.job.*", self.prefix)
    }

    /// A class's subject.
    pub(super) fn job(&self, class: &Class) -> String {
        format!("{}.job.{}", self.prefix, class.as_str())
    }

    /// The scratch stream of the start-up check.
    pub(super) fn check(&self) -> String {
        format!("{}_CHECK", self.upper)
    }

    /// Its subjects.
    pub(super) fn check_subjects(&self) -> String {
        format!("{}.check.*.*", self.prefix)
    }

    /// The topic of a stored subject.
    pub(super) fn topic(&self, lane: Lane, shard: Shard, subject: &str) -> Topic {
        let head = format!("{}.{}.{shard}.", self.prefix, lane.token());
        subject
            .strip_prefix(&head)
            .map_or_else(|| Topic::Opaque(lane, subject.into()), |rest| Topic::parse(lane, rest, subject))
    }
}

/// Every lane's shards.
pub(super) fn places(layout: &Layout) -> impl Iterator<Item = (Lane, Shard)> + '_ {
    Lane::ALL.into_iter().flat_map(|lane| layout.all().map(move |shard| (lane, shard)))
}
