//! How a socket learns that it must go, at the price of one look for the others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

/// Tells one task that its socket must go.
#[derive(Debug, Default)]
pub(super) struct Signal {
    is_evicted: AtomicBool,
    /// It can be closed: it is waiting.
    may_be: AtomicBool,
    waker: AtomicWaker,
}

impl Signal {
    pub(super) fn evict(&self) {
        self.is_evicted.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether it may be closed from now on.
    pub(super) fn arm(&self, may_be: bool) {
        self.may_be.store(may_be, Ordering::Release);
    }

    /// Ready when it must go.
    pub(super) fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if !self.may_be.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        self.waker.register(cx.waker());
        if self.is_evicted.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}
