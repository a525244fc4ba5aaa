//! Consecutive deltas of one message as one event, for clients that are behind.
//!
//! Only deltas that stand next to each other in what the client gets are merged, so that the cursor of the merged event,
//! which is the last one's, covers nothing that was not sent. Every event between two deltas keeps them apart, also one
//! that the client's filter leaves out.

use runbus::event::{Class, Kind};
use serde::{Deserialize, Serialize};

use super::output::Output;
use crate::limits;
use crate::protocol::Text;

/// A delta as clients get it. One with anything else in it is not merged, because that would be lost.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Delta {
    id: String,
    r#type: String,
    stream_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    node_id: Option<String>,
    execution_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    data: Data,
    timestamp: String,
    /// How many events it stands for.
    #[serde(default = "one")]
    merged: u64,
    seq: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    external: bool,
    cursor: String,
}

const fn one() -> u64 {
    1
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Data {
    Text(Piece),
    Call(CallPiece),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Piece {
    content: String,
    /// The text so far, where the producer sends it: the last one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    snapshot: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallPiece {
    index: u64,
    tool_use_id: String,
    tool_name: String,
    arguments: String,
}

impl Data {
    /// The text that grows.
    const fn text(&self) -> &String {
        match self {
            Self::Text(piece) => &piece.content,
            Self::Call(piece) => &piece.arguments,
        }
    }

    /// Bytes that it adds to what is there.
    fn bytes(&self) -> usize {
        let snapshot = match self {
            Self::Text(piece) => piece.snapshot.as_ref().map_or(0, String::len),
            Self::Call(_) => 0,
        };
        self.text().len() + snapshot
    }

    /// Whether `next` goes on with the same text.
    fn takes(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Text(piece), Self::Text(next)) => piece.snapshot.is_some() == next.snapshot.is_some(),
            (Self::Call(piece), Self::Call(next)) => {
                (piece.index, &piece.tool_use_id, &piece.tool_name)
                    == (next.index, &next.tool_use_id, &next.tool_name)
            }
            _ => false,
        }
    }

    /// The same with `next` behind it.
    fn and(self, next: Self) -> Self {
        match (self, next) {
            (Self::Text(mut piece), Self::Text(next)) => {
                piece.content.push_str(&next.content);
                Self::Text(Piece { snapshot: next.snapshot, ..piece })
            }
            (Self::Call(mut piece), Self::Call(next)) => {
                piece.arguments.push_str(&next.arguments);
                Self::Call(piece)
            }
            (_, next) => next,
        }
    }
}

impl Delta {
    fn read(text: &Text) -> Option<Self> {
        let kind: Kind = text.kind().parse().ok()?;
        if kind.class() != Class::Coalescible {
            return None;
        }
        // An event with a doubled or unknown field is sent unchanged.
        runbus::json::from_str::<Self>(text.json()).ok().filter(|delta| delta.merged == 1)
    }

    /// Whether `next` goes on with the same message, and both fit into one event.
    fn takes(&self, next: &Self) -> bool {
        let follows = match self.attempt {
            // A worker's events are numbered through: `seq - merged` is the number of the one before.
            Some(_) if !self.external => self.seq.checked_add(1) == Some(next.seq),
            _ => next.seq > self.seq,
        };
        follows
            && self.external == next.external
            && self.data.takes(&next.data)
            && self.data.text().len() + next.data.bytes() <= limits::MERGED_BYTES
            && (&self.r#type, &self.stream_id, &self.node_id, &self.execution_id)
                == (&next.r#type, &next.stream_id, &next.node_id, &next.execution_id)
            && (&self.correlation_id, &self.session_id, self.attempt)
                == (&next.correlation_id, &next.session_id, next.attempt)
    }

    fn and(self, next: Self) -> Self {
        runbus::metrics::gateway::COALESCED.inc();
        let merged = self.merged.saturating_add(1);
        Self { data: self.data.and(next.data), merged, ..next }
    }
}

/// An output in front of another, that holds back the last delta to see whether the next one goes on with it.
pub(super) struct Merging<'a> {
    out: &'a mut dyn Output,
    /// The last delta, and the text that it was before anything was added.
    held: Option<(Delta, Text)>,
}

impl<'a> Merging<'a> {
    /// In front of `out`.
    pub(super) const fn new(out: &'a mut dyn Output) -> Self {
        Self { out, held: None }
    }

    /// Hands on the held event.
    pub(super) fn flush(&mut self) {
        let Some((delta, text)) = self.held.take() else { return };
        if delta.merged == 1 {
            return self.out.event(&text);
        }
        // Texts and numbers can always be written.
        let json = serde_json::to_string(&delta).unwrap_or_default();
        self.out.event(&Text::at(&delta.cursor, &delta.r#type, &[&json]));
    }
}

impl Output for Merging<'_> {
    fn room(&self) -> usize {
        let held = self.held.as_ref().map_or(0, |(delta, _)| delta.data.text().len());
        self.out.room().saturating_sub(held)
    }

    fn event(&mut self, event: &Text) {
        let Some(next) = Delta::read(event) else {
            self.flush();
            return self.out.event(event);
        };
        if let Some((held, _)) = self.held.take_if(|(held, _)| held.takes(&next)) {
            self.held = Some((held.and(next), event.clone()));
            return;
        }
        self.flush();
        self.held = Some((next, event.clone()));
    }

    fn skipped(&mut self) {
        self.flush();
    }

    fn notice(&mut self, notice: &Text) {
        self.flush();
        self.out.notice(notice);
    }
}

/// Events one after the other, as a client that has `coalesce` gets them when all of them wait.
#[must_use]
pub fn merged(events: &[Text]) -> Vec<Text> {
    struct All(Vec<Text>);

    impl Output for All {
        fn room(&self) -> usize {
            usize::MAX
        }
        fn event(&mut self, event: &Text) {
            self.0.push(event.clone());
        }
        fn notice(&mut self, notice: &Text) {
            self.0.push(notice.clone());
        }
    }

    let mut all = All(Vec::new());
    let mut merging = Merging::new(&mut all);
    events.iter().for_each(|event| merging.event(event));
    merging.flush();
    all.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use runbus::log::{Cursor, Epoch, Place, Sequence};
    use runbus::subject::Shard;

    #[derive(Default)]
    struct Seen(Vec<Value>);

    impl Output for Seen {
        fn room(&self) -> usize {
            usize::MAX
        }
        fn event(&mut self, event: &Text) {
            self.0.push(serde_json::from_str(event.json()).unwrap());
        }
        fn notice(&mut self, notice: &Text) {
            self.event(notice);
        }
    }

    fn text(seq: u64, kind: &str, node: &str, attempt: Option<u32>, data: &Value) -> Text {
        let cursor = Cursor::start().with(Shard(0), Place::after(Epoch(1), Sequence(seq + 1)));
        let mut event = json!({
            "id": format!("i{seq}"), "type": kind, "stream_id": "s", "execution_id": "e", "node_id": node,
            "data": data, "timestamp": "2026-01-01T00:00:00Z", "seq": seq, "cursor": cursor,
        });
        if let Some(attempt) = attempt {
            event["attempt"] = attempt.into();
        }
        Text::new(Some(&cursor), kind, &[&event.to_string()])
    }

    fn through(texts: &[Text]) -> Vec<Value> {
        let mut seen = Seen::default();
        let mut merging = Merging::new(&mut seen);
        texts.iter().for_each(|text| merging.event(text));
        merging.flush();
        seen.0
    }

    #[test]
    fn deltas_of_one_message_are_one_event() {
        let delta =
            |seq, content: &str| text(seq, "llm_text_delta", "n", Some(1), &json!({ "content": content }));
        let seen = through(&[delta(4, "a"), delta(5, "b\n"), delta(6, "c")]);
        assert_eq!(seen.len(), 1);
        assert_eq!((&seen[0]["data"]["content"], &seen[0]["merged"]), (&json!("ab\nc"), &json!(3)));
        assert_eq!((&seen[0]["seq"], &seen[0]["id"]), (&json!(6), &json!("i6")));
        // A single one is as it was.
        assert!(through(&[delta(4, "a")])[0].get("merged").is_none());
        // A hole in the numbers, another field, another kind, size: they stay apart.
        assert_eq!(through(&[delta(4, "a"), delta(6, "b")]).len(), 2);
        let odd = text(5, "llm_text_delta", "n", Some(1), &json!({ "content": "b", "logprob": 1 }));
        assert_eq!(through(&[delta(4, "a"), odd, delta(6, "b")]).len(), 3);
        let critical = text(5, "custom", "n", Some(1), &json!({ "content": "b" }));
        assert_eq!(through(&[delta(4, "a"), critical, delta(6, "b")]).len(), 3);
        let call = |seq, id: &str, piece: &str| {
            let data = json!({"index": 0, "tool_use_id": id, "tool_name": "t", "arguments": piece});
            text(seq, "tool_call_delta", "n", Some(1), &data)
        };
        let seen = through(&[call(4, "a", "{\"x\""), call(5, "a", ":1}"), call(6, "b", "{"), delta(7, "c")]);
        assert_eq!(seen.len(), 3);
        assert_eq!((&seen[0]["data"]["arguments"], &seen[0]["merged"]), (&json!("{\"x\":1}"), &json!(2)));
        assert_eq!(seen[1]["data"]["tool_use_id"], "b");
        let long = "x".repeat(limits::MERGED_BYTES);
        assert_eq!(through(&[delta(4, "a"), delta(5, &long), delta(6, "b")]).len(), 3);
        let mut seen = Seen::default();
        let mut merging = Merging::new(&mut seen);
        merging.event(&delta(4, "a"));
        merging.skipped();
        merging.event(&delta(5, "b"));
        merging.flush();
        assert_eq!(seen.0.len(), 2);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_moved(events in proptest::collection::vec(
            (0usize..4, 0usize..2, 0u64..2, "[a-z\"ü]{0,5}", proptest::option::weighted(0.2, "[a-z]{0,3}")), 0..60)) {
            let kinds = ["llm_text_delta", "client_output_delta", "llm_reasoning_delta", "custom"];
            let mut seq = 0;
            let texts: Vec<Text> = events.iter().map(|(kind, node, hole, content, snapshot)| {
                seq += 1 + hole;
                let mut data = json!({ "content": content });
                if let Some(snapshot) = snapshot { data["snapshot"] = snapshot.as_str().into(); }
                text(seq, kinds[*kind], ["n", "m"][*node], Some(1), &data)
            }).collect();
            let plain: Vec<Value> = texts.iter().map(|t| serde_json::from_str(t.json()).unwrap()).collect();
            let mut rest = plain.iter();
            for event in through(&texts) {
                let merged = usize::try_from(event["merged"].as_u64().unwrap_or(1)).unwrap();
                let part: Vec<&Value> = rest.by_ref().take(merged).collect();
                let content: String = part.iter().map(|e| e["data"]["content"].as_str().unwrap()).collect();
                let last = part.last().unwrap();
                prop_assert_eq!(event["data"]["content"].as_str().unwrap(), content);
                for field in ["cursor", "seq", "id", "type", "node_id"] { prop_assert_eq!(&event[field], &last[field]); }
                prop_assert_eq!(&event["data"]["snapshot"], &last["data"]["snapshot"]);
                prop_assert!(merged == 1 || event["type"] != "custom");
                prop_assert_eq!(event["seq"].as_u64().unwrap() + 1 - merged as u64, part[0]["seq"].as_u64().unwrap());
            }
            prop_assert!(rest.next().is_none());
        }
    }
}
