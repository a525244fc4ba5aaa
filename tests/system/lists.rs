//! Lists of executions, sessions, approvals and questions: over REST, live over event streams and WebSockets, for whom they are, and what
//! becomes of them when a gateway dies or the store is wiped.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use runbus::event::Kind;
use runbus_gateway::auth::config::{Config as Auth, Mode};
use serde_json::{Value, json};

use crate::api::Bench;
use crate::auth::key;
use crate::client::{Client, Served, config, gateway, secured, until};
use crate::sse::{Stream, http};

async fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    let answer = http().get(format!("http://{address}{path}")).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn post(address: SocketAddr, path: &str, body: Value) -> (u16, Value) {
    let answer = http().post(format!("http://{address}{path}")).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn quoted(id: &str) -> String {
    id.replace('@', "%40")
}

/// The state of a client that applies the messages of a live list.
#[derive(Default)]
struct Held {
    id: &'static str,
    revision: u64,
    entries: BTreeMap<String, Value>,
    /// The last words about entries that left.
    gone: BTreeMap<String, Value>,
    last: Value,
}

impl Held {
    fn of(id: &'static str) -> Self {
        Self { id, ..Self::default() }
    }

    fn take(&mut self, message: Value) {
        let id = |entry: &Value| entry[self.id].as_str().unwrap().to_owned();
        let list = |name: &str| message[name].as_array().cloned().unwrap_or_default();
        match message["type"].as_str() {
            Some("list_snapshot") => {
                self.entries = list("entries").iter().map(|e| (id(e), e.clone())).collect()
            }
            Some("list_changes") => {
                assert_eq!(message["base"], self.revision, "{message}");
                for removal in list("removals") {
                    let name = removal["id"].as_str().unwrap().to_owned();
                    assert!(self.entries.remove(&name).is_some(), "{name} was there: {message}");
                    self.gone.insert(name, removal["entry"].clone());
                }
                self.entries.extend(list("upserts").iter().map(|e| (id(e), e.clone())));
            }
            _ => panic!("{message}"),
        }
        self.revision = message["revision"].as_u64().unwrap();
        self.last = message;
    }

    /// In order, newest first.
    fn ids(&self, at: &str) -> Vec<String> {
        let mut all: Vec<_> =
            self.entries.iter().map(|(id, e)| (e[at].as_str().unwrap(), id.clone())).collect();
        all.sort_by(|a, b| b.cmp(a));
        all.into_iter().map(|(_, id)| id).collect()
    }
}

struct Live {
    stream: Stream,
    held: Held,
}

impl Live {
    async fn open(address: SocketAddr, list: &str, query: &str) -> Self {
        let id = match list {
            "executions" => "execution_id",
            "sessions" => "session_id",
            "approvals" => "approval_id",
            _ => "request_id",
        };
        let stream = Stream::open(address, &format!("/v1/live/{list}{query}"), None).await;
        Self { stream, held: Held::of(id) }
    }

    /// Takes messages until it is so.
    async fn until(&mut self, is_so: impl Fn(&Held) -> bool) -> &Held {
        while self.held.revision == 0 || !is_so(&self.held) {
            let frame = self.stream.message().await.expect("the stream goes on");
            let message = frame.json();
            assert_eq!(message["type"], json!(frame.event));
            self.held.take(message);
        }
        &self.held
    }
}

fn has(id: &str, status: &'static str) -> impl Fn(&Held) -> bool {
    move |held| held.entries.get(id).is_some_and(|entry| entry["status"] == status)
}

/// Executions, sessions, approvals and questions of three agents: what a page says is what the live list came to.
#[tokio::test(flavor = "multi_thread")]
async fn everything_that_runs_is_listed() {
    for bench in Bench::all().await {
        let name = bench.backend.name;
        let one = gateway(&bench.backend, config()).await;
        let two = gateway(&bench.backend, config()).await;
        let at = one.address;
        let worker = bench.worker();
        let mut live = Live::open(two.address, "executions", "").await;
        let mut approvals = Live::open(two.address, "approvals", "").await;
        for (definition, team) in [("cleaner", "a"), ("asker", "b"), ("talker", "a")] {
            let start = json!({
                "definition": definition, "input": format!("Go, {definition}."), "execution_id": definition,
                "labels": { "team": team },
            });
            let (status, started) = post(at, "/v1/executions", start).await;
            assert_eq!(status, 201, "{started}");
        }
        live.until(has("cleaner", "waiting_for_approval")).await;
        live.until(has("asker", "waiting_for_input")).await;
        let held = live.until(has("talker", "completed")).await;
        assert_eq!(held.ids("created_at"), ["talker", "asker", "cleaner"], "{name}");

        let (status, page) = get(at, "/v1/executions").await;
        assert_eq!((status, page["executions"].as_array().unwrap().len()), (200, 3), "{page}");
        assert_eq!(page["complete"], true);
        let counts = json!({ "waiting_for_approval": 1, "waiting_for_input": 1, "completed": 1 });
        assert_eq!((&page["counts"], &page["counts_exact"]), (&counts, &json!(true)));
        let listed: BTreeMap<String, Value> = page["executions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["execution_id"].as_str().unwrap().to_owned(), entry.clone()))
            .collect();
        let cleaner = &listed["cleaner"];
        assert_eq!(cleaner["labels"], json!({ "team": "a" }), "{cleaner}");
        assert_eq!(
            (&cleaner["input"], &cleaner["approvals"]),
            (&json!("Go, cleaner."), &json!(1)),
            "{cleaner}"
        );
        assert_eq!(cleaner["nodes"], json!(["cleaner"]), "{cleaner}");

        for (query, wanted) in [
            ("label=team%3Da", vec!["talker", "cleaner"]),
            ("label=team%3Da&status=completed", vec!["talker"]),
            ("definition=asker", vec!["asker"]),
            ("stream_id=talker", vec!["talker"]),
            ("session_id=cleaner", vec!["cleaner"]),
            ("text=go,%20ASK", vec!["asker"]),
            ("order=oldest&limit=2", vec!["cleaner", "asker"]),
        ] {
            let (_, page) = get(at, &format!("/v1/executions?{query}")).await;
            let ids: Vec<&str> = page["executions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["execution_id"].as_str().unwrap())
                .collect();
            assert_eq!(ids, wanted, "{query}");
        }
        let (_, sessions) = get(at, "/v1/sessions?status=waiting_for_input").await;
        assert_eq!(sessions["sessions"][0]["session_id"], "asker", "{sessions}");
        assert_eq!(
            sessions["counts"],
            json!({ "idle": 1, "waiting_for_approval": 1, "waiting_for_input": 1 })
        );
        let (_, questions) = get(at, "/v1/questions").await;
        assert_eq!(questions["questions"][0]["prompt"], "Which one?", "{questions}");
        assert_eq!(questions["questions"][0]["choices"], json!(["red", "blue"]));

        let held = approvals.until(|held| !held.entries.is_empty()).await;
        let (id, asked) = held.entries.first_key_value().unwrap();
        let (id, asked) = (id.clone(), asked.clone());
        assert_eq!((&asked["tool_name"], &asked["status"]), (&json!("delete"), &json!("pending")), "{asked}");
        let path = format!("/v1/approvals/{}/decision", quoted(&id));
        assert_eq!(post(at, &path, json!({ "approved": true, "note": "fine" })).await.0, 200);
        let held = approvals.until(|held| held.entries.is_empty()).await;
        assert_eq!(held.gone[&id]["status"], "approved", "its new status is told");
        until("both gateways are listed", async || {
            let (_, known) = get(at, "/v1/gateways").await;
            let known = known["gateways"].as_array().unwrap();
            let keepers = known.iter().filter(|gateway| gateway["indexes"] == true).count();
            [one.address, two.address]
                .iter()
                .all(|address| known.iter().any(|known| known["address"] == address.to_string()))
                && keepers <= 1
        })
        .await;
        let (_, settled) = get(at, "/v1/approvals?status=all").await;
        assert_eq!(settled["approvals"][0]["note"], "fine", "{settled}");
        live.until(has("cleaner", "completed")).await;
        for served in [one, two] {
            served.drain.cancel();
            served.task.await.unwrap();
        }
        worker.drain.cancel();
        worker.task.await.unwrap();
    }
}

/// The gateway that keeps the lists ends, then the store is wiped: another one goes on, and lists the same.
#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_goes_on_and_what_is_wiped_comes_again() {
    for bench in Bench::all().await {
        let worker = bench.worker();
        let (one, two) = (gateway(&bench.backend, config()).await, gateway(&bench.backend, config()).await);
        let start = async |id: &str| {
            let start = json!({ "definition": "talker", "input": "go", "execution_id": id });
            assert_eq!(post(two.address, "/v1/executions", start).await.0, 201);
        };
        start("first").await;
        let mut live = Live::open(two.address, "executions", "?limit=5").await;
        live.until(has("first", "completed")).await;
        one.drain.cancel();
        one.task.await.unwrap();
        start("second").await;
        live.until(has("second", "completed")).await;
        let before = live.held.entries.clone();
        bench.backend.store.index().clear().await.unwrap();
        start("third").await;
        let all = ["first", "second", "third"];
        let held = live.until(|held| all.iter().all(|id| has(id, "completed")(held))).await;
        for (id, entry) in before {
            assert_eq!(held.entries[&id], entry);
        }
        let (_, page) = get(two.address, "/v1/executions?limit=2").await;
        let next = page["next"].as_str().expect("there is more");
        let (_, rest) = get(two.address, &format!("/v1/executions?limit=2&cursor={next}")).await;
        assert_eq!(rest["executions"][0]["execution_id"], "first", "{rest}");
        assert!(rest["next"].is_null() && rest["counts"].is_null(), "{rest}");
        worker.drain.cancel();
        worker.task.await.unwrap();
    }
}

/// Each caller sees and counts what they may read, also live; a fresh credential shows what it allows.
#[tokio::test(flavor = "multi_thread")]
async fn lists_show_each_caller_what_they_may_read() {
    for bench in Bench::all().await {
        let mut auth = Auth { mode: Mode::Required, ..Auth::default() };
        let mut keys = BTreeMap::new();
        for (name, scopes) in [
            ("all", "*"),
            ("asker", "read:asker"),
            ("some", "read:*/*/talker"),
            ("node", "read:cleaner/cleaner"),
            ("none", "start"),
        ] {
            let (secret, entry) = key(&[scopes]);
            auth.api_keys.insert(name.into(), entry);
            keys.insert(name, (*secret.reveal()).to_owned());
        }
        let served: Served = secured(&bench.backend, config(), auth).await;
        let worker = bench.worker();
        let ask = async |who: &str, path: &str| {
            let url = format!("http://{}{path}", served.address);
            let answer = http().get(url).bearer_auth(&keys[who]).send().await.unwrap();
            (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
        };
        for definition in ["cleaner", "asker", "talker"] {
            let start = json!({ "definition": definition, "input": "go", "execution_id": definition });
            let request = http().post(format!("http://{}/v1/executions", served.address));
            let answer = request.bearer_auth(&keys["all"]).json(&start).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), 201);
        }
        let bearer = format!("Bearer {}", keys["asker"]);
        let (mut client, _) =
            Client::handshake(served.address, "", &[("authorization", &bearer)]).await.unwrap();
        let list =
            json!({ "type": "list", "id": "l", "list": "executions", "query": { "limit": 7, "text": "go" } });
        client.say(&list).await;
        assert_eq!(client.message().await.unwrap(), json!({ "type": "subscribed", "sub": "l" }));
        let mut held = Held::of("execution_id");
        let take = async |client: &mut Client, held: &mut Held| {
            let mut message = client.message().await.unwrap();
            if message["type"] == "auth_ok" {
                message = client.message().await.unwrap();
            }
            assert_eq!(message["sub"], "l", "{message}");
            held.take(message);
        };
        while !has("asker", "waiting_for_input")(&held) {
            take(&mut client, &mut held).await;
            assert!(held.entries.keys().all(|id| id == "asker"), "{:?}", held.last);
        }
        bench.event("cleaner", [Kind::ToolApprovalRequested]).await;
        bench.ends("talker").await;
        // The same credential again, by another name: everything is shown.
        let (mut all, _) = {
            let bearer = format!("Bearer {}", keys["all"]);
            Client::handshake(served.address, "", &[("authorization", &bearer)]).await.unwrap()
        };
        all.say(&list).await;
        assert_eq!(all.message().await.unwrap()["type"], "subscribed");
        let mut seen = Held::of("execution_id");
        while !(has("cleaner", "waiting_for_approval")(&seen) && has("talker", "completed")(&seen)) {
            take(&mut all, &mut seen).await;
        }
        let count = |page: &Value| -> u64 {
            page["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
        };
        for (who, ids) in [
            ("all", vec!["talker", "asker", "cleaner"]),
            ("asker", vec!["asker"]),
            ("some", vec!["talker"]),
            ("node", vec![]),
        ] {
            for list in ["executions", "sessions"] {
                let (status, page) = ask(who, &format!("/v1/{list}")).await;
                assert_eq!(status, 200, "{page}");
                let name = if list == "executions" { "execution_id" } else { "session_id" };
                let found: Vec<&str> = page[list]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|entry| entry[name].as_str().unwrap())
                    .collect();
                assert_eq!((&found, count(&page)), (&ids, ids.len() as u64), "{who} {list}");
            }
        }
        let approvals = async |who: &str| count(&ask(who, "/v1/approvals").await.1);
        assert_eq!((approvals("all").await, approvals("node").await, approvals("asker").await), (1, 1, 0));
        assert_eq!(ask("none", "/v1/executions").await.0, 403);
        assert_eq!(ask("asker", "/v1/executions?limit=0").await.1["error"]["path"], "limit");
        worker.drain.cancel();
        worker.task.await.unwrap();
    }
}
