//! Presence: the watchers of an execution, on two gateways, from joining to leaving; crowds; a store that forgets; a gateway that
//! dies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use runbus::control::Control;
use runbus::control::presence::{self, STANDS, Watched, Watcher};
use runbus::id::ExecutionId;
use runbus::time::Clock;
use runbus_gateway::ledger::{Ledger, TableUsage};
use runbus_gateway::presence::Room;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backends::{self, Lasting};
use crate::client::{Client, PATIENCE, Served, config, gateway};
use crate::sse::{Stream, http};

fn run() -> ExecutionId {
    ExecutionId::new("run").unwrap()
}

async fn watch(served: &Served, label: Option<&str>, presence: bool) -> Client {
    let mut client = Client::connect(served.address).await;
    let mut ask =
        json!({ "type": "subscribe", "id": "s", "filter": { "execution_id": "run" }, "presence": presence });
    if let Some(label) = label {
        ask["label"] = label.into();
    }
    client.say(&ask).await;
    let answer = client.message().await.unwrap();
    assert_eq!(answer["type"], "subscribed", "{answer}");
    client
}

/// A client that follows presence, and the labels of those that watch, as it was told.
struct Follower(Client, BTreeSet<String>);

impl Follower {
    async fn join(served: &Served, label: &str) -> Self {
        Self(watch(served, Some(label), true).await, BTreeSet::new())
    }

    /// The next word about presence.
    async fn word(&mut self) -> Value {
        loop {
            let message = self.0.message().await.unwrap();
            if message["type"] == "caught_up" {
                continue;
            }
            assert_eq!(
                (&message["sub"], &message["execution_id"]),
                (&json!("s"), &json!("run")),
                "{message}"
            );
            let labels = |name: &str| -> BTreeSet<String> {
                let list = message[name].as_array().into_iter().flatten();
                list.map(|watcher| watcher["label"].as_str().unwrap_or("").to_owned()).collect()
            };
            if message["watchers"].is_array() {
                self.1 = labels("watchers");
            }
            self.1.extend(labels("joined"));
            self.1 = &self.1 - &labels("left");
            return message;
        }
    }

    /// Reads words until `count` clients watch: their number, and the labels of those that have come and gone since then,
    /// however many words told it.
    async fn until(&mut self, count: u64) -> (usize, Vec<String>, Vec<String>) {
        let before = self.1.clone();
        let mut words = 1;
        while self.word().await["count"] != count {
            words += 1;
        }
        let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| -> Vec<String> {
            these.difference(those).cloned().collect()
        };
        (words, only(&self.1, &before), only(&before, &self.1))
    }
}

/// Waits until the store says so many watch.
async fn counted(control: &Control, count: u64) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = control.presence(&run()).await.unwrap();
        if found.count == count {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn status(served: &Served, id: &str) -> (u16, Value) {
    let url = format!("http://{}/v1/executions/{id}/presence", served.address);
    let answer = http().get(url).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn joining_and_leaving_is_seen_on_every_gateway() {
    for backend in backends::all().await {
        println!("on {}", backend.name);
        let (one, two) = (gateway(&backend, config()).await, gateway(&backend, config()).await);
        let control = backend.control();
        let mut ann = Follower::join(&one, "ann").await;
        let first = ann.word().await;
        assert_eq!((&first["type"], &first["count"]), (&json!("presence"), &json!(1)));
        let ann_is = &first["watchers"][0];
        assert_eq!(
            (&ann_is["subject"], &ann_is["label"], &ann_is["connections"]),
            (&json!("everyone"), &json!("ann"), &json!(1))
        );

        // On the same gateway, on the other one, and by an event stream.
        let bob = watch(&one, Some("bob"), false).await;
        assert_eq!(ann.until(2).await.1, ["bob"]);
        let cleo = watch(&two, Some("cleo"), false).await;
        assert_eq!(ann.until(3).await.1, ["cleo"]);
        let stream = Stream::open(two.address, "/v1/executions/run/events/stream", None).await;
        assert_eq!(ann.until(4).await.1, [""]);
        for served in [&one, &two] {
            counted(&control, 4).await;
            let (code, found) = status(served, "run").await;
            let labels: Vec<&str> = found["watchers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|who| who["label"].as_str().unwrap_or(""))
                .collect();
            assert_eq!((code, &found["count"], labels), (200, &json!(4), vec!["ann", "bob", "cleo", ""]));
        }
        assert_eq!(status(&one, "nobody").await.0, 404);

        drop((stream, cleo));
        assert_eq!(ann.until(2).await.2, ["", "cleo"]);
        drop(bob);
        assert_eq!(ann.until(1).await.2, ["bob"]);
        // A gateway that drains takes back what it said.
        let _dan = watch(&two, Some("dan"), false).await;
        ann.until(2).await;
        two.drain.cancel();
        let asked = Instant::now();
        assert_eq!(ann.until(1).await.2, ["dan"]);
        assert!(asked.elapsed() < STANDS, "{:?}", asked.elapsed());
        drop(ann);
        counted(&control, 0).await;
        assert_eq!(backend.store.present(&presence::place(&run())).await.unwrap(), []);
    }
}

/// Many come and go at once: few words, the right count, and nothing is left of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_is_counted_in_few_words() {
    const CROWD: usize = 300;
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let mut ann = Follower::join(&served, "ann").await;
        ann.word().await;
        let began = Instant::now();
        let mut crowd = Vec::new();
        for n in 0..CROWD {
            let mut client = Client::connect(served.address).await;
            let label = format!("{n:03}");
            client.say(&json!({ "type": "subscribe", "id": "s", "filter": { "execution_id": "run" }, "label": label })).await;
            crowd.push(client);
        }
        let (words, joined, _) = ann.until(CROWD as u64 + 1).await;
        // One word for each pause, however long a busy machine takes, and one for a poll of the store.
        let pauses = began.elapsed().as_millis() / runbus_gateway::limits::PRESENCE_PAUSE.as_millis();
        println!("{words} words in {pauses} pauses");
        assert!(words as u128 <= 2 * (pauses + 1), "{words} words in {pauses} pauses");
        assert!(joined.len() < 100, "those who watch longest are listed: {}", joined.len());
        drop(crowd);
        let (_, _, left) = ann.until(1).await;
        assert_eq!(left, joined);
        drop(ann);
        counted(&backend.control(), 0).await;
    }
}

/// The store forgets everything: nobody has to come again to be seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_store_heals_within_one_refresh() {
    for lasting in Lasting::all() {
        let backend = lasting.open().await;
        let (one, two) = (gateway(&backend, config()).await, gateway(&backend, config()).await);
        let control = backend.control();
        let (_ann, _bob) = (watch(&one, Some("ann"), true).await, watch(&two, Some("bob"), false).await);
        counted(&control, 2).await;
        lasting.forget_store();
        let wiped = Instant::now();
        // It fails when the store does not heal.
        counted(&control, 2).await;
        println!("on {}: {:?}", backend.name, wiped.elapsed());
    }
}

/// The entries of a dead gateway stay for a bounded time.
#[tokio::test(flavor = "multi_thread")]
async fn clients_of_a_dead_gateway_are_seen_for_a_bounded_time() {
    for backend in backends::all().await {
        let served = gateway(&backend, config()).await;
        let dies = gateway(&backend, config()).await;
        let mut ann = Follower::join(&served, "ann").await;
        ann.word().await;
        let _bob = watch(&dies, Some("bob"), false).await;
        ann.until(2).await;
        // It does not say goodbye.
        dies.task.abort();
        let died = Instant::now();
        // It fails when bob is seen for ever.
        assert_eq!(ann.until(1).await.2, ["bob"]);
        let seen = died.elapsed();
        println!("on {}: {seen:?}", backend.name);
        assert!(seen > STANDS - presence::REFRESHED - Duration::from_secs(4), "{seen:?}");
    }
}

/// Joins and leaves in any order: the gauge settles at zero, in memory and in the store.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_after_churn() {
    for backend in backends::all().await {
        let room = Room::new(Clock::System, Ledger::new(|_| 10_000, 4));
        let usage = TableUsage::of_everyone();
        let stop = CancellationToken::new();
        let keeping = {
            let (room, store, stop) = (room.clone(), backend.store.clone(), stop.clone());
            tokio::spawn(async move { room.keep(store, stop).await })
        };
        let wake = Arc::default();
        let mut held = Vec::new();
        for n in 0..2000_usize {
            let id = ExecutionId::new(format!("run-{}", n % 50)).unwrap();
            let seat = room.enter(id.clone(), format!("who-{}", n % 7).into(), None);
            let follow = (n % 5 == 0).then(|| room.follow(&id, &wake, &usage).unwrap());
            held.push((seat, follow));
            if n % 3 == 0 {
                held.swap_remove((n * 7) % held.len());
            }
            if n % 500 == 0 {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
        assert_eq!(room.len(), held.len() as u64);
        drop(held);
        assert_eq!(room.len(), 0);
        let deadline = Instant::now() + PATIENCE;
        while !room.is_empty() {
            assert!(Instant::now() < deadline, "{room:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for n in 0..50 {
            let place = presence::place(&ExecutionId::new(format!("run-{n}")).unwrap());
            assert_eq!(backend.store.present(&place).await.unwrap(), [], "on {}", backend.name);
        }
        stop.cancel();
        keeping.await.unwrap();
    }
}

/// Foreign entries of an execution are read as they are, and malformed ones are left out.
#[tokio::test]
async fn the_store_is_read_with_care() {
    let backend = backends::embedded();
    let now = Clock::System.now();
    let ann = Watcher { subject: "ann".into(), label: None, connections: 1, since: now };
    let said = serde_json::to_vec(&Watched { count: 7, watchers: vec![ann.clone()] }).unwrap();
    let place = presence::place(&run());
    backend.store.join(&place, "a", said.into(), STANDS).await.unwrap();
    backend.store.join(&place, "b", "no json".into(), STANDS).await.unwrap();
    let found = backend.control().presence(&run()).await.unwrap();
    assert_eq!((found.count, found.watchers), (7, vec![ann]));
}
