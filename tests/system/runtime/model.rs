//! A model that does what its input says, so that each case reads in one place.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use runbus_workers::model::{Delta, Fault, Message, Model, Request, ToolCall, Turn, TurnStream, Usage};
use serde_json::Value;
use tokio::sync::watch;

/// Tokens that each turn of [`Obedient`] costs.
pub const TOKENS: u64 = 100;

/// The instruction in the last message of a user:
/// - a JSON array of `[tool, arguments]`: makes these calls, and then says `results: ` and the results;
/// - `loop TOOL`: calls the tool in every round;
/// - `stream`: says a word and then nothing, for ever;
/// - `refuse`: fails;
/// - anything else: says `heard: ` and the text.
///
/// Without a new message of a user it says `going on`.
#[derive(Debug)]
pub struct Obedient {
    /// The requests, in order.
    requests: Mutex<Vec<Request>>,
    /// Streams without end that were begun and dropped.
    begun: watch::Sender<usize>,
    dropped: Arc<watch::Sender<usize>>,
}

impl Default for Obedient {
    fn default() -> Self {
        Self {
            requests: Mutex::default(),
            begun: watch::Sender::new(0),
            dropped: Arc::new(watch::Sender::new(0)),
        }
    }
}

/// Counts when it is dropped.
struct Guard(Arc<watch::Sender<usize>>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count += 1);
    }
}

impl Obedient {
    /// The messages of each request for a node, in order.
    pub fn asked(&self, node: &str) -> Vec<Vec<Message>> {
        let requests = self.requests.lock().unwrap();
        requests.iter().filter(|request| request.hint.node == node).map(|r| r.messages.clone()).collect()
    }

    /// Waits until so many endless streams were begun.
    pub async fn begun(&self, count: usize) {
        super::kit::within(self.begun.subscribe().wait_for(|now| *now >= count)).await.unwrap();
    }

    /// Waits until so many of them were dropped.
    pub async fn dropped(&self, count: usize) {
        super::kit::within(self.dropped.subscribe().wait_for(|now| *now >= count)).await.unwrap();
    }
}

#[async_trait]
impl Model for Obedient {
    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        let (told, results) = heard(&request.messages);
        self.requests.lock().unwrap().push(request.clone());
        let calls: Vec<(String, Value)> = match told.strip_prefix("loop ") {
            Some(tool) => vec![(tool.to_owned(), Value::Object(serde_json::Map::new()))],
            None if results.is_empty() => serde_json::from_str(&told).unwrap_or_default(),
            None => Vec::new(),
        };
        let text = match told.as_str() {
            "stream" => {
                self.begun.send_modify(|count| *count += 1);
                let guard = Guard(self.dropped.clone());
                let word = stream::iter([Ok(Delta::Text("once ".into()))]);
                let silence = stream::once(async move {
                    let _guard = guard;
                    std::future::pending().await
                });
                return Ok(word.chain(silence).boxed());
            }
            "refuse" => return Err(Fault::Unsendable { message: "the model does not want to".into() }),
            _ if !calls.is_empty() => String::new(),
            _ if !results.is_empty() => format!("results: {}", results.join(" | ")),
            "" => "going on".into(),
            told => format!("heard: {told}"),
        };
        let prefix = format!("call_{}", request.messages.len());
        let tool_calls: Vec<ToolCall> = calls
            .into_iter()
            .enumerate()
            .map(|(n, (name, arguments))| {
                // A text is used verbatim, so that arguments can be invalid JSON too.
                let arguments = arguments.as_str().map_or_else(|| arguments.to_string(), str::to_owned);
                ToolCall::new(format!("{prefix}_{n}"), name, arguments)
            })
            .collect();
        let usage = Usage {
            prompt_tokens: TOKENS - 1,
            completion_tokens: 1,
            total_tokens: TOKENS,
            reasoning_tokens: None,
            cached_tokens: None,
            // An answer with this word has a price, and its tokens are estimated.
            estimated: text.contains("priced"),
            cost: text.contains("priced").then_some(0.25),
        };
        let turn = Turn {
            text: text.clone(),
            reasoning: String::new(),
            finish_reason: Some(if tool_calls.is_empty() { "stop" } else { "tool_calls" }.into()),
            tool_calls,
            usage: Some(usage),
            model: Some("obedient".into()),
            provider: None,
            message_id: None,
            request_id: None,
            extra: serde_json::Map::new(),
        };
        let said = (!text.is_empty()).then_some(Delta::Text(text));
        let deltas = said.into_iter().chain([Delta::Completed(Box::new(turn))]).map(Ok);
        Ok(stream::iter(deltas.collect::<Vec<_>>()).boxed())
    }
}

/// The last user message, unless it was answered, and the tool results since.
fn heard(messages: &[Message]) -> (String, Vec<String>) {
    let mut results = Vec::new();
    for message in messages.iter().rev() {
        match message {
            Message::Tool { content, .. } => results.insert(0, content.text().into_owned()),
            Message::User { content } => return (content.described().into_owned(), results),
            Message::Assistant { tool_calls, .. } if tool_calls.is_empty() => {
                return (String::new(), results);
            }
            _ => {}
        }
    }
    (String::new(), results)
}
