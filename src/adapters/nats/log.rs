//! The log port on JetStream.

use std::sync::Arc;

use async_trait::async_trait;

use super::core::Core;
use crate::log::{AppendError, Bounds, Expect, Frame, Page, Read, ReadError, Sequence, Stored, Tail};
use crate::subject::{Key, Lane, Layout, Scope, Shard, Topic};

/// The log.
#[derive(Debug)]
pub struct Log {
    pub(super) core: Arc<Core>,
}

impl Log {
    async fn open(&self) -> Result<(), ReadError> {
        self.core.open_soon().await.map_err(|error| ReadError::from(&*error))
    }
}

#[async_trait]
impl crate::log::Log for Log {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.core.layouts.current()
    }

    async fn home(&self, key: &Key) -> Result<Shard, ReadError> {
        self.open().await?;
        Ok(self.core.place(key).await?)
    }

    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        self.core.append(topic, frame, expect).await
    }

    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        self.open().await?;
        Ok(self.core.page(read).await?)
    }

    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.open().await?;
        let shard = self.core.place(key).await?;
        Ok(self.core.last_of(key, shard).await?)
    }

    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.core.tail(scope).await
    }

    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.open().await?;
        Ok(self.core.bounds_of(lane, shard).await?)
    }

    async fn ready(&self) -> Result<(), ReadError> {
        self.core.ready().await.map_err(|error| ReadError::from(&*error))
    }
}
