//! A monitor, or a live list, as an event stream (SSE): the dialect of its client.

use std::sync::Arc;

use axum::extract::ws::Message as Frame;
use bytes::Bytes;
use runbus::directory::Query;
use runbus::id::StreamId;
use runbus::store::index::Family;

use super::event_stream::{last, retry};
use super::monitoring::Watched;
use crate::app::Shared;
use crate::auth::Principal;
use crate::connection::gate::{CloseReason, Gate};
use crate::connection::{Dialect, End, Farewell, Link, Next, Outbound};
use crate::ledger::Full;
use crate::limits;
use crate::protocol::close;

/// A monitor, or a live list, on its way into an event stream.
#[derive(Debug)]
pub struct MonitorStream {
    watch: Watched,
    greeting: Option<Bytes>,
}

/// Begins one.
///
/// # Errors
/// See [`Full`].
pub fn open(
    shared: Arc<Shared>,
    stream: Option<StreamId>,
    gate: Gate,
) -> Result<(MonitorStream, Link), Full> {
    let link = Link::new(shared, gate);
    let usage = link.gate.account().usage();
    let watch = link.shared.monitors.watch_with(stream.clone(), link.wake.clone(), usage)?;
    Ok((MonitorStream::new(Watched::Monitor(stream, watch)), link))
}

/// The same of a list, as `principal` sees it.
///
/// # Errors
/// See [`Full`].
pub fn list(
    shared: Arc<Shared>,
    asked: (Family, Query),
    principal: &Arc<Principal>,
    gate: Gate,
) -> Result<(MonitorStream, Link), Full> {
    let link = Link::new(shared, gate);
    let usage = link.gate.account().usage();
    let watch = link.shared.lists.watch(asked.clone(), principal, &link.wake, usage)?;
    Ok((MonitorStream::new(Watched::List(Box::new(asked), watch)), link))
}

impl MonitorStream {
    fn new(watch: Watched) -> Self {
        Self { watch, greeting: Some(Bytes::from(retry(limits::STREAM_RETRY))) }
    }
}

impl Dialect for MonitorStream {
    async fn produce(&mut self, _: &Link, out: &mut Outbound) -> Result<Next, End> {
        self.greeting.take().into_iter().for_each(|greeting| out.add(Frame::Binary(greeting)));
        match self.watch.messages() {
            Ok(messages) => {
                messages.iter().for_each(|message| out.add(Frame::Binary(message.frame())));
                Ok(Next::Woken)
            }
            Err(_ended) => Err(End::Close((close::UNAVAILABLE, "the log refuses"))),
        }
    }

    fn written(&mut self) {}

    fn farewell(&self, close: CloseReason) -> Farewell {
        Farewell { message: Some(Frame::Binary(last(close))), reason: None }
    }
}
