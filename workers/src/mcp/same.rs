//! Whether the parts of a result already say what its structured content says.

use serde_json::Value;

/// Whether the model would read the same twice. Servers repeat structured content as JSON, each item of a list as a part of its own,
/// or the one value of a wrapper (`{"result": ...}`, `{"content": ...}`) as plain text.
pub(super) fn says(parts: &[String], value: &Value) -> bool {
    if value.is_null() || parts.iter().any(|part| is(part, value)) || is(&parts.concat(), value) {
        return true;
    }
    match value {
        Value::Object(fields) if fields.len() == 1 => fields.values().all(|inner| says(parts, inner)),
        Value::Array(items) => {
            items.len() == parts.len() && items.iter().zip(parts).all(|(item, part)| is(part, item))
        }
        _ => false,
    }
}

/// Whether a part is a value: as plain text, or as JSON with or without a fence around it.
fn is(part: &str, value: &Value) -> bool {
    let text = part.trim();
    if value.as_str().is_some_and(|said| said.trim() == text) {
        return true;
    }
    let fenced = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    let text = fenced.and_then(|rest| rest.strip_suffix("```")).map_or(text, str::trim);
    // Parsing a text is expensive; a text that cannot be this value is not parsed.
    let begins = match value {
        Value::Object(_) => '{',
        Value::Array(_) => '[',
        Value::String(_) => '"',
        Value::Null => return text == "null",
        Value::Bool(_) | Value::Number(_) => {
            let alike = |read: Value| equal(&read, value);
            return text.len() < 64
                && (runbus::json::from_str(text).is_ok_and(alike)
                    || text.eq_ignore_ascii_case(&value.to_string()));
        }
    };
    text.starts_with(begins) && runbus::json::from_str::<Value>(text).is_ok_and(|read| equal(&read, value))
}

/// Whether two values are equal; numbers by value.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn recognises_equal_content() {
        for (parts, value) in [
            (vec!["{\"a\": 1, \"b\": [2.0]}"], json!({"b": [2], "a": 1.0})),
            (vec!["sunny"], json!({"result": "sunny"})),
            (vec!["the text\n"], json!({"content": "the text"})),
            (vec!["a", "b"], json!({"result": ["a", "b"]})),
            (vec!["{\"n\":1}", "{\"n\":2}"], json!({"result": [{"n": 1}, {"n": 2}]})),
            (vec!["7"], json!({"result": 7})),
            (vec!["True"], json!({"result": true})),
            (vec!["see:", "{\"a\":1}"], json!({"a": 1})),
            (vec!["```json\n{\"a\":1}\n```"], json!({"a": 1})),
            (vec![], json!(null)),
        ] {
            let parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
            assert!(says(&parts, &value), "{parts:?} {value}");
        }
        for (parts, value) in [
            (vec!["{\"a\":1}"], json!({"a": 2})),
            (vec!["found 2"], json!({"count": 2})),
            (vec!["a"], json!({"result": ["a", "b"]})),
            (vec!["a"], json!({"result": "a", "more": 1})),
            (vec![], json!({})),
        ] {
            let parts: Vec<String> = parts.into_iter().map(str::to_owned).collect();
            assert!(!says(&parts, &value), "{parts:?} {value}");
        }
    }

    proptest! {
        #[test]
        fn json_of_a_value_says_it(a in any::<i32>(), text in "\\PC{0,12}", flag in any::<bool>(), pretty in any::<bool>()) {
            let value = json!({"a": a, "t": text, "l": [flag, null]});
            let part = if pretty { serde_json::to_string_pretty(&value).unwrap() } else { value.to_string() };
            prop_assert!(says(&[part], &value));
        }
    }
}
