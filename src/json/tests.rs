//! Hostile texts, and the scan against the parser.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::limits::{EDGE_DEPTH, JSON_DEPTH, STACK_BYTES};

const RAW: &str = "$serde_json::private::RawValue";

fn nested(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// Raw values in raw values: the text that overflows a parser that honours the key.
fn layers(count: usize) -> String {
    (0..count).fold("1".to_owned(), |inner, _| json!({ RAW: inner }).to_string())
}

/// Spellings of the reserved keys.
fn spellings() -> Vec<String> {
    let escaped: String = RAW.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let upper: String = RAW.bytes().map(|byte| format!("\\u{byte:04X}")).collect();
    vec![
        RAW.into(),
        "$serde_json::private::Number".into(),
        RAW.replace('$', "\\u0024"),
        RAW.replace(':', "\\u003a"),
        RAW.replace('j', "\\u006A"),
        RAW.replace("private", "\\u0070rivate"),
        escaped,
        upper,
    ]
}

#[test]
fn a_reserved_key_is_refused_in_every_spelling_at_every_place() {
    for key in spellings() {
        for text in [
            format!(r#"{{"{key}":"1"}}"#),
            format!("{{\"{key}\" \n\t\r : \"1\"}}"),
            format!(r#"{{"a":1,"{key}":"1"}}"#),
            format!(r#"[1,{{"a":[{{"b":{{"{key}":[]}}}}]}}]"#),
            format!(r#"{{"a":"\\","b\"":{{"{key}":1}}}}"#),
        ] {
            let error = from_str::<Value>(&text).unwrap_err();
            assert!(matches!(error, Error::Fault(Fault::Reserved { .. })), "{text}: {error}");
        }
    }
}

#[test]
fn a_reserved_name_is_fine_as_a_value() {
    for name in spellings() {
        let text = format!(r#"{{"a":"{name}","b":["{name}", "{{\"{RAW}\":1}}"],"$":1,"\u0024x":"$"}}"#);
        let read: Value = from_str(&text).unwrap();
        assert!(read["a"].as_str().unwrap().starts_with("$serde_json"), "{text}");
    }
}

#[test]
fn depth_is_what_the_parser_allows() {
    from_str::<Value>(&nested(JSON_DEPTH)).unwrap();
    let deep = nested(JSON_DEPTH + 1);
    let Error::Fault(fault) = from_str::<Value>(&deep).unwrap_err() else { panic!() };
    assert_eq!(fault, Fault::TooDeep { depth: JSON_DEPTH + 1, limit: JSON_DEPTH });
    #[expect(clippy::disallowed_methods, reason = "the parser's own limit is looked at")]
    serde_json::from_str::<Value>(&deep).unwrap_err();
    // A raw value has no limit by itself.
    from_str::<&RawValue>(&deep).unwrap_err();
    shallow::<Value>(&nested(EDGE_DEPTH)).unwrap();
    shallow::<Value>(&nested(EDGE_DEPTH + 1)).unwrap_err();
    // Brackets inside strings nest nothing; many side by side are not deep.
    from_str::<Value>(&json!("[".repeat(1000)).to_string()).unwrap();
    from_str::<Value>(&format!("[{}]", vec!["[]"; 1000].join(","))).unwrap();
}

/// Types that buffer what they read, or read it twice.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Flattened {
    #[serde(flatten)]
    inner: Tagged,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(dead_code, reason = "only read")]
enum Tagged {
    Of { value: Value },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "only read")]
enum Either {
    Number { value: u64 },
    Any { value: Value },
}

/// With the stack that every thread of a process has, in this build.
#[test]
fn the_deepest_text_and_hostile_ones_fit_the_stack() {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let inner = nested(JSON_DEPTH - 1);
        let text = format!(r#"{{"kind":"of","value":{inner}}}"#);
        let found: Value = from_str(&text).unwrap();
        from_str::<Flattened>(&text).unwrap();
        from_str::<Either>(&text).unwrap();
        from_value::<Flattened>(found.clone()).unwrap();
        read::<Either>(found.clone()).unwrap();
        assert_eq!(found.clone(), found);
        assert_eq!(tree::depth(&found), JSON_DEPTH);
        assert_eq!(tree::deserialize(found.clone(), JSON_DEPTH).unwrap(), found);
        assert_eq!(found.to_string().len(), text.len());
        let mut merged = found.clone();
        json_patch::merge(&mut merged, &found);
        assert!(json_patch::diff(&merged, &json!({ "value": [] })).0.len() <= 2);
        for hostile in [layers(12), format!("[{}", "[".repeat(1_000_000)), nested(1_000_000)] {
            from_str::<Value>(&hostile).unwrap_err();
            from_str::<&RawValue>(&hostile).unwrap_err();
            from_str::<Flattened>(&format!(r#"{{"kind":"of","value":{hostile}}}"#)).unwrap_err();
            from_str::<Either>(&format!(r#"{{"value":{hostile}}}"#)).unwrap_err();
            read::<Either>(format!(r#"{{"value":{hostile}}}"#).as_str()).unwrap_err();
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn a_value_that_was_put_together_is_looked_at_too() {
    let hostile = json!({ "kind": "of", "value": [{ RAW: layers(3) }] });
    let error = from_value::<Flattened>(hostile.clone()).unwrap_err();
    assert!(matches!(error, Error::Fault(Fault::Reserved { .. })), "{error}");
    assert!(tree::deserialize(hostile, JSON_DEPTH).unwrap_err().to_string().contains("reserved"));
    let deep = (0..JSON_DEPTH).fold(json!([]), |inner, _| json!([inner]));
    assert_eq!(tree::depth(&deep), JSON_DEPTH + 1);
    assert!(tree::deserialize(deep.clone(), JSON_DEPTH).unwrap_err().to_string().contains("128 levels"));
    from_value::<Value>(deep).unwrap_err();
}

#[test]
fn faults_say_where_and_how_much() {
    let error = read::<Flattened>(nested(EDGE_DEPTH * 4).as_str()).unwrap_err();
    assert_eq!(error.to_string(), ".: the JSON is nested 256 levels deep, the limit is 127: flatten it");
    let error = from_str::<Value>(&format!(r#"{{"{RAW}":1}}"#)).unwrap_err().to_string();
    assert!(error.contains("rename") && error.contains(RAW), "{error}");
}

#[test]
fn the_first_object_of_a_text_is_found() {
    let (object, end) = first_object(r#"{"a":"}"} and {"#).unwrap();
    assert_eq!((object["a"].as_str(), end), (Some("}"), 9));
    for none in
        ["{", "{]", "{a}", "[1]", &format!("{} prose", layers(1)), &format!(r#"{{"a":{}}}"#, nested(200))]
    {
        assert!(first_object(none).is_none(), "{none}");
    }
    // The text behind it does not count.
    assert!(first_object(&format!("{{}} {}", nested(200))).is_some());
}

/// Any JSON, with keys that look like reserved ones.
fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![Just(RAW.to_owned()), "[$\"\\\\{}\\[\\]:a]{0,6}", "\\PC{0,4}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from)
    ];
    leaf.prop_recursive(8, 40, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..3)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    /// The scan of the text and the walk over the value say the same.
    #[test]
    fn text_and_value_are_judged_alike(value in values(), pretty in any::<bool>(), limit in 0..8_usize) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let (scanned, walked) = (scan::check(text.as_bytes()), tree::check(&value));
        prop_assert_eq!(scanned.is_ok(), walked.is_ok());
        if walked.is_ok() {
            prop_assert_eq!(&from_str::<Value>(&text).unwrap(), &value);
            prop_assert_eq!(&from_value::<Value>(value.clone()).unwrap(), &value);
            prop_assert_eq!(scan::check_within(text.as_bytes(), limit).is_ok(), tree::depth(&value) <= limit);
        }
    }

    /// No text is both refused by the parser's own limit and let through, and none stops the process.
    #[test]
    fn any_text_is_read_or_refused(text in "[\\[\\]{}:,\"\\\\$u0241 a]{0,80}") {
        let _ = from_str::<Value>(&text);
        let _ = first_object(&text);
        let _ = scan::check_within(text.as_bytes(), 2);
    }
}
