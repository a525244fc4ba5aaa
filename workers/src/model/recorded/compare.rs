//! Whether two requests ask for the same, and where they differ.
//!
//! Fields that say how an answer is sent (`stream`, `stream_options`) do not count. Ids of calls count by the order of their first
//! occurrence: Runbus makes new ones in each run where a provider gives none. A field that is null, and an empty `content`, are absent.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::clean::REMOVED;

/// Fields of a request that say how its answer is sent.
const TRANSPORT: [&str; 2] = ["stream", "stream_options"];

/// Fields that name a call beside `id`.
const IDS: [&str; 3] = ["tool_call_id", "tool_use_id", "call_id"];

/// Fields of a call in which its arguments or its result stand.
const OF_CALLS: [&str; 4] = ["input", "args", "arguments", "response"];

/// Characters of a text that a difference shows.
const SHOWN_CHARS: usize = 80;

/// Where two requests differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// The fields that differ, as in `messages[2].content`, in the order of the recorded request.
    pub(super) fields: usize,
    /// The first of them.
    pub(super) field: String,
    /// Its recorded content.
    pub(super) recorded: String,
    /// Its content in the request that was made.
    pub(super) asked: String,
}

/// A request as it is compared.
pub(super) fn plain(request: &Value) -> Value {
    let mut request = request.clone();
    if let Value::Object(fields) = &mut request {
        fields.retain(|name, _| !TRANSPORT.contains(&name.as_str()));
    }
    normalize(&mut request, &mut BTreeMap::new());
    request
}

fn normalize(value: &mut Value, ids: &mut BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| normalize(item, ids)),
        Value::Object(fields) => {
            fields.retain(|name, value| !(value.is_null() || name == "content" && value == ""));
            let is_call = is_call(fields);
            for (name, value) in fields.iter_mut() {
                let is_id = IDS.contains(&name.as_str()) || name == "id" && is_call;
                match value {
                    Value::String(id) if is_id => {
                        let number = ids.len() + 1;
                        id.clone_from(ids.entry(id.clone()).or_insert_with(|| format!("call {number}")));
                    }
                    Value::Object(_) if is_call && OF_CALLS.contains(&name.as_str()) => {}
                    value => normalize(value, ids),
                }
            }
        }
        _ => {}
    }
}

/// Whether an object is a call, or the result of one.
fn is_call(fields: &Map<String, Value>) -> bool {
    fields.contains_key("function")
        || fields.contains_key("name") && OF_CALLS.iter().any(|name| fields.contains_key(*name))
}

/// Where a request differs from a recorded one, both plain; `None`: they ask for the same.
pub(super) fn difference(recorded: &Value, asked: &Value) -> Option<Difference> {
    let mut found = Difference::default();
    walk(recorded, asked, &mut String::new(), &mut found);
    (found.fields > 0).then_some(found)
}

/// Whether they ask for the same.
pub(super) fn is_same(recorded: &Value, asked: &Value) -> bool {
    match (recorded, asked) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| is_same(a, b)))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::String(a), Value::String(b)) => is_same_text(a, b),
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

fn walk(recorded: &Value, asked: &Value, path: &mut String, found: &mut Difference) {
    let length = path.len();
    match (recorded, asked) {
        (Value::Object(a), Value::Object(b)) => {
            let more =
                b.iter().filter(|(name, _)| !a.contains_key(*name)).map(|(name, b)| (name, None, Some(b)));
            let all = a.iter().map(|(name, a)| (name, Some(a), b.get(name))).chain(more);
            for (name, a, b) in all {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                both(a, b, path, found);
                path.truncate(length);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            for place in 0..a.len().max(b.len()) {
                path.push_str(&format!("[{place}]"));
                both(a.get(place), b.get(place), path, found);
                path.truncate(length);
            }
        }
        (a, b) if is_same(a, b) => {}
        (a, b) => both(Some(a), Some(b), path, found),
    }
}

fn both(recorded: Option<&Value>, asked: Option<&Value>, path: &mut String, found: &mut Difference) {
    if let (Some(a), Some(b)) = (recorded, asked)
        && (matches!((a, b), (Value::Object(_), Value::Object(_)) | (Value::Array(_), Value::Array(_)))
            || is_same(a, b))
    {
        return walk(a, b, path, found);
    }
    if found.fields == 0 {
        let (a, b) = (text(recorded), text(asked));
        let from = common(&a, &b);
        path.clone_into(&mut found.field);
        found.recorded = shown(&a, from);
        found.asked = shown(&b, from);
    }
    found.fields += leaves(recorded).max(leaves(asked));
}

fn leaves(value: Option<&Value>) -> usize {
    match value {
        None => 0,
        Some(Value::Array(items)) => items.iter().map(|item| leaves(Some(item))).sum::<usize>().max(1),
        Some(Value::Object(fields)) => fields.values().map(|item| leaves(Some(item))).sum::<usize>().max(1),
        Some(_) => 1,
    }
}

fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "(absent)".to_owned(), Value::to_string)
}

/// Where two texts begin to differ, less a few characters for the reader.
fn common(a: &str, b: &str) -> usize {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    if same < SHOWN_CHARS / 2 { 0 } else { same - SHOWN_CHARS / 4 }
}

fn shown(text: &str, from: usize) -> String {
    let from = text.floor_char_boundary(from);
    let mut shown: String = text[from..].chars().take(SHOWN_CHARS).collect();
    if from > 0 {
        shown.insert_str(0, "...");
    }
    if text[from..].chars().nth(SHOWN_CHARS).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Whether a text is the recorded one, of which parts may have been removed.
fn is_same_text(recorded: &str, asked: &str) -> bool {
    if recorded == asked {
        return true;
    }
    let mut parts = recorded.split(REMOVED);
    let Some(mut rest) = parts.next().and_then(|first| asked.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return false;
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compared(recorded: &Value, asked: &Value) -> Option<Difference> {
        let (recorded, asked) = (plain(recorded), plain(asked));
        let found = difference(&recorded, &asked);
        assert_eq!(found.is_none(), is_same(&recorded, &asked));
        found
    }

    #[test]
    fn requests_are_the_same_whatever_their_ids_and_the_form_of_their_answer() {
        let request = |first: &str, second: &str, stream: bool| {
            json!({"model": "m", "stream": stream, "temperature": if stream { json!(1) } else { json!(1.0) }, "messages": [
                {"role": "assistant", "content": if stream { json!("") } else { json!(null) }, "tool_calls": [
                    {"id": first, "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    {"id": second, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": second, "content": "2"},
                {"role": "tool", "tool_call_id": first, "content": "1"},
            ]})
        };
        assert_eq!(compared(&request("a", "b", true), &request("x", "a", false)), None);
        let mut swapped = request("x", "a", false);
        swapped["messages"][1]["tool_call_id"] = "x".into();
        let found = compared(&request("a", "b", true), &swapped).unwrap();
        assert_eq!((found.fields, found.field.as_str()), (1, "messages[1].tool_call_id"));
    }

    #[test]
    fn an_argument_that_is_named_id_counts_as_it_is() {
        let asked = |id: &str| {
            json!({"messages": [{"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"id": id, "name": "n"}}]}]})
        };
        assert_eq!(compared(&asked("a"), &asked("b")).unwrap().field, "messages[0].content[0].input.id");
    }

    #[test]
    fn the_first_field_that_differs_is_shown_with_both_contents() {
        let recorded = json!({"model": "m", "messages": [{"role": "user", "content": format!("{}old", "a".repeat(200))}]});
        let asked = json!({"messages": [{"role": "user", "content": format!("{}new", "a".repeat(200))}], "top_p": 1, "model": "n"});
        let found = compared(&recorded, &asked).unwrap();
        assert_eq!((found.fields, found.field.as_str()), (3, "model"));
        assert_eq!((found.recorded.as_str(), found.asked.as_str()), ("\"m\"", "\"n\""));
        let asked = json!({"model": "m", "messages": [asked["messages"][0]]});
        let found = compared(&recorded, &asked).unwrap();
        assert_eq!(found.field, "messages[0].content");
        assert!(found.recorded.ends_with("aold\"") && found.asked.starts_with("...aaa"), "{found:?}");
    }

    #[test]
    fn what_was_removed_matches_any_text() {
        for (recorded, asked, same) in [
            ("[removed]", "x", true),
            ("a [removed] b", "a x b", true),
            ("a [removed] b [removed]", "a 1 b 2", true),
            ("a [removed] b", "a x c", false),
            ("a", "b", false),
        ] {
            assert_eq!(is_same_text(recorded, asked), same, "{recorded} {asked}");
        }
    }
}
