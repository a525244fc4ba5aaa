//! The bus API: publish, read, subscribe, history, statistics, wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runbus::bus::history::{Order, Query};
use runbus::bus::{Delivery, Filter, Options};
use runbus::event::family::custom::Custom;
use runbus::event::family::model::TextDelta;
use runbus::event::{Event, Kind, Source};
use runbus::id::{ExecutionId, NodeId, StreamId};
use runbus::log::{Expect, Frame, Since};
use runbus::subject::Topic;
use runbus::time::Clock;

use crate::backends;

fn source(stream: &str, execution: &str) -> Source {
    Source::execution(StreamId::new(stream).unwrap(), ExecutionId::new(execution).unwrap(), Clock::System)
}

fn delta(source: &Source, n: usize) -> Event {
    source.llm_text_delta(TextDelta { content: n.to_string(), snapshot: None })
}

fn ids(deliveries: &[Delivery]) -> Vec<runbus::id::EventId> {
    deliveries
        .iter()
        .map(|delivery| match delivery {
            Delivery::Event(found) => found.event.id,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn history_pages_both_ways_give_everything_once() {
    for backend in backends::all().await {
        let bus = backend.bus();
        let mut published = Vec::new();
        for n in 0..57 {
            let source = source("s", if n % 3 == 0 { "a" } else { "b.*>" });
            let event = if n % 2 == 0 { delta(&source, n) } else { source.custom(Custom::default()) };
            published.push(event.clone());
            bus.publish(event).await.unwrap();
        }
        for (filter, wanted) in [
            (Filter::stream(StreamId::new("s").unwrap()), published.iter().map(|e| e.id).collect::<Vec<_>>()),
            (
                Filter::execution(ExecutionId::new("b.*>").unwrap()).types([Kind::LlmTextDelta]),
                published
                    .iter()
                    .filter(|e| {
                        e.kind == Kind::LlmTextDelta && e.execution_id.as_ref().unwrap().as_str() != "a"
                    })
                    .map(|e| e.id)
                    .collect(),
            ),
            (Filter::stream(StreamId::new("nobody").unwrap()), Vec::new()),
        ] {
            for order in [Order::Oldest, Order::Newest] {
                let mut found = Vec::new();
                let mut query = Query { filter: filter.clone(), order, limit: 7, ..Query::default() };
                loop {
                    let page = bus.history(&query).await.unwrap();
                    assert!(page.gaps.is_empty());
                    found.extend(ids(&page.events));
                    query.cursor = page.next;
                    if query.cursor.is_none() {
                        break;
                    }
                }
                if order == Order::Newest {
                    found.reverse();
                }
                let mut wanted = wanted.clone();
                // Over several shards only the order within an execution is promised.
                if filter.execution_id.is_none() {
                    found.sort();
                    wanted.sort();
                }
                assert_eq!(found, wanted, "{} {filter:?} {order:?}", backend.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_id_twice_is_one_event_and_bad_events_are_not_stored() {
    for backend in backends::all().await {
        let bus = backend.bus();
        let source = source("s", "e");
        let event = delta(&source, 1);
        let first = bus.publish(event.clone()).await.unwrap();
        assert_eq!(bus.publish(event.clone()).await.unwrap(), first, "{}", backend.name);
        let large = source
            .llm_text_delta(TextDelta { content: "x".repeat(runbus::limits::EVENT_BYTES), snapshot: None });
        assert_eq!(bus.publish(large.clone()).await.unwrap_err().code(), "too_large");
        assert!(bus.publish_batch(vec![delta(&source, 2), large]).await.is_err());
        let mut wrong = source.llm_text_delta(TextDelta { content: String::new(), snapshot: None });
        wrong.data = serde_json::from_str("{\"content\":7}").unwrap();
        let error = bus.publish(wrong).await.unwrap_err();
        assert_eq!(error.code(), "invalid_event");
        assert!(error.to_string().contains("data.content"), "{error}");
        assert_eq!(bus.stats().await.unwrap().events, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_and_pipelines_keep_their_order() {
    for backend in backends::all().await {
        let bus = backend.bus();
        let source = source("s", "e");
        let events: Vec<Event> = (0..300).map(|n| delta(&source, n)).collect();
        for answer in bus.publish_batch(events[..150].to_vec()).await.unwrap() {
            answer.unwrap();
        }
        let mut publisher = bus.publisher();
        for event in &events[150..] {
            if let Some(answer) = publisher.send(event.clone()).await {
                answer.unwrap();
            }
        }
        while let Some(answer) = publisher.acknowledged().await {
            answer.unwrap();
        }
        let query = Query { order: Order::Oldest, limit: 1000, ..Query::default() };
        let page = bus.history(&query).await.unwrap();
        assert_eq!(ids(&page.events), events.iter().map(|e| e.id).collect::<Vec<_>>(), "{}", backend.name);
        let stats = bus.stats().await.unwrap();
        assert_eq!(stats.by_type, BTreeMap::from([("llm_text_delta".to_owned(), 300)]));
        bus.publish(delta(&source, 300)).await.unwrap();
        let stats = bus.stats().await.unwrap();
        assert_eq!((stats.events, stats.by_stream["s"]), (301, 301), "{}", backend.name);
    }
}

/// Readers join at random moments while events are published, and resume from random cursors: each sees everything
/// from its place on, once, in order.
#[tokio::test(flavor = "multi_thread")]
async fn readers_that_join_and_resume_anywhere_miss_nothing() {
    const EVENTS: usize = 400;
    for backend in backends::all().await {
        let bus = backend.bus();
        let source = source("s", "e");
        let publisher = {
            let (bus, source) = (bus.clone(), source.clone());
            tokio::spawn(async move {
                for n in 0..EVENTS {
                    bus.publish(delta(&source, n)).await.unwrap();
                }
            })
        };
        let mut readers = Vec::new();
        for (n, filter) in [
            Filter::execution(ExecutionId::new("e").unwrap()),
            Filter::stream(StreamId::new("s").unwrap()),
            Filter::all(),
        ]
        .into_iter()
        .cycle()
        .take(9)
        .enumerate()
        {
            let bus = bus.clone();
            readers.push(tokio::spawn(async move {
                let mut since = Since::All;
                let mut seen = 0;
                let name = NodeId::new(format!("reader-{n}")).unwrap();
                'joins: loop {
                    let mut reader = bus.read(filter.clone(), since.clone()).await.unwrap();
                    for _ in 0..(n + 1) * 7 {
                        let next = tokio::time::timeout(Duration::from_secs(60), reader.next()).await;
                        match next.expect("an event is missing").unwrap() {
                            Delivery::Event(found) => {
                                let content: serde_json::Value =
                                    serde_json::from_str(found.event.data.get()).unwrap();
                                assert_eq!(content["content"], seen.to_string(), "{name}");
                                since = Since::After(found.cursor.to_string().parse().unwrap());
                                seen += 1;
                                if seen == EVENTS {
                                    break 'joins;
                                }
                            }
                            Delivery::CaughtUp => {}
                            other => panic!("{other:?}"),
                        }
                    }
                }
            }));
        }
        publisher.await.unwrap();
        for reader in readers {
            reader.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handlers_are_bounded_and_a_failing_one_stops_no_other() {
    for backend in backends::all().await {
        let bus = backend.bus();
        let source = source("s", "e");
        let (running, most, done) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (ended, mut all) = tokio::sync::mpsc::channel(100);
        let handler = {
            let (running, most, done) = (running.clone(), most.clone(), done.clone());
            move |found: runbus::bus::Delivered| {
                let (running, most, done, ended) =
                    (running.clone(), most.clone(), done.clone(), ended.clone());
                async move {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    let n = done.fetch_add(1, Ordering::SeqCst);
                    ended.send(found.event.id).await.unwrap();
                    match n {
                        3 => Err("refused"),
                        4 => panic!("broken on purpose"),
                        _ => Ok(()),
                    }
                }
            }
        };
        let options = Options { since: Since::New, concurrency: 3 };
        let id = bus.subscribe(Filter::all(), options, handler).await.unwrap();
        for n in 0..40 {
            bus.publish(delta(&source, n)).await.unwrap();
        }
        for _ in 0..40 {
            tokio::time::timeout(Duration::from_secs(30), all.recv()).await.unwrap().unwrap();
        }
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
        while bus.counters().handled() < 40 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bus.counters().failed(), 2, "{}", backend.name);
        assert!(bus.unsubscribe(id));
        assert!(!bus.unsubscribe(id));
        bus.publish(delta(&source, 41)).await.unwrap();
        assert!(
            bus.subscribe(Filter::all(), Options { since: Since::New, concurrency: 0 }, |_| async {
                Ok::<_, String>(())
            })
            .await
            .is_err()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_finds_events_in_between_and_gives_none_in_time() {
    for backend in backends::all().await {
        let bus = backend.bus();
        let source = source("s", "e");
        let filter = Filter::all().types([Kind::Custom]);
        let watch = bus.watch(filter.clone(), Since::New).await.unwrap();
        // It comes before anybody waits.
        bus.publish(source.custom(Custom::default())).await.unwrap();
        let found = watch.first(Duration::from_secs(30)).await.unwrap();
        assert_eq!(found.unwrap().event.kind, Kind::Custom, "{}", backend.name);
        let none = bus.wait_for(filter, Since::New, Duration::from_millis(50)).await.unwrap();
        assert!(none.is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_has_a_helper_that_publishes() {
    use runbus::event::family::{execution, goal};
    for backend in backends::all().await {
        let bus = backend.bus();
        let emitter = bus.emitter(source("s", "e"));
        emitter.execution_started(execution::Started { input: "hi".into(), definition: None }).await.unwrap();
        emitter
            .goal_progress(goal::Progress { progress: 0.5, criteria_status: "half".into() })
            .await
            .unwrap();
        let status = backend.control().status(&ExecutionId::new("e").unwrap()).await.unwrap().unwrap();
        assert_eq!((status.progress, status.events), (Some(0.5), 2), "{}", backend.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_stands_behind_its_last_event_also_inside_a_frame() {
    for backend in backends::all().await {
        let bus = backend.bus();
        let source = source("s", "frame");
        let events: Vec<Event> = (0..4).map(|n| delta(&source, n)).collect();
        let lines: Vec<_> = events.iter().map(|event| event.encode().unwrap()).collect();
        let topic =
            Topic::Events { stream: source.stream_id, node: None, execution: source.execution_id.clone() };
        backend.log.append(&topic, &Frame::open(&lines), Expect::Open(events[0].id)).await.unwrap();
        let mut since = Since::All;
        for event in &events {
            let mut reader = bus.read(Filter::all(), since).await.unwrap();
            let Delivery::Event(found) = reader.next().await.unwrap() else { panic!("no event") };
            assert_eq!(found.event.id, event.id, "{}", backend.name);
            assert_eq!(reader.cursor().to_string(), found.cursor.to_string());
            since = Since::After(reader.cursor().clone());
        }
    }
}
