//! One walk: a scenario, a worker that a blow strikes, and a second worker that goes on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runbus::control::Control;
use runbus::queue::Class;
use runbus::session::journal::Journal;
use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::model::{Script, Scripted};
use runbus_workers::pool::Worker;
use runbus_workers::session::actor::Dependencies;
use tokio_util::sync::CancellationToken;

use super::outcome::{self, Outcome};
use super::scenario::{Person, Scenario, Verdict};
use super::site::{Servers, Site};
use super::world::World;
use crate::failpoints::{Blow, Fault, Gate, GatedLog, GatedQueue, GatedStore};

/// Longest time that a scenario takes, takeovers included, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether everything is done.
const LOOK: Duration = Duration::from_millis(10);

/// The outcome of a walk.
pub struct Walked {
    pub outcome: Outcome,
    /// The writes of the first worker.
    pub writes: Vec<String>,
    /// Whether the blow fell.
    pub struck: bool,
}

struct Running {
    drain: CancellationToken,
    cut: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// As a crash ends it.
    async fn kill(self) {
        self.cut.cancel();
        self.task.abort();
        let _ = self.task.await;
    }

    async fn shut_down(&mut self) {
        self.drain.cancel();
        tokio::time::timeout(PATIENCE, &mut self.task).await.expect("a worker does not drain").unwrap();
    }
}

/// The definitions and the script of a scenario. They are read once: a test starts hundreds of workers with them.
fn program(scenario: &Scenario) -> (Definitions, Script) {
    static READ: Mutex<BTreeMap<&str, (Definitions, Script)>> = Mutex::new(BTreeMap::new());
    let read = || {
        let mut definitions = Definitions::builtin().unwrap();
        for definition in scenario.definitions.iter().filter(|definition| !definition.is_null()) {
            definitions.add(Definition::parse(scenario.name, &definition.to_string()).unwrap()).unwrap();
        }
        let script = if scenario.script.is_empty() {
            Script::built_in()
        } else {
            Script::parse(scenario.script).unwrap()
        };
        (definitions, script)
    };
    READ.lock().unwrap().entry(scenario.name).or_insert_with(read).clone()
}

fn worker(site: &Site, scenario: &Scenario, world: &Arc<World>, gate: Option<&Arc<Gate>>) -> Running {
    let config = Config { lease_ttl_ms: 300, takeover_grace_ms: 100, ..Config::default() };
    let (definitions, script) = program(scenario);
    let (mut log, mut queue, mut store) = (site.log.clone(), site.queue.clone(), site.store.clone());
    if let Some(gate) = gate {
        log = Arc::new(GatedLog(log, gate.clone()));
        queue = Arc::new(GatedQueue(queue, gate.clone()));
        store = Arc::new(GatedStore(store, gate.clone()));
    }
    let dependencies = Dependencies {
        log,
        store,
        clock: Clock::System,
        definitions: Arc::new(definitions),
        model: Arc::new(Scripted::new(script).with_pace(Duration::from_millis(scenario.pace_ms))),
        registry: Arc::new((scenario.tools)(world)),
        worker: Worker::id(&config),
    };
    let (drain, cut) = (CancellationToken::new(), CancellationToken::new());
    let worker = Worker::new(config, queue, dependencies).with_checkpoints(scenario.checkpoints);
    let task = tokio::spawn(worker.run(drain.clone(), cut.clone()));
    Running { drain, cut, task }
}

/// Wake-ups that wait or are held.
async fn depth(site: &Site) -> u64 {
    let mut depth = 0;
    for class in [Class::sessions_high(), Class::sessions(), Class::sessions_low()] {
        depth += site.queue.depth(&class).await.unwrap();
    }
    depth
}

/// Waits until nobody owns a session and no wake-up is left.
async fn quiet(site: &Site, control: &Control, timers: u64) {
    let looking = async {
        loop {
            if depth(site).await <= timers && !any_owned(site, control).await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    if tokio::time::timeout(PATIENCE, looking).await.is_err() {
        panic!("never quiet: {} wake-ups, owned: {}", depth(site).await, any_owned(site, control).await);
    }
}

async fn any_owned(site: &Site, control: &Control) -> bool {
    for session in outcome::sessions(control).await {
        let journal = Journal::load(site.log.clone(), Clock::System, session).await.unwrap();
        if journal.state.owner.is_some() {
            return true;
        }
    }
    false
}

/// Waits until a worker has ended by itself; for ever, when there is none.
async fn ended(worker: &mut Option<Running>) {
    match worker {
        Some(worker) => (&mut worker.task).await.unwrap(),
        None => std::future::pending().await,
    }
}

pub async fn walk(
    servers: Servers,
    scenario: Arc<Scenario>,
    fault: Option<Fault>,
    verdict: Verdict,
) -> Walked {
    let site = servers.site().await;
    let (world, control) = (Arc::new(World::default()), site.control());
    let gate = Gate::new(fault, site.wipe.clone());
    let mut first = Some(worker(&site, &scenario, &world, Some(&gate)));
    let person = Person {
        control: control.clone(),
        world: world.clone(),
        verdict,
        drain: first.as_ref().unwrap().drain.clone(),
    };
    let mut playing = tokio::spawn(person.play(scenario.clone()));
    let mut second = None;
    let (mut over, mut draining) = (false, false);
    // Until the scenario is over, and the first worker has nothing left to write.
    while !over || second.is_none() {
        let fighting = first.is_some() && second.is_none();
        tokio::select! {
            played = &mut playing, if !over => {
                played.unwrap();
                over = true;
            }
            () = gate.struck(), if fighting => {
                if fault.is_some_and(|fault| fault.blow != Blow::Hold) {
                    first.take().unwrap().kill().await;
                }
                second = Some(worker(&site, &scenario, &world, None));
            }
            () = ended(&mut first) => {
                first = None;
                second = Some(worker(&site, &scenario, &world, None));
            }
            () = quiet(&site, &control, scenario.timers), if over && !draining => {
                draining = true;
                first.as_ref().unwrap().drain.cancel();
            }
            () = tokio::time::sleep(2 * PATIENCE) => panic!("it does not end; written: {:#?}", gate.writes()),
        }
    }
    quiet(&site, &control, scenario.timers).await;
    if gate.is_struck()
        && let Some(mut held) = first
    {
        // It believes that it owns what others have ended since.
        let before = outcome::history(&control).await.len();
        held.drain.cancel();
        gate.resume();
        held.shut_down().await;
        // A wake-up that it holds yet may let it claim what nobody owns any more, find nothing to do, and let go.
        let fresh = |write: &String| write == "journal claimed" || write == "journal released";
        assert!(gate.late().iter().all(fresh), "a worker that owns nothing wrote: {:?}", gate.late());
        assert_eq!(outcome::history(&control).await.len(), before, "a worker that owns nothing was heard");
        quiet(&site, &control, scenario.timers).await;
    }
    second.unwrap().shut_down().await;
    assert!(depth(&site).await <= scenario.timers);
    let outcome = Outcome::of(&control, &world, scenario.branches).await;
    Walked { outcome, writes: gate.writes(), struck: gate.has_struck() }
}
