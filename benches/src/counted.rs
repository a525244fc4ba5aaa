//! A log and a store that count their calls: the cost of a step besides time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use runbus::log::{AppendError, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail};
use runbus::store::{Applied, Error, Lease, Mark, Name, Projection, Store};
use runbus::subject::{Key, Lane, Layout, Scope, Shard, Topic};

/// Calls of the ports so far.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    pub(crate) appends: AtomicU64,
    /// Pages read and last frames asked for.
    pub(crate) reads: AtomicU64,
    /// Projections written.
    pub(crate) kept: AtomicU64,
    /// Every other call of the store: leases, most of all.
    pub(crate) other: AtomicU64,
}

impl Calls {
    /// Appends, reads, projections, other calls of the store.
    pub(crate) fn read(&self) -> [u64; 4] {
        [&self.appends, &self.reads, &self.kept, &self.other].map(|count| count.load(Relaxed))
    }
}

/// A port with its count.
#[derive(Debug)]
pub(crate) struct Counted<T: ?Sized> {
    pub(crate) inner: Arc<T>,
    pub(crate) calls: Arc<Calls>,
}

#[async_trait]
impl Log for Counted<dyn Log> {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.inner.layout()
    }
    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.calls.appends.fetch_add(1, Relaxed);
        self.inner.append(topic, frame, expect).await
    }
    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        self.calls.reads.fetch_add(1, Relaxed);
        self.inner.read(read).await
    }
    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.calls.reads.fetch_add(1, Relaxed);
        self.inner.last(key).await
    }
    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.inner.tail(scope).await
    }
    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.inner.bounds(lane, shard).await
    }
    async fn ready(&self) -> Result<(), ReadError> {
        self.inner.ready().await
    }
}

#[async_trait]
impl Store for Counted<dyn Store> {
    async fn apply(
        &self,
        name: &Name,
        mark: Mark,
        document: Bytes,
        keep: Option<Duration>,
    ) -> Result<Applied, Error> {
        self.calls.kept.fetch_add(1, Relaxed);
        self.inner.apply(name, mark, document, keep).await
    }
    async fn get(&self, name: &Name) -> Result<Option<Projection>, Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.get(name).await
    }
    async fn remove(&self, name: &Name) -> Result<(), Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.remove(name).await
    }
    async fn lease(&self, name: &Name, owner: &str, ttl: Duration) -> Result<Lease, Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.lease(name, owner, ttl).await
    }
    async fn leased(&self, name: &Name) -> Result<Option<(String, Duration)>, Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.leased(name).await
    }
    async fn release(&self, name: &Name, owner: &str) -> Result<(), Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.release(name, owner).await
    }
    async fn join(&self, name: &Name, member: &str, description: Bytes, ttl: Duration) -> Result<(), Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.join(name, member, description, ttl).await
    }
    async fn leave(&self, name: &Name, member: &str) -> Result<(), Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.leave(name, member).await
    }
    async fn present(&self, name: &Name) -> Result<Vec<(String, Bytes)>, Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.present(name).await
    }
    async fn remember(&self, name: &Name, value: Bytes, ttl: Duration) -> Result<Bytes, Error> {
        self.calls.other.fetch_add(1, Relaxed);
        self.inner.remember(name, value, ttl).await
    }
    fn index(&self) -> &dyn runbus::store::Index {
        self.inner.index()
    }
    async fn ready(&self) -> Result<(), Error> {
        self.inner.ready().await
    }
}
