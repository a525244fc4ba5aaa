//! Failpoints: ports of one worker that number its writes, and at one of them kill it, hold it, or wipe the store.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use runbus::log::{AppendError, Bounds, Expect, Frame, Log, Page, Read, ReadError, Sequence, Stored, Tail};
use runbus::queue::{self, Class, Delivery, Queue};
use runbus::store::{self, Applied, Lease, Mark, Name, Projection, Store};
use runbus::subject::{Key, Lane, Layout, Scope, Shard, Topic};
use tokio::sync::watch;

/// When, relative to the write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It does not happen.
    Before,
    /// It happens, and its answer does not reach the worker.
    After,
}

/// The fault to inject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The worker is dead: nothing that it does from now on gets out.
    Kill,
    /// The same, and the store is wiped.
    KillAndWipe,
    /// The worker stands still, until [`Gate::resume`].
    Hold,
    /// The store is wiped; the worker goes on.
    Wipe,
}

/// A blow at a write, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    pub write: usize,
    pub moment: Moment,
    pub blow: Blow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Runs,
    Held,
    Dead,
}

/// Wipes the store.
pub type Wipe = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// The gate that all ports of a worker pass.
pub struct Gate {
    fault: Option<Fault>,
    wipe: Wipe,
    writes: Mutex<Vec<String>>,
    leases: Mutex<HashSet<String>>,
    standing: watch::Sender<Standing>,
    fell: AtomicBool,
    /// Owned appends that the log took after the worker was held and went on.
    late: Mutex<Option<Vec<String>>>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl Gate {
    pub fn new(fault: Option<Fault>, wipe: Wipe) -> Arc<Self> {
        Arc::new(Self {
            fault,
            wipe,
            writes: Mutex::default(),
            leases: Mutex::default(),
            standing: watch::channel(Standing::Runs).0,
            fell: AtomicBool::new(false),
            late: Mutex::default(),
        })
    }

    /// The writes, in order.
    pub fn writes(&self) -> Vec<String> {
        self.writes.lock().unwrap().clone()
    }

    /// Waits until the worker does not run any more: it is dead, or held.
    pub async fn struck(&self) {
        let mut standing = self.standing.subscribe();
        standing.wait_for(|standing| *standing != Standing::Runs).await.unwrap();
    }

    /// Whether the blow fell.
    pub fn has_struck(&self) -> bool {
        self.fell.load(Ordering::SeqCst)
    }

    /// Whether the worker is dead, or held.
    pub fn is_struck(&self) -> bool {
        *self.standing.borrow() != Standing::Runs
    }

    /// Lets a held worker go on.
    pub fn resume(&self) {
        *self.late.lock().unwrap() = Some(Vec::new());
        self.standing.send_replace(Standing::Runs);
    }

    /// Owned appends that succeeded after [`Gate::resume`].
    pub fn late(&self) -> Vec<String> {
        self.late.lock().unwrap().clone().unwrap_or_default()
    }

    /// Passes while the worker runs; for ever in vain when it is dead.
    async fn pass(&self) {
        let mut standing = self.standing.subscribe();
        let found = standing.wait_for(|standing| *standing != Standing::Held).await.map(|found| *found);
        if !matches!(found, Ok(Standing::Runs)) {
            std::future::pending::<()>().await;
        }
    }

    async fn read<T>(&self, work: impl Future<Output = T>) -> T {
        self.pass().await;
        let answer = work.await;
        self.pass().await;
        answer
    }

    async fn write<T>(&self, what: String, work: impl Future<Output = T>) -> T {
        self.pass().await;
        let number = {
            let mut writes = self.writes.lock().unwrap();
            writes.push(what);
            writes.len()
        };
        let strikes = |moment| {
            self.fault.filter(|fault| fault.write == number && fault.moment == moment).map(|f| f.blow)
        };
        if let Some(blow) = strikes(Moment::Before) {
            self.strike(blow).await;
        }
        let answer = work.await;
        if let Some(blow) = strikes(Moment::After) {
            self.strike(blow).await;
        }
        self.pass().await;
        answer
    }

    async fn strike(&self, blow: Blow) {
        self.fell.store(true, Ordering::SeqCst);
        match blow {
            Blow::Kill => drop(self.standing.send_replace(Standing::Dead)),
            Blow::KillAndWipe => {
                (self.wipe)().await;
                self.standing.send_replace(Standing::Dead);
            }
            Blow::Hold => drop(self.standing.send_replace(Standing::Held)),
            Blow::Wipe => (self.wipe)().await,
        }
        self.pass().await;
    }
}

/// A worker's log.
#[derive(Debug)]
pub struct GatedLog(pub Arc<dyn Log>, pub Arc<Gate>);

#[async_trait]
impl Log for GatedLog {
    fn layout(&self) -> std::sync::Arc<Layout> {
        self.0.layout()
    }

    async fn append(&self, topic: &Topic, frame: &Frame, expect: Expect) -> Result<Sequence, AppendError> {
        let what = match topic {
            Topic::Journal(_) => format!("journal {}", entry(frame)),
            Topic::Inbox(_) => format!("inbox {}", entry(frame)),
            _ => format!("events {}", entry(frame)),
        };
        let appending = async {
            // An append that began before the worker was held succeeded as the owner's.
            let late = self.1.late.lock().unwrap().is_some() && matches!(expect, Expect::Last(_));
            let outcome = self.0.append(topic, frame, expect).await;
            if late && outcome.is_ok() {
                self.1.late.lock().unwrap().get_or_insert_default().push(what.clone());
            }
            outcome
        };
        self.1.write(what.clone(), appending).await
    }

    async fn read(&self, read: &Read) -> Result<Page, ReadError> {
        self.1.read(self.0.read(read)).await
    }

    async fn last(&self, key: &Key) -> Result<Option<Stored>, ReadError> {
        self.1.read(self.0.last(key)).await
    }

    async fn tail(&self, scope: &Scope) -> Result<Tail, ReadError> {
        self.1.read(self.0.tail(scope)).await
    }

    async fn bounds(&self, lane: Lane, shard: Shard) -> Result<Bounds, ReadError> {
        self.1.read(self.0.bounds(lane, shard)).await
    }

    async fn ready(&self) -> Result<(), ReadError> {
        self.1.read(self.0.ready()).await
    }
}

/// A short description of a frame's lines, for people.
fn entry(frame: &Frame) -> String {
    let kinds: Vec<String> = frame
        .lines()
        .filter_map(|line| serde_json::from_slice::<serde_json::Value>(&line).ok())
        .filter_map(|line| {
            ["entry", "command", "type"].iter().find_map(|key| Some(line.get(key)?.as_str()?.to_owned()))
        })
        .collect();
    kinds.join("+")
}

/// A worker's queue. Extending is a timer, and is not counted.
#[derive(Debug)]
pub struct GatedQueue(pub Arc<dyn Queue>, pub Arc<Gate>);

#[async_trait]
impl Queue for GatedQueue {
    async fn push(&self, class: &Class, key: &str, payload: Bytes) -> Result<(), queue::Error> {
        self.1.write(format!("push {key}"), self.0.push(class, key, payload)).await
    }

    async fn pull(&self, class: &Class, max: usize, wait: Duration) -> Result<Vec<Delivery>, queue::Error> {
        self.1.read(self.0.pull(class, max, wait)).await
    }

    fn hold(&self) -> Duration {
        self.0.hold()
    }

    async fn ack(&self, delivery: &Delivery) -> Result<(), queue::Error> {
        self.1.write("ack".into(), self.0.ack(delivery)).await
    }

    async fn extend(&self, delivery: &Delivery) -> Result<(), queue::Error> {
        self.1.read(self.0.extend(delivery)).await
    }

    async fn retry(&self, delivery: &Delivery, delay: Duration) -> Result<(), queue::Error> {
        self.1.write(format!("retry {}", delay.as_millis()), self.0.retry(delivery, delay)).await
    }

    async fn give_up(&self, delivery: &Delivery) -> Result<(), queue::Error> {
        self.1.write("give up".into(), self.0.give_up(delivery)).await
    }

    async fn depth(&self, class: &Class) -> Result<u64, queue::Error> {
        self.1.read(self.0.depth(class)).await
    }

    async fn ready(&self) -> Result<(), queue::Error> {
        self.1.read(self.0.ready()).await
    }
}

/// A worker's store. Renewing a lease is a timer, and is not counted.
#[derive(Debug)]
pub struct GatedStore(pub Arc<dyn Store>, pub Arc<Gate>);

#[async_trait]
impl Store for GatedStore {
    async fn apply(
        &self,
        name: &Name,
        mark: Mark,
        document: Bytes,
        keep: Option<Duration>,
    ) -> Result<Applied, store::Error> {
        self.1.write(format!("apply {}", name.family), self.0.apply(name, mark, document, keep)).await
    }

    async fn get(&self, name: &Name) -> Result<Option<Projection>, store::Error> {
        self.1.read(self.0.get(name)).await
    }

    async fn remove(&self, name: &Name) -> Result<(), store::Error> {
        self.1.write(format!("remove {}", name.family), self.0.remove(name)).await
    }

    async fn lease(&self, name: &Name, owner: &str, ttl: Duration) -> Result<Lease, store::Error> {
        let new = self.1.leases.lock().unwrap().insert(format!("{} {}", name.family, name.id));
        let work = self.0.lease(name, owner, ttl);
        if new { self.1.write("lease".into(), work).await } else { self.1.read(work).await }
    }

    async fn leased(&self, name: &Name) -> Result<Option<(String, Duration)>, store::Error> {
        self.1.read(self.0.leased(name)).await
    }

    async fn release(&self, name: &Name, owner: &str) -> Result<(), store::Error> {
        self.1.leases.lock().unwrap().remove(&format!("{} {}", name.family, name.id));
        self.1.write("release".into(), self.0.release(name, owner)).await
    }

    async fn join(
        &self,
        name: &Name,
        member: &str,
        description: Bytes,
        ttl: Duration,
    ) -> Result<(), store::Error> {
        self.1.write("join".into(), self.0.join(name, member, description, ttl)).await
    }

    async fn leave(&self, name: &Name, member: &str) -> Result<(), store::Error> {
        self.1.write("leave".into(), self.0.leave(name, member)).await
    }

    async fn present(&self, name: &Name) -> Result<Vec<(String, Bytes)>, store::Error> {
        self.1.read(self.0.present(name)).await
    }

    async fn remember(&self, name: &Name, value: Bytes, ttl: Duration) -> Result<Bytes, store::Error> {
        self.1.write("remember".into(), self.0.remember(name, value, ttl)).await
    }

    fn index(&self) -> &dyn runbus::store::Index {
        self.0.index()
    }

    async fn ready(&self) -> Result<(), store::Error> {
        self.1.read(self.0.ready()).await
    }
}
