//! `clients/vectors`: inputs and results that every client checks, written by the code that gateways and workers run.
//!
//! `make docs` rewrites the files. Events of `snapshots.json` are a recording, which stays as it is: `clients/python/scripts/vectors.py`
//! makes a new one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use runbus::bus::Delivery;
use runbus::bus::delivery::{decode, lines};
use runbus::event::Event;
use runbus::id::{ExecutionId, StreamId};
use runbus::log::{Cursor, Epoch, Frame, Origin, Place, Sequence, Stored};
use runbus::snapshot::{At, Snapshot};
use runbus::subject::{Layout, Shard, Topic, token};
use runbus::time::Timestamp;
use runbus_gateway::connection::merged;
use runbus_gateway::protocol::Text;
use serde_json::{Value, json};

use crate::contracts::file_is_committed;

fn text_of(name: &str) -> String {
    std::fs::read_to_string(format!("{}/clients/vectors/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// One vector a line.
fn are_committed(name: &str, vectors: &[Value]) {
    let lines: Vec<String> = vectors.iter().map(Value::to_string).collect();
    file_is_committed(&format!("clients/vectors/{name}"), &format!("[\n{}\n]\n", lines.join(",\n")));
}

const IDS: [&str; 16] = [
    "master_agent",
    "run.1",
    "chat 1",
    "*>",
    "é",
    "_",
    "__",
    "a.b c",
    "ü%",
    "%41",
    "a/b",
    "日本",
    "🙂",
    "-",
    "A-Z_9",
    "~",
];
/// Tokens that no id has: plain publishers write them, and each is the id that it looks like.
const NO_TOKENS: [&str; 9] = ["a.b", "%", "%4", "%c3%bc", "%41", "a b", "%FF", "ü", "100%"];

fn ids() -> Vec<String> {
    IDS.iter().map(ToString::to_string).chain(["x".repeat(128)]).collect()
}

#[test]
fn the_contract_of_tokens_is_committed() {
    let mut vectors: Vec<Value> = Vec::new();
    for id in ids() {
        let token = token::encode(&id);
        assert_eq!(token::decode(&token).unwrap(), id);
        vectors.push(json!({ "id": id, "token": token }));
    }
    for token in NO_TOKENS {
        token::decode(token).unwrap_err();
        vectors.push(json!({ "id": null, "token": token }));
    }
    are_committed("tokens.json", &vectors);
}

#[test]
fn the_contract_of_shards_is_committed() {
    let mut tokens = vec!["_".to_owned()];
    tokens.extend(ids().iter().map(|id| token::encode(id).into_owned()));
    tokens.push("run-1".into());
    let mut vectors = Vec::new();
    for token in tokens {
        for counts in [vec![4], vec![1], vec![4, 8], vec![3, 5, 16]] {
            let shard = Layout::new(counts.clone()).unwrap().home(&token);
            vectors.push(json!({ "token": token, "shards": counts, "shard": shard.0 }));
        }
    }
    are_committed("shards.json", &vectors);
}

/// The table is what authors of other clients read.
#[test]
fn the_documented_shards_are_those_of_the_code() {
    let page = std::fs::read_to_string(format!("{}/docs/subjects.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (_, table) = page.split_once("With the default of 4 shards:").unwrap();
    let (table, _) = table.split_once("```").unwrap();
    let layout = Layout::new(vec![4]).unwrap();
    let rows: Vec<(String, u16)> = table
        .lines()
        .filter_map(|line| {
            let (token, shard) = line.strip_prefix("| `")?.split_once("` | ")?;
            Some((token.to_owned(), shard.trim_end_matches(" |").parse().unwrap()))
        })
        .collect();
    assert!(rows.len() >= 4, "{rows:?}");
    for (token, shard) in rows {
        assert_eq!(layout.home(&token).0, shard, "{token}");
    }
}

/// An event of the frames, with more fields.
fn event(n: usize, more: &Value) -> Value {
    let mut event = json!({
        "id": format!("019aa3c0-0000-7000-8000-{n:012}"), "type": "custom", "stream_id": "s.1", "execution_id": "run 1",
        "data": { "n": n }, "timestamp": "2026-01-01T00:00:00.000000Z",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

fn line(n: usize, more: &Value) -> Bytes {
    event(n, more).to_string().into()
}

fn header(frame: &Frame) -> String {
    frame.headers()[0].1.clone()
}

/// The stored message, and the events that readers get of it.
fn frame(name: &str, origin: Origin, payload: &Bytes, header: Option<&str>) -> Value {
    let topic = Topic::Events {
        stream: StreamId::new("s.1").unwrap(),
        node: None,
        execution: Some(ExecutionId::new("run 1").unwrap()),
    };
    let subject = match origin {
        Origin::Runbus => topic.subject("rb", Shard(3)),
        Origin::External => topic.external_subject("rb", Shard(3)).unwrap(),
    };
    let (read, damage) = Frame::read(payload.clone(), origin, |name| header.filter(|_| name == "Rb-Frame"));
    let stored = Stored {
        topic,
        shard: Shard(3),
        sequence: Sequence(41),
        prev: None,
        stored_at: Timestamp::default(),
        frame: read,
        damage,
    };
    let found = lines(&stored, Epoch(1), 0).map(|line| match decode(&stored, line, Cursor::start()) {
        Delivery::Event(found) => {
            let mut event: Value = serde_json::from_slice(&found.event.encode().unwrap()).unwrap();
            event["seq"] = found.seq.into();
            if found.external {
                event["external"] = true.into();
            }
            event
        }
        Delivery::Undecodable(found) => json!({ "type": "undecodable", "seq": found.seq }),
        other => panic!("{other:?}"),
    });
    let events: Vec<Value> = found.collect();
    json!({
        "name": name, "subject": subject, "sequence": 41, "header": header, "payload_base64": STANDARD.encode(payload), "events": events,
    })
}

#[test]
fn the_contract_of_frames_is_committed() {
    let none = Value::Null;
    let three: Vec<Bytes> = (0..3).map(|n| line(n, &none)).collect();
    let one = &three[..1];
    let (open, owned) = (Frame::open(one), Frame::owned(2, 17, 4, &three));
    let (open_header, owned_header) = (header(&open), header(&owned));
    let all = &owned.payload;
    let (runbus, external) = (Origin::Runbus, Origin::External);
    let owned_one = header(&Frame::owned(2, 17, 4, one));
    let mut vectors = vec![
        frame("open, of Runbus", runbus, &open.payload, Some(&open_header)),
        frame("external, of the library", external, &open.payload, Some(&open_header)),
        frame("external, without headers", external, all, None),
        frame("of a plain publisher, of before there was rb.ext", runbus, &open.payload, None),
        frame("owned", runbus, all, Some(&owned_header)),
        frame("external with an owner's header", external, &open.payload, Some(&owned_one)),
        frame("members of later versions", runbus, &open.payload, Some(&format!("{open_header}, colour=7"))),
    ];
    let checksum = format!("crc32={:08x}", owned.checksum());
    for (name, header) in [
        ("another checksum", owned_header.replace(&checksum, "crc32=00000000")),
        ("another count", owned_header.replace("count=3", "count=2")),
        ("another format", owned_header.replace("v=1", "v=2")),
        ("no count", format!("v=1, {checksum}")),
        ("an epoch that is no number", owned_header.replace("epoch=2", "epoch=x")),
        ("no index", owned_header.replace("index=17, ", "")),
    ] {
        vectors.push(frame(name, runbus, all, Some(&header)));
    }
    let mixed = Frame::open(&[Bytes::from_static(b"no json"), three[1].clone(), Bytes::from_static(b"[]")]);
    vectors.push(frame("lines that are no events", external, &mixed.payload, Some(&header(&mixed))));
    let other = line(0, &json!({ "stream_id": "another" }));
    vectors.push(frame("a body that names another stream than its subject", runbus, &other, None));
    let mark = Frame::open(&[line(0, &json!({ "external": true }))]);
    vectors.push(frame("a mark that the publisher wrote", runbus, &mark.payload, Some(&header(&mark))));
    are_committed("frames.json", &vectors);
}

/// Clients do not read cursors: they hand them back as they are, in JSON and in addresses.
#[test]
fn the_contract_of_cursors_is_committed() {
    let place = |epoch, sequence, lines| Place { epoch: Epoch(epoch), sequence: Sequence(sequence), lines };
    let places: [&[(u16, Place)]; 6] = [
        &[],
        &[(0, Place::after(Epoch(1), Sequence(1)))],
        &[(3, place(0xffff_ffff, u64::from(u32::MAX) + 1, 7))],
        &[(0, place(1, 127, 0)), (1, place(2, 128, 1)), (2, place(3, 16_384, 300))],
        &[(65_535, Place::after(Epoch(9), Sequence(u64::MAX)))],
        &[(4, place(7, 0, 0))],
    ];
    let vectors: Vec<Value> = places
        .iter()
        .map(|places| {
            let cursor = places.iter().fold(Cursor::start(), |cursor, (shard, place)| cursor.with(Shard(*shard), *place));
            assert_eq!(cursor.text().parse::<Cursor>().unwrap(), cursor);
            let places: Vec<Value> = cursor
                .places()
                .map(|(shard, place)| {
                    let lines = if place.lines == u32::MAX { json!("all") } else { place.lines.into() };
                    // As text: not every language has such numbers.
                    json!({ "shard": shard.0, "epoch": place.epoch.0, "sequence": place.sequence.to_string(), "lines": lines })
                })
                .collect();
            json!({ "cursor": cursor, "places": places })
        })
        .collect();
    are_committed("cursors.json", &vectors);
}

/// The events as a gateway sends them to a client that has `coalesce`.
fn coalesced(events: &[Value]) -> Vec<Value> {
    let texts: Vec<Text> = events
        .iter()
        .map(|event| {
            let cursor: Cursor = event["cursor"].as_str().unwrap().parse().unwrap();
            Text::new(Some(&cursor), event["type"].as_str().unwrap(), &[&event.to_string()])
        })
        .collect();
    merged(&texts).iter().map(|text| serde_json::from_str(text.json()).unwrap()).collect()
}

fn apply(snapshot: &mut Snapshot, event: &Value) {
    let cursor: Cursor = event["cursor"].as_str().unwrap().parse().unwrap();
    let (seq, merged) = (event["seq"].as_u64().unwrap(), event["merged"].as_u64().unwrap_or(1));
    let at = At { seq, merged, external: event["external"] == true, cursor: &cursor };
    snapshot.apply(&Event::decode(event.to_string().as_bytes()).unwrap(), at);
}

#[test]
fn the_contract_of_snapshots_and_merged_deltas_is_committed() {
    let recorded: Vec<Value> = serde_json::from_str(&text_of("snapshots.json")).unwrap();
    let vectors: Vec<Value> = recorded
        .iter()
        .map(|one| {
            let events = one["events"].as_array().unwrap();
            let places: Vec<&Value> =
                one["snapshots"].as_array().unwrap().iter().map(|snapshot| &snapshot["behind"]).collect();
            let mut snapshot = Snapshot::begin(Cursor::start(), true);
            let mut snapshots = Vec::new();
            for event in events {
                apply(&mut snapshot, event);
                if places.contains(&&event["cursor"]) {
                    snapshots.push(json!({ "behind": event["cursor"], "snapshot": snapshot }));
                }
            }
            let merged = coalesced(events);
            let mut at_once = Snapshot::begin(Cursor::start(), true);
            merged.iter().for_each(|event| apply(&mut at_once, event));
            assert_eq!(at_once, snapshot, "merged deltas lead to the same");
            assert!(merged.len() < events.len() || !one["execution_id"].as_str().unwrap().contains("council"));
            json!({ "execution_id": one["execution_id"], "events": events, "merged": merged, "snapshots": snapshots })
        })
        .collect();
    are_committed("snapshots.json", &vectors);
}
