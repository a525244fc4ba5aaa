//! Envelopes and payloads: accepted, refused and preserved values.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::id::{ExecutionId, StreamId};
use crate::time::Clock;

fn source() -> Source {
    Source::execution(StreamId::new("agent").unwrap(), ExecutionId::new("run-1").unwrap(), Clock::System)
}

#[test]
fn absent_fields_are_not_null_and_nulls_are_read_as_absent() {
    let event = source().llm_text_delta(family::model::TextDelta { content: "hi".into(), snapshot: None });
    let line = String::from_utf8(event.encode().unwrap().to_vec()).unwrap();
    assert!(!line.contains("null"), "{line}");
    let with_null = line.replacen("\"stream_id\"", "\"node_id\":null,\"stream_id\"", 1);
    assert_eq!(Event::decode(with_null.as_bytes()).unwrap(), event);
}

#[test]
fn faults_name_the_field() {
    let good = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"llm_text_delta","stream_id":"s","data":{"content":"x"},"timestamp":"2026-01-01T00:00:00Z"}"#;
    assert!(Event::accept(good.as_bytes()).is_ok());
    for (from, to, path) in [
        ("\"stream_id\":\"s\"", "\"stream_id\":\"\"", "stream_id"),
        ("\"stream_id\":\"s\"", "\"stream_id\":7", "stream_id"),
        ("\"llm_text_delta\"", "\"Bad Type\"", "type"),
        ("2026-01-01T00:00:00Z", "yesterday", "timestamp"),
        ("{\"content\":\"x\"}", "[]", "data"),
        ("{\"content\":\"x\"}", "{\"content\":1}", "data.content"),
    ] {
        let error = Event::accept(good.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(path), "{error} should start with {path}");
    }
    assert!(Event::decode(b"not json").is_err());
    assert!(Event::decode(format!("{good} x").as_bytes()).is_err());
}

/// One case for each field: missing, null, doubled, or of another type.
#[test]
fn heads_need_the_fields_that_events_need() {
    let good = r#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"llm_text_delta","stream_id":"s","node_id":"n","execution_id":"x","correlation_id":"c","session_id":"t","attempt":1,"data":{},"timestamp":"2026-01-01T00:00:00Z"}"#;
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(good).unwrap();
    let long = "x".repeat(129);
    let others = [
        serde_json::json!(null),
        7.into(),
        "".into(),
        "a\nb".into(),
        "u\u{e4}".into(),
        long.into(),
        serde_json::json!([]),
    ];
    let same = |line: &str| {
        assert_eq!(Head::decode(line.as_bytes()), Event::decode(line.as_bytes()).map(Head::from), "{line}");
    };
    same(good);
    for name in fields.keys() {
        let mut less = fields.clone();
        less.remove(name);
        same(&serde_json::to_string(&less).unwrap());
        for other in &others {
            let mut changed = fields.clone();
            changed.insert(name.clone(), other.clone());
            same(&serde_json::to_string(&changed).unwrap());
        }
        same(&good.replacen('{', &format!("{{\"{name}\":{},", fields[name]), 1));
    }
    same(&good.replacen('{', "{\"more\":[{}],", 1));
}

#[test]
fn too_large_is_refused_with_limit_and_size() {
    let content = "x".repeat(crate::limits::EVENT_BYTES);
    let error =
        source().llm_text_delta(family::model::TextDelta { content, snapshot: None }).encode().unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes } if bytes > crate::limits::EVENT_BYTES));
}

#[test]
fn unknown_types_and_fields_of_payloads_survive() {
    let line = br#"{"id":"01890a5d-ac96-774b-bcce-b302099a8057","type":"judge_verdict","stream_id":"s","data":{"b":1.50,"a":[null]},"timestamp":"2026-01-01T00:00:00Z"}"#;
    let event = Event::accept(line).unwrap();
    assert_eq!(event.data.get(), r#"{"b":1.50,"a":[null]}"#);
    let again = Event::decode(&event.encode().unwrap()).unwrap();
    assert_eq!(again, event);
}

proptest! {
    #[test]
    fn events_round_trip_on_one_line(content in "\\PC*|[\\s\\S]{0,40}", attempt in proptest::option::of(0u32..9)) {
        let mut source = source();
        source.attempt = attempt;
        let event = source.llm_text_delta(family::model::TextDelta { content: content.clone(), snapshot: None });
        let line = event.encode().unwrap();
        prop_assert!(!line.contains(&b'\n'));
        let back = Event::decode(&line).unwrap();
        prop_assert_eq!(&back, &event);
        let Payload::LlmTextDelta(delta) = back.payload().unwrap() else { panic!("another type") };
        prop_assert_eq!(delta.content, content);
    }

    /// The short way of `encode` refuses what readers refuse, at any depth and with keys that parsers reserve.
    #[test]
    fn whatever_is_encoded_is_read_by_every_reader(
        data in prop_oneof![
            2 => "[\\[\\]{}\":,a1 ]{0,12}",
            1 => (1usize..200).prop_map(|depth| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth))),
            1 => Just(r#"{"$serde_json::private::RawValue":"1"}"#.to_owned()),
            1 => Just(r#"{"\u0024serde_json::private::RawValue":"1"}"#.to_owned()),
            1 => Just("{\"a\":\n1e999}".to_owned()),
        ],
        other in proptest::option::of("[a-zA-Z_ ]{0,5}"),
    ) {
        let Ok(data) = serde_json::value::RawValue::from_string(data) else { return Ok(()) };
        let mut event = source().llm_text_delta(family::model::TextDelta { content: String::new(), snapshot: None });
        event.data = data.into();
        if let Some(other) = other {
            event.kind = Kind::Other(other.into());
        }
        let written = serde_json::to_string(&event).unwrap().replace('\n', " ");
        match event.encode() {
            Ok(line) => {
                prop_assert_eq!(&line[..], written.as_bytes());
                prop_assert!(Head::decode(&line).is_ok() && Event::decode(&line).is_ok(), "{}", written);
            }
            Err(_) => prop_assert!(Head::decode(written.as_bytes()).is_err(), "{}", written),
        }
        if let Ok(line) = SoundLine::check(Bytes::from(written.clone())) {
            prop_assert_eq!(Head::decode_sound(&line), Head::decode(written.as_bytes()));
            prop_assert_eq!(Event::decode_sound(&line), Event::decode(written.as_bytes()));
        }
    }

    /// Decoding a head accepts the same lines as decoding an event, and keeps the same values.
    #[test]
    fn heads_and_events_decode_the_same_lines(
        content in "[\\s\\S]{0,20}",
        attempt in proptest::option::of(0u32..9),
        (at, with) in (0.0..1.0, prop_oneof![
            3 => Just(String::new()),
            4 => "[\\s\\S]{1,3}",
            1 => Just("\"data\":[]".to_owned()), 1 => Just("\"id\":1,".to_owned()), 1 => Just("null".to_owned()),
        ]),
        cut in 0usize..30,
    ) {
        let mut source = source();
        source.attempt = attempt;
        let line = source.llm_text_delta(family::model::TextDelta { content, snapshot: None }).encode().unwrap();
        let mut line = line.to_vec();
        if !with.is_empty() {
            let at = (at * line.len() as f64) as usize;
            let end = (at + cut).min(line.len());
            line.splice(at..end, with.bytes());
        }
        let event = Event::decode(&line);
        let head = Head::decode(&line);
        prop_assert_eq!(head, event.map(Head::from), "{}", String::from_utf8_lossy(&line));
    }

    #[test]
    fn any_bytes_decode_or_fail_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::accept(&bytes);
    }
}
