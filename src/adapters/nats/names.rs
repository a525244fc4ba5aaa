//! The names of streams and subjects.

use crate::log::Origin;
use crate::queue::Class;
use crate::subject::{EXTERNAL, Lane, Layout, Scope, Shard, Topic};

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

    /// The pattern of everything in a shard.
    pub(super) fn everything(&self, lane: Lane, shard: Shard) -> String {
        let scope = match lane {
            Lane::Events => Scope::EVERYTHING,
            Lane::Journal => Scope::Journal(None),
            Lane::Inbox => Scope::Inbox(None),
        };
        scope.pattern(&self.prefix, shard)
    }

    /// All subjects of a shard: of events, those that Runbus writes, and those that anybody may publish.
    pub(super) fn subjects(&self, lane: Lane, shard: Shard) -> Vec<String> {
        match lane {
            Lane::Events => self.subjects_of([lane.token(), EXTERNAL], shard),
            Lane::Journal | Lane::Inbox => vec![self.everything(lane, shard)],
        }
    }

    /// The subjects of a shard of events before others had their own.
    pub(super) fn old_subjects(&self, shard: Shard) -> Vec<String> {
        self.subjects_of([Lane::Events.token()], shard)
    }

    fn subjects_of<const N: usize>(&self, tokens: [&str; N], shard: Shard) -> Vec<String> {
        tokens.map(|token| format!("{}.{token}.{shard}.*.*.*", self.prefix)).into()
    }

    /// Where a shard's subjects are published again after storage: (from, to).
    pub(super) fn republish(&self, lane: Lane, shard: Shard) -> (String, String) {
        let prefix = &self.prefix;
        match lane {
            // A stream has one rule: it is for both kinds of events.
            Lane::Events => {
                (format!("{prefix}.*.{shard}.>"), format!("{prefix}.live.{{{{wildcard(1)}}}}.{shard}.>"))
            }
            Lane::Journal | Lane::Inbox => self.old_republish(lane, shard),
        }
    }

    /// The same of a shard of events before others had their own subjects.
    pub(super) fn old_republish(&self, lane: Lane, shard: Shard) -> (String, String) {
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

    /// The stream that holds the record of the layout.
    pub(super) fn layout(&self) -> String {
        format!("{}_LAYOUT", self.upper)
    }

    /// Its subject.
    pub(super) fn layout_subject(&self) -> String {
        format!("{}.layout", self.prefix)
    }

    /// The scratch stream of the start-up check.
    pub(super) fn check(&self) -> String {
        format!("{}_CHECK", self.upper)
    }

    /// Its subjects.
    pub(super) fn check_subjects(&self) -> String {
        format!("{}.check.*.*", self.prefix)
    }

    /// The topic of a stored subject, and the authors that may publish there.
    pub(super) fn topic(&self, lane: Lane, shard: Shard, subject: &str) -> (Topic, Origin) {
        let below = |token: &str| {
            let rest = subject.strip_prefix(self.prefix.as_str())?.strip_prefix('.')?.strip_prefix(token)?;
            rest.strip_prefix('.')?.strip_prefix(&*shard.to_string())?.strip_prefix('.')
        };
        let parsed = |rest: Option<&str>| match rest {
            Some(rest) => Topic::parse(lane, rest, subject),
            None => Topic::Opaque(lane, subject.into()),
        };
        match lane {
            Lane::Journal | Lane::Inbox => (parsed(below(lane.token())), Origin::Runbus),
            Lane::Events => match below(lane.token()) {
                Some(rest) => (parsed(Some(rest)), Origin::Runbus),
                None => (parsed(below(EXTERNAL)), Origin::External),
            },
        }
    }
}

/// Every lane's shards.
pub(super) fn places(layout: &Layout) -> impl Iterator<Item = (Lane, Shard)> + '_ {
    Lane::ALL.into_iter().flat_map(|lane| layout.all().map(move |shard| (lane, shard)))
}
