//! How much each hub keeps: together they stay within one bound, however many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::limits;

/// The bound, and its hubs.
#[derive(Debug)]
pub struct Shares {
    /// Bytes of all.
    all: usize,
    /// Bytes of one, at most.
    most: usize,
    holders: AtomicUsize,
}

/// One hub's part. It ends when it is dropped, and the others may keep more.
#[derive(Debug)]
pub struct Share(Arc<Shares>);

impl Shares {
    /// `all` bytes together, at most `most` for one.
    #[must_use]
    pub fn new(all: usize, most: usize) -> Arc<Self> {
        Arc::new(Self { all, most, holders: AtomicUsize::new(0) })
    }

    /// A further holder.
    #[must_use]
    pub fn share(self: &Arc<Self>) -> Share {
        self.holders.fetch_add(1, Ordering::Relaxed);
        Share(self.clone())
    }
}

impl Share {
    /// Bytes that its holder may keep now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let holders = self.0.holders.load(Ordering::Relaxed).max(1);
        (self.0.all / holders).max(limits::LEAST_BYTES).min(self.0.most)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.holders.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_keep_less_than_few() {
        let shares = Shares::new(10 * limits::LEAST_BYTES, 4 * limits::LEAST_BYTES);
        let first = shares.share();
        assert_eq!(first.bytes(), 4 * limits::LEAST_BYTES, "not all of it: others may come");
        let more: Vec<Share> = (0..4).map(|_| shares.share()).collect();
        assert_eq!(first.bytes(), 2 * limits::LEAST_BYTES);
        let many: Vec<Share> = (0..100).map(|_| shares.share()).collect();
        assert_eq!(first.bytes(), limits::LEAST_BYTES);
        drop((more, many));
        assert_eq!(first.bytes(), 4 * limits::LEAST_BYTES);
    }
}
