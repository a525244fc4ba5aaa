//! Events that are too large for the log: their longest texts are cut, with a marker; the journal keeps the whole.

use std::sync::Arc;

use bytes::Bytes;
use runbus::event::{Error, Event};
use serde_json::Value;

/// Longest texts that are tried, in bytes, longest first.
const TEXT_BYTES: [usize; 5] = [64 * 1024, 16 * 1024, 4 * 1024, 1024, 128];

/// An event as a line of at most `room` bytes. A line that had to be cut has `"truncated": true` in its `data`.
///
/// # Errors
/// It does not fit even so.
pub(super) fn encode(event: &Event, room: usize) -> Result<Bytes, Error> {
    // A value that no reader could read is cut like one that is too large: the journal keeps it.
    if let Ok(line) = event.encode()
        && line.len() <= room
    {
        return Ok(line);
    }
    let whole: Value = runbus::json::from_str(event.data.get()).unwrap_or_default();
    for limit in TEXT_BYTES {
        let mut data = whole.clone();
        cut(&mut data, limit);
        if let Ok(line) = with(event, data).encode()
            && line.len() <= room
        {
            return Ok(line);
        }
    }
    with(event, Value::Object(serde_json::Map::new())).encode()
}

fn with(event: &Event, mut data: Value) -> Event {
    data["truncated"] = true.into();
    let mut event = event.clone();
    if let Ok(raw) = serde_json::value::to_raw_value(&data) {
        event.data = Arc::from(raw);
    }
    event
}

fn cut(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) if text.len() > limit => {
            let bytes = text.len();
            text.truncate(text.floor_char_boundary(limit));
            text.push_str(&format!(" [{} of {bytes} bytes left out]", bytes - text.len()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| cut(item, limit)),
        Value::Object(fields) => fields.values_mut().for_each(|field| cut(field, limit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use runbus::event::Source;
    use runbus::event::family::execution::Completed;
    use runbus::id::{ExecutionId, StreamId};
    use runbus::time::Clock;
    use serde_json::json;

    use super::*;

    #[test]
    fn large_events_are_cut_and_say_so() {
        let source =
            Source::execution(StreamId::new("s").unwrap(), ExecutionId::new("e").unwrap(), Clock::System);
        for output in [
            json!({ "a": "\u{e9}".repeat(400_000), "b": 1 }),
            json!(vec!["x".repeat(3000); 500]),
            json!(vec![1; 400_000]),
        ] {
            let event = source.execution_completed(Completed { output });
            let line = encode(&event, 100_000).unwrap();
            assert!(line.len() <= 100_000);
            let back = Event::decode(&line).unwrap();
            assert!(back.data.get().contains("\"truncated\":true") && back.id == event.id);
        }
        let small = source.execution_completed(Completed { output: json!("x") });
        assert_eq!(encode(&small, 100_000).unwrap(), small.encode().unwrap());
    }
}
