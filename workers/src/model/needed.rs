//! The fields of a chunk that count, read without the others: most of a chunk says again what the first one said.

use std::fmt;

use runbus::json;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A chunk with the fields that [`super::chunk`] looks at. `None`: it has to be read whole, since it has no choice, another form, or
/// halves of characters.
pub(super) fn read(text: &str) -> Option<Value> {
    let Fields(fields) = json::from_str(text).ok()?;
    let has_choice = fields.get("choices").and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    has_choice.then_some(Value::Object(fields))
}

/// The fields of a chunk.
struct Fields(Map<String, Value>);

/// The choices of a chunk.
struct Choices(Vec<Value>);

/// The fields of a choice.
struct Choice(Map<String, Value>);

/// A field's name.
#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Name {
    Choices,
    Model,
    Usage,
    Error,
    XGroq,
    BaseResp,
    Index,
    Delta,
    Message,
    FinishReason,
    Text,
    #[serde(other)]
    Other,
}

impl Name {
    /// Its text, where a chunk counts it.
    const fn of_chunk(&self) -> Option<&'static str> {
        Some(match self {
            Self::Model => "model",
            Self::Usage => "usage",
            Self::Error => "error",
            Self::XGroq => "x_groq",
            Self::BaseResp => "base_resp",
            _ => return None,
        })
    }

    /// Its text, where a choice counts it.
    const fn of_choice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Index => "index",
            Self::Delta => "delta",
            Self::Message => "message",
            Self::FinishReason => "finish_reason",
            Self::Error => "error",
            Self::Text => "text",
            _ => return None,
        })
    }
}

struct ChunkVisitor;

impl<'de> Visitor<'de> for ChunkVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a chunk")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<Name>()? {
            if matches!(name, Name::Choices) {
                let Choices(choices) = map.next_value()?;
                fields.insert("choices".to_owned(), Value::Array(choices));
            } else if let Some(name) = name.of_chunk() {
                fields.insert(name.to_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Fields(fields))
    }
}

struct ChoicesVisitor;

impl<'de> Visitor<'de> for ChoicesVisitor {
    type Value = Choices;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices, A::Error> {
        let mut choices = Vec::with_capacity(1);
        while let Some(Choice(fields)) = list.next_element()? {
            choices.push(Value::Object(fields));
        }
        Ok(Choices(choices))
    }
}

struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = Choice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a choice")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Choice, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<Name>()? {
            if let Some(name) = name.of_choice() {
                fields.insert(name.to_owned(), map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Choice(fields))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ChunkVisitor)
    }
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChoicesVisitor)
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ChoiceVisitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::chunk::{Chunk, Form};

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            Just(json!(0)),
            Just(json!(-1.5)),
            Just(json!("")),
            Just(json!("stop")),
            Just(json!(true)),
        ];
        let name = prop_oneof![
            Just("choices"),
            Just("delta"),
            Just("message"),
            Just("content"),
            Just("index"),
            Just("finish_reason"),
            Just("error"),
            Just("usage"),
            Just("model"),
            Just("code"),
            Just("detail"),
            Just("text"),
            Just("tool_calls"),
            Just("logprobs"),
            Just("role"),
        ];
        leaf.prop_recursive(5, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::vec((name.clone(), inner), 0..5).prop_map(|fields| {
                    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_chunk_reads_the_same_with_and_without_what_does_not_count(
            choices in any_value(),
            others in prop::collection::vec(any_value(), 4),
        ) {
            let names = ["error", "usage", "code", "message"];
            let mut chunk = json!({"id": "x", "choices": choices, "model": "m"});
            for (name, value) in names.iter().zip(others) {
                chunk[*name] = value;
            }
            if let Some(needed) = read(&chunk.to_string()) {
                let (whole, needed) = (Chunk::read(chunk, Form::Streamed), Chunk::read(needed, Form::Streamed));
                prop_assert_eq!(format!("{whole:?}"), format!("{needed:?}"));
            }
        }
    }

    #[test]
    fn what_has_no_choice_or_another_form_is_read_whole() {
        let usual =
            r#"{"id":"a","choices":[{"index":0,"delta":{"content":"hi"},"logprobs":null}],"usage":null}"#;
        let wanted = json!({"choices": [{"index": 0, "delta": {"content": "hi"}}], "usage": null});
        assert_eq!(read(usual), Some(wanted));
        for text in [
            r#"{"code":1,"message":"no"}"#,
            r#"{"choices":[]}"#,
            r#"{"choices":{"delta":{}}}"#,
            r#"{"choices":[1]}"#,
            r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
            r#"[{"choices":[{}]}]"#,
            "x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
