//! Shards: how many logs a lane is split into, and which one holds what.

use std::fmt;

use crate::limits;

/// A shard's number; unique over all generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Shard(pub u16);

impl fmt::Display for Layout {
    /// As it is configured: `4`, or `[4, 8]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.counts[..] {
            [one] => one.fmt(f),
            several => write!(f, "{several:?}"),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of shards is out of range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{total} shards over all generations: from 1 to {max} are allowed, and no generation may be empty", max = limits::SHARDS_MAX)]
pub struct Error {
    /// The requested number of shards.
    pub total: usize,
}

/// How a lane is split: generations of shards, oldest first. New ids go to the last one, older ones drain by retention.
///
/// Shards are numbered through: with the counts `[4, 8]` the first generation has 0 to 3, the second 4 to 11.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    counts: Vec<u16>,
    /// Generations that take new ids: the last of these does. Those behind them are read already.
    active: usize,
}

impl Layout {
    /// A layout with these counts, one a generation.
    ///
    /// # Errors
    /// No generation, an empty one, or more than [`limits::SHARDS_MAX`] shards.
    pub fn new(counts: Vec<u16>) -> Result<Self, Error> {
        let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
        if counts.is_empty() || counts.contains(&0) || total > usize::from(limits::SHARDS_MAX) {
            return Err(Error { total });
        }
        let active = counts.len();
        Ok(Self { counts, active })
    }

    /// The same, where only the first `active` generations take new ids, and the others are about to.
    ///
    /// # Errors
    /// As [`Layout::new`]; or nothing would take new ids.
    pub fn growing(counts: Vec<u16>, active: usize) -> Result<Self, Error> {
        let layout = Self::new(counts)?;
        if active == 0 || active > layout.counts.len() {
            return Err(Error { total: 0 });
        }
        Ok(Self { active, ..layout })
    }

    /// The number of shards of each generation, oldest first.
    #[must_use]
    pub fn counts(&self) -> &[u16] {
        &self.counts
    }

    /// Generations that take new ids.
    #[must_use]
    pub const fn active(&self) -> usize {
        self.active
    }

    /// One shard: the layout of an embedded log.
    #[must_use]
    pub fn single() -> Self {
        Self { counts: vec![1], active: 1 }
    }

    /// All shards, oldest generation first.
    pub fn all(&self) -> impl Iterator<Item = Shard> + use<> {
        (0..self.counts.iter().sum::<u16>()).map(Shard)
    }

    /// The number of shards of the oldest generation, which begin at 0.
    #[must_use]
    pub fn oldest(&self) -> u16 {
        self.counts.first().copied().unwrap_or(1)
    }

    /// Where new things with this token go.
    #[must_use]
    pub fn home(&self, token: &str) -> Shard {
        let newest = self.active.saturating_sub(1);
        let count = self.counts.get(newest).copied().unwrap_or(1);
        let base: u16 = self.counts.iter().take(newest).sum();
        Shard(base + partition(token, count))
    }

    /// Where things with this token may be: one shard a generation, newest first.
    #[must_use]
    pub fn candidates(&self, token: &str) -> Vec<Shard> {
        let mut base = 0;
        let mut found = Vec::with_capacity(self.counts.len());
        for &count in &self.counts {
            found.push(Shard(base + partition(token, count)));
            base += count;
        }
        found.reverse();
        found
    }
}

/// FNV-1a, 32 bit, modulo `count`: the function of NATS's `{{partition(count, ...)}}`, so that plain NATS clients and
/// server-side mappings find the same shard.
fn partition(token: &str, count: u16) -> u16 {
    let hash =
        token.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    u16::try_from(hash % u32::from(count.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generations_are_numbered_through() {
        let layout = Layout::new(vec![4, 8]).unwrap();
        assert_eq!(layout.all().count(), 12);
        for id in ["a", "run-1", "_"] {
            let [new, old] = layout.candidates(id)[..] else { panic!("two generations") };
            assert_eq!(new, layout.home(id));
            assert!((4..12).contains(&new.0) && old.0 < 4);
        }
        assert!(
            Layout::new(vec![]).is_err() && Layout::new(vec![0]).is_err() && Layout::new(vec![300]).is_err()
        );
    }

    #[test]
    fn a_generation_that_is_not_active_yet_is_read_and_takes_nothing_new() {
        let layout = Layout::growing(vec![4, 8], 1).unwrap();
        let old = Layout::new(vec![4]).unwrap();
        for id in ["a", "run-1", "_"] {
            assert_eq!(layout.home(id), old.home(id));
            assert_eq!(layout.candidates(id), Layout::new(vec![4, 8]).unwrap().candidates(id));
        }
        assert!(Layout::growing(vec![4, 8], 0).is_err() && Layout::growing(vec![4, 8], 3).is_err());
    }

    #[test]
    fn hash_is_fnv_1a() {
        // From the FNV reference: 32-bit FNV-1a of "foobar".
        assert_eq!(partition("foobar", u16::MAX), u16::try_from(0xbf9c_f968_u32 % 65535).unwrap());
    }
}
