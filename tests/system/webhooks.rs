//! Webhooks on every backend: at least once, in order per execution, under any fault.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use runbus::adapters::redis;
use runbus::bus::{Delivery, Filter};
use runbus::config::Secret;
use runbus::event::family::execution::{Completed, Queued};
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Kind, Payload, Source};
use runbus::id::{ExecutionId, StreamId, WorkerId};
use runbus::log::{Expect, Frame, Since, Trace};
use runbus::store::Name;
use runbus::subject::{Key, Topic};
use runbus::time::Clock;
use runbus_workers::webhook::config::Since as Begin;
use runbus_workers::webhook::{Config, Counters, Endpoint, Headers, Refused, Webhooks, verify};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::backends::{self, Backend};
use crate::client::PATIENCE;
use crate::receiver::{Answer, Arrival, Receiver};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLDER: &str = "whsec_c29tZSBvdGhlciAyNC1ieXRlIGtleSB4eA==";

/// An endpoint that is patient in tries and impatient in time.
fn endpoint(receiver: &Receiver) -> Endpoint {
    Endpoint {
        url: receiver.url(),
        secret: Secret::new(SECRET),
        since: Begin::All,
        timeout_ms: 2000,
        max_attempts: 100,
        retry_min_ms: 1,
        retry_max_ms: 20,
        ..Endpoint::default()
    }
}

struct Running {
    task: tokio::task::JoinHandle<()>,
    drain: CancellationToken,
    counters: Arc<Counters>,
}

impl Running {
    /// The process dies: nothing is said to anybody.
    async fn crash(self) {
        self.task.abort();
        let _aborted = self.task.await;
    }

    async fn end(self) {
        self.drain.cancel();
        tokio::time::timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

fn dispatcher(backend: &Backend, worker: &str, endpoint: &Endpoint) -> Running {
    let endpoints = BTreeMap::from([("test".to_owned(), endpoint.clone())]);
    let config = Config { endpoints, lease_ttl_ms: 400, checkpoint_ms: 20 };
    runbus::config::check(&config).unwrap();
    let worker = WorkerId::new(worker).unwrap();
    let webhooks = Webhooks::new(config, backend.worker_bus(), worker, Clock::System).unwrap();
    let counters = webhooks.counters()["test"].clone();
    let drain = CancellationToken::new();
    Running { task: tokio::spawn(webhooks.run(drain.clone())), drain, counters }
}

fn execution(n: usize) -> Source {
    let id = ExecutionId::new(format!("run-{n}")).unwrap();
    Source::execution(StreamId::new(format!("s{}", n % 2)).unwrap(), id, Clock::System)
}

/// Publishes `rounds` events that are wanted for each execution, and as many that are not.
async fn publish(backend: &Backend, executions: usize, rounds: std::ops::Range<usize>) -> Vec<Event> {
    let mut wanted = Vec::new();
    for round in rounds {
        let mut batch = Vec::new();
        for source in (0..executions).map(execution) {
            let queued = Queued { definition: Some(round.to_string()), ..Queued::default() };
            wanted.push(source.execution_queued(queued));
            batch.push(wanted.last().unwrap().clone());
            batch.push(source.llm_text_delta(TextDelta { content: "x".into(), snapshot: None }));
        }
        for answer in backend.bus().publish_batch(batch).await.unwrap() {
            answer.unwrap();
        }
    }
    wanted
}

fn ids(arrivals: &[Arrival]) -> BTreeSet<String> {
    arrivals.iter().map(|arrival| arrival.event["id"].as_str().unwrap().to_owned()).collect()
}

fn taken(arrivals: &[Arrival]) -> Vec<&Arrival> {
    arrivals.iter().filter(|arrival| arrival.answer == Answer::Status(200)).collect()
}

/// Whether the receiver said 200 to all of them.
fn all_taken(arrivals: &[Arrival], wanted: &[Event]) -> bool {
    let taken: Vec<Arrival> = taken(arrivals).into_iter().cloned().collect();
    wanted.len() <= taken.len() && ids(&taken).len() >= wanted.len()
}

/// Everything that was wanted came, nothing else did, and first arrivals are in order per execution.
fn check(arrivals: &[Arrival], wanted: &[Event], what: &str) {
    let all: BTreeSet<String> = wanted.iter().map(|event| event.id.to_string()).collect();
    assert_eq!(ids(arrivals), all, "{what}");
    let mut seen = BTreeSet::new();
    let mut next: BTreeMap<&str, usize> = BTreeMap::new();
    for arrival in arrivals {
        let event = &arrival.event;
        if seen.insert(event["id"].as_str().unwrap()) {
            let expected = next.entry(event["execution_id"].as_str().unwrap()).or_default();
            assert_eq!(event["data"]["definition"], expected.to_string().as_str(), "{what}: {event}");
            *expected += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_fails_now_and_then_gets_everything_in_order() {
    for backend in backends::all().await {
        let receiver = Receiver::start(|_, n| match n.wrapping_mul(2_654_435_761) >> 7 & 15 {
            0 | 1 => Answer::Status(500),
            2 => Answer::Reset,
            3 => Answer::Redirect,
            4 => Answer::Status(429),
            5 if n < 60 => Answer::Silence,
            _ => Answer::Status(200),
        })
        .await;
        let running = dispatcher(&backend, "w1", &Endpoint { timeout_ms: 200, ..endpoint(&receiver) });
        let wanted = publish(&backend, 10, 0..20).await;
        let arrivals = receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        running.end().await;
        check(&arrivals, &wanted, backend.name);
        assert!(arrivals.iter().any(|arrival| arrival.answer == Answer::Reset));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_say_who_sends_what() {
    for backend in backends::all().await {
        let receiver = Receiver::start(|_, _| Answer::Status(200)).await;
        let config = Endpoint {
            previous_secret: Some(Secret::new(OLDER)),
            streams: vec!["s0*".into()],
            ..endpoint(&receiver)
        };
        let running = dispatcher(&backend, "w1", &config);
        let mut wanted = publish(&backend, 1, 0..1).await;
        publish(&backend, 2, 1..2).await;
        // Of a publisher that traces.
        let traced = execution(0).execution_queued(Queued::default());
        let mut frame = Frame::external(&[traced.encode().unwrap()]);
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        frame.trace = Some(Trace { parent: parent.into(), state: None });
        let topic = Topic::Events {
            stream: traced.stream_id.clone(),
            node: None,
            execution: traced.execution_id.clone(),
        };
        backend.log.append(&topic, &frame, Expect::Open(traced.id)).await.unwrap();
        wanted.push(traced);
        let arrivals = receiver.until(|arrivals| arrivals.len() >= 3).await;
        running.end().await;
        let streams: BTreeSet<_> =
            arrivals.iter().map(|arrival| arrival.event["stream_id"].as_str()).collect();
        assert_eq!(streams, BTreeSet::from([Some("s0")]), "{}: the pattern leaves one stream", backend.name);
        assert_eq!(arrivals[2].headers["traceparent"], parent);
        assert!(!arrivals[0].headers.contains_key("traceparent"));
        let arrival = &arrivals[0];
        let header = |name: &str| arrival.headers[name].as_str();
        assert_eq!(header("webhook-id"), wanted[0].id.to_string());
        assert_eq!(header("content-type"), "application/json");
        assert!(header("user-agent").starts_with("runbus/"));
        let headers = Headers {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        let minute = Duration::from_secs(60);
        let now = Clock::System.now();
        for secret in [SECRET, OLDER] {
            assert_eq!(verify(secret, headers, &arrival.body, minute, now), Ok(()));
        }
        let mut changed = arrival.body.clone();
        changed[10] ^= 1;
        assert_eq!(verify(SECRET, headers, &changed, minute, now), Err(Refused::Signature));
        // The library that receivers use.
        let requests: Vec<String> = arrivals
            .iter()
            .map(|arrival| json!({ "headers": arrival.headers, "body": String::from_utf8_lossy(&arrival.body) }))
            .map(|request| request.to_string())
            .collect();
        let secrets = json!([SECRET, OLDER]).to_string();
        let said = crate::clients::node("webhook.mjs", &[&secrets], &requests.join("\n")).await;
        assert_eq!(said, vec![json!({ "verified": 2, "refused": true }); 3]);
        let later = runbus::time::Timestamp::from_micros(now.micros() + 120_000_000);
        assert_eq!(verify(SECRET, headers, &arrival.body, minute, later), Err(Refused::TooOld));
        // The body is the stored event and its place.
        let mut body = arrival.event.clone();
        let cursor = body.as_object_mut().unwrap().remove("cursor").unwrap();
        assert!(cursor.as_str().unwrap().parse::<runbus::log::Cursor>().is_ok());
        body.as_object_mut().unwrap().remove("seq").unwrap();
        assert_eq!(body.as_object_mut().unwrap().remove("external"), Some(true.into()));
        assert_eq!(body, serde_json::to_value(&wanted[0]).unwrap());
    }
}

/// External events about the status of an execution that Runbus runs reach no receiver.
#[tokio::test(flavor = "multi_thread")]
async fn external_events_about_executions_of_runbus_are_not_sent() {
    for backend in backends::all().await {
        let receiver = Receiver::start(|_, _| Answer::Status(200)).await;
        let queued = |definition: &str| {
            execution(0).execution_queued(Queued { definition: Some(definition.into()), ..Queued::default() })
        };
        let bus = backend.bus();
        bus.publish(queued("forged before")).await.unwrap();
        bus.record(queued("own")).await.unwrap();
        bus.publish(queued("forged")).await.unwrap();
        bus.publish(
            execution(1).execution_queued(Queued { definition: Some("theirs".into()), ..Queued::default() }),
        )
        .await
        .unwrap();
        bus.record(queued("last")).await.unwrap();
        let running = dispatcher(&backend, "w1", &endpoint(&receiver));
        let is_last = |arrival: &Arrival| arrival.event["data"]["definition"] == "last";
        let arrivals = receiver.until(|all| all.iter().any(is_last) && all.len() >= 3).await;
        running.end().await;
        let mut said: Vec<_> =
            arrivals.iter().map(|arrival| arrival.event["data"]["definition"].as_str()).collect();
        said.sort_unstable();
        assert_eq!(said, [Some("last"), Some("own"), Some("theirs")], "{}", backend.name);
        let external = |arrival: &Arrival| arrival.event["external"] == true;
        assert_eq!(arrivals.iter().filter(|arrival| external(arrival)).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dispatchers_that_crash_lose_nothing() {
    for backend in backends::all().await {
        // It answers so many requests and then none, so that every crash comes in the middle.
        let most = Arc::new(AtomicUsize::new(60));
        let limit = most.clone();
        let receiver = Receiver::start(move |_, n| match n {
            _ if n >= limit.load(Ordering::SeqCst) => Answer::Silence,
            _ if n % 7 == 3 => Answer::Status(500),
            _ => Answer::Status(200),
        })
        .await;
        let config = Endpoint { concurrency: 4, ..endpoint(&receiver) };
        let mut running = dispatcher(&backend, "w0", &config);
        let mut wanted = publish(&backend, 8, 0..40).await;
        for n in 1..4 {
            let reached = most.load(Ordering::SeqCst);
            receiver.until(|arrivals| arrivals.len() > reached).await;
            running.crash().await;
            most.store(if n < 3 { receiver.arrivals().len() + 80 } else { usize::MAX }, Ordering::SeqCst);
            running = dispatcher(&backend, &format!("w{n}"), &config);
        }
        // The last event of an execution comes when this dispatcher has settled all before it.
        wanted.extend(publish(&backend, 8, 40..41).await);
        let arrivals = receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        running.end().await;
        check(&arrivals, &wanted, backend.name);
        // A dispatcher that ended in good order leaves nothing behind.
        let before = receiver.arrivals().len();
        let running = dispatcher(&backend, "w9", &config);
        let more = publish(&backend, 1, 41..42).await;
        let last = more[0].id.to_string();
        receiver.until(|arrivals| ids(arrivals).contains(&last)).await;
        running.end().await;
        assert_eq!(ids(&receiver.arrivals()[before..]), BTreeSet::from([last]), "{}", backend.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_was_down_gets_everything_when_it_is_up() {
    for backend in backends::all().await {
        let up = Arc::new(AtomicBool::new(false));
        let is_up = up.clone();
        let receiver =
            Receiver::start(move |_, _| Answer::Status(if is_up.load(Ordering::SeqCst) { 200 } else { 503 }))
                .await;
        let config = Endpoint { concurrency: 2, retry_max_ms: 100, max_attempts: 100, ..endpoint(&receiver) };
        let running = dispatcher(&backend, "w1", &config);
        let wanted = publish(&backend, 5, 0..10).await;
        receiver.until(|arrivals| arrivals.len() >= 20).await;
        assert_eq!(running.counters.delivered(), 0);
        // Nothing behind an event that is not taken is tried.
        assert!(receiver.arrivals().iter().all(|arrival| arrival.event["data"]["definition"] == "0"));
        up.store(true, Ordering::SeqCst);
        let arrivals = receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        running.end().await;
        check(&arrivals, &wanted, backend.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_after_is_kept() {
    for backend in backends::all().await {
        let receiver =
            Receiver::start(|_, n| if n == 0 { Answer::Later(1) } else { Answer::Status(200) }).await;
        let running = dispatcher(&backend, "w1", &Endpoint { retry_max_ms: 5000, ..endpoint(&receiver) });
        publish(&backend, 1, 0..1).await;
        let arrivals = receiver.until(|arrivals| arrivals.len() >= 2).await;
        running.end().await;
        assert!(arrivals[1].at - arrivals[0].at >= Duration::from_millis(1000), "{}", backend.name);
        assert_eq!(ids(&arrivals).len(), 1);
        // A try is signed when it is made.
        assert_ne!(arrivals[0].headers["webhook-timestamp"], arrivals[1].headers["webhook-timestamp"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_given_up_is_recorded_and_the_next_one_goes_on() {
    for backend in backends::all().await {
        let receiver = Receiver::start(|event, _| {
            Answer::Status(match event["data"]["definition"].as_str() {
                Some("0") => 500,
                Some("1") => 410,
                _ => 200,
            })
        })
        .await;
        // Asking for all types does not bring the record of a failure to the receiver that failed.
        let running = dispatcher(
            &backend,
            "w1",
            &Endpoint { max_attempts: 3, events: Vec::new(), ..endpoint(&receiver) },
        );
        let source = execution(0);
        let queued =
            |n: u32| source.execution_queued(Queued { definition: Some(n.to_string()), ..Queued::default() });
        let events = [queued(0), queued(1), queued(2)];
        for event in &events {
            backend.bus().publish(event.clone()).await.unwrap();
        }
        let filter = Filter::stream(source.stream_id.clone()).types([Kind::WebhookFailed]);
        let mut reader = backend.bus().read(filter, Since::All).await.unwrap();
        for (event, attempts, error) in [(&events[0], 3, "status 500"), (&events[1], 1, "status 410")] {
            let found = loop {
                let next = tokio::time::timeout(PATIENCE, reader.next()).await;
                if let Delivery::Event(found) = next.unwrap().unwrap() {
                    break found.event;
                }
            };
            let Ok(Payload::WebhookFailed(failed)) = found.payload() else { panic!("{found:?}") };
            assert_eq!((failed.endpoint.as_str(), failed.event_id), ("test", event.id), "{}", backend.name);
            assert_eq!((failed.attempts, failed.error.as_str()), (attempts, error));
            assert_eq!(failed.execution_id, source.execution_id);
        }
        let done = source.execution_completed(Completed { output: "done".into() });
        backend.bus().publish(done.clone()).await.unwrap();
        let last = done.id.to_string();
        let arrivals = receiver.until(|arrivals| ids(arrivals).contains(&last)).await;
        assert_eq!(arrivals.len(), 3 + 1 + 1 + 1, "{}", backend.name);
        assert_eq!(running.counters.given_up(), 2);
        running.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_endpoint_begins_now_also_after_a_crash() {
    for backend in backends::all().await {
        let receiver = Receiver::start(|_, _| Answer::Status(200)).await;
        let config = Endpoint { since: Begin::New, ..endpoint(&receiver) };
        publish(&backend, 3, 0..2).await;
        let running = dispatcher(&backend, "w1", &config);
        // The claim is what makes it now.
        let key = Key::Journal("runbus/webhook/test".parse().unwrap());
        let claimed = async {
            while backend.log.last(&key).await.unwrap().is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, claimed).await.unwrap();
        running.crash().await;
        let wanted = publish(&backend, 3, 2..4).await;
        let running = dispatcher(&backend, "w2", &config);
        let arrivals = receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        running.end().await;
        let all: BTreeSet<String> = wanted.iter().map(|event| event.id.to_string()).collect();
        assert_eq!(ids(&arrivals), all, "{}", backend.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_work_and_a_wiped_store_costs_no_event() {
    for backend in backends::all().await {
        let receiver = Receiver::start(|_, _| Answer::Status(200)).await;
        let config = endpoint(&receiver);
        let (one, two) = (dispatcher(&backend, "w1", &config), dispatcher(&backend, "w2", &config));
        let mut wanted = publish(&backend, 6, 0..20).await;
        let arrivals = receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        check(&arrivals, &wanted, backend.name);
        // Work is shared, not done twice. (A machine that stalls longer than the lease may make some events come again.)
        assert!(arrivals.len() < 2 * wanted.len(), "{}: {}", backend.name, arrivals.len());
        for round in 20..30 {
            // The effect of a wipe.
            let lease = Name { family: "webhook", id: "test".into() };
            if let Some((owner, _)) = backend.store.leased(&lease).await.unwrap() {
                backend.store.release(&lease, &owner).await.unwrap();
            }
            wanted.extend(publish(&backend, 6, round..round + 1).await);
            receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        }
        // One ends in good order, the other goes on.
        one.end().await;
        wanted.extend(publish(&backend, 6, 30..31).await);
        receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        // One dies, a third takes over.
        two.crash().await;
        wanted.extend(publish(&backend, 6, 31..32).await);
        let three = dispatcher(&backend, "w3", &config);
        let arrivals = receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
        check(&arrivals, &wanted, backend.name);
        three.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_the_log_decides_the_dispatcher() {
    let mut backend = backends::embedded();
    // Nobody listens there.
    let config = redis::Config {
        url: format!("redis://{}", crate::telemetry::process::free()),
        ..redis::Config::default()
    };
    backend.store = Arc::new(redis::Redis::new(&config).unwrap());
    let receiver = Receiver::start(|_, _| Answer::Status(200)).await;
    let config = endpoint(&receiver);
    let (one, two) = (dispatcher(&backend, "w1", &config), dispatcher(&backend, "w2", &config));
    let mut wanted = Vec::new();
    for round in 0..30 {
        wanted.extend(publish(&backend, 4, round..round + 1).await);
        receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
    }
    one.crash().await;
    wanted.extend(publish(&backend, 4, 30..31).await);
    let arrivals = receiver.until(|arrivals| all_taken(arrivals, &wanted)).await;
    two.end().await;
    check(&arrivals, &wanted, "no store");
    assert!(arrivals.len() < 2 * wanted.len(), "{}", arrivals.len());
}
