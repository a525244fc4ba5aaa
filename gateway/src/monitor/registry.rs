//! The shared monitors.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use runbus::control::Control;
use runbus::id::StreamId;
use runbus::monitor::{Monitor, Revisions};
use tokio::sync::Notify;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::message::MonitorMessage;
use super::reports::Reports;
use super::task::Task;
use super::version::Version;
use super::watch::{Ended, Watch};
use crate::config::monitor::Config;
use crate::feed::Feed;
use crate::ledger::{Full, Ledger, Payers, Table, TableUsage};

/// The present state of a monitor.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) revisions: Revisions,
    pub(super) monitor: Arc<Monitor>,
    pub(super) ended: Option<Ended>,
    /// The whole document as a message, made when somebody asks for it.
    whole: OnceLock<MonitorMessage>,
}

impl State {
    pub(super) fn version(&self) -> Option<Version> {
        let revision = self.revisions.revision();
        (revision > 0).then(|| Version { revision, monitor: self.monitor.clone() })
    }

    pub(super) fn whole(&self) -> MonitorMessage {
        self.whole
            .get_or_init(|| MonitorMessage::whole(self.revisions.revision(), self.revisions.text()))
            .clone()
    }

    /// Takes the next state; whether it is a new one.
    pub(super) fn advance(&mut self, monitor: Monitor) -> bool {
        match self.revisions.advance(&monitor) {
            Ok(true) => {
                self.monitor = Arc::new(monitor);
                self.whole = OnceLock::new();
                true
            }
            Ok(false) => false,
            Err(error) => {
                tracing::error!(%error, "a monitor cannot be written as JSON");
                false
            }
        }
    }
}

/// A monitor that somebody watches.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) stream: Option<StreamId>,
    pub(super) feed: Feed<State>,
    /// The principal that pays for it; `None`: the monitor of all streams, which exists once.
    payers: Option<Arc<Payers>>,
    /// Somebody left it a moment ago.
    left: AtomicBool,
    /// A task keeps it for those who come back.
    lingers: AtomicBool,
    _stop: DropGuard,
}

/// All monitors of a gateway.
#[derive(Debug)]
pub struct Monitors {
    config: Config,
    control: Control,
    ledger: Arc<Ledger>,
    reports: Arc<Reports>,
    held: Mutex<HashMap<Option<StreamId>, Weak<Held>>>,
}

impl Monitors {
    /// None yet.
    #[must_use]
    pub fn new(config: Config, control: Control, ledger: Arc<Ledger>) -> Self {
        let reports = Arc::new(Reports::new(control.clone()));
        Self { config, control, ledger, reports, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Option<StreamId>, Weak<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Monitors that are folded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held().values().filter(|held| held.strong_count() > 0).count()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Watches a stream; `None`: all of them. The first to watch it has it folded, the others share it.
    ///
    /// # Errors
    /// See [`Full`].
    pub fn watch(&self, stream: Option<StreamId>, usage: &Arc<TableUsage>) -> Result<Watch, Full> {
        self.watch_with(stream, Arc::default(), usage)
    }

    /// The same; `wake` is notified when there is news.
    ///
    /// # Errors
    /// See [`Full`].
    pub fn watch_with(
        &self,
        stream: Option<StreamId>,
        wake: Arc<Notify>,
        usage: &Arc<TableUsage>,
    ) -> Result<Watch, Full> {
        let with = |held: Arc<Held>| {
            let member = held.payers.as_ref().map(|payers| payers.join(usage));
            Watch::new(held, wake, member)
        };
        let mut all = self.held();
        let running = all.get(&stream).and_then(Weak::upgrade);
        if let Some(held) = running.filter(|held| held.feed.look(|state| state.ended.is_none())) {
            return Ok(with(held));
        }
        all.retain(|_, held| held.strong_count() > 0);
        let paid = stream.is_some().then(|| self.ledger.take(usage, Table::Monitors, 1)).transpose()?;
        let stop = CancellationToken::new();
        let held = Arc::new(Held {
            stream: stream.clone(),
            feed: Feed::new(State::default()),
            payers: paid.map(Payers::new),
            left: AtomicBool::new(false),
            lingers: AtomicBool::new(false),
            _stop: stop.clone().drop_guard(),
        });
        all.insert(stream, Arc::downgrade(&held));
        let task = Task {
            held: Arc::downgrade(&held),
            stream: held.stream.clone(),
            prices: self.config.price_list(),
            config: self.config.clone(),
            bus: self.control.bus().clone(),
            reports: self.reports.clone(),
            ledger: self.ledger.clone(),
            usage: usage.clone(),
        };
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task.run() => {}
            }
        });
        Ok(with(held))
    }

    /// Keeps a monitor for a while after somebody left it.
    pub(super) fn linger(held: &Arc<Held>, linger: Duration) {
        held.left.store(true, Ordering::Release);
        // A runtime that ends needs nothing kept.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if held.lingers.swap(true, Ordering::AcqRel) {
            return;
        }
        let held = held.clone();
        runtime.spawn(async move {
            while held.left.swap(false, Ordering::AcqRel) {
                tokio::time::sleep(linger).await;
            }
            held.lingers.store(false, Ordering::Release);
        });
    }
}
