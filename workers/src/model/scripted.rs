//! A model that needs no service: it says what its script says, token by token.
//!
//! It is what `runbus demo` runs without credentials. Its answer is a function of the request alone, so that a
//! worker that takes over an execution gets what its predecessor got.

use std::borrow::Cow;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use super::script::{Answer, Script};
use super::written::Written;
use super::{Delta, Fault, Hint, Message, Model, Provider, Request, ToolCall, Turn, TurnStream, Usage};

/// The time between two tokens unless it is set: that of a fast model.
const DEFAULT_PACE: Duration = Duration::from_millis(15);

/// The longest token, in characters.
const MAX_TOKEN_CHARS: usize = 12;

/// The scripted model. Cheap to build; it holds its script only.
#[derive(Debug, Clone)]
pub struct Scripted {
    script: Script,
    pace: Duration,
}

impl Default for Scripted {
    /// The council's script at the default pace.
    fn default() -> Self {
        Self::new(Script::built_in())
    }
}

impl Scripted {
    /// A model that follows `script` at the default pace.
    pub fn new(script: Script) -> Self {
        Self { script, pace: DEFAULT_PACE }
    }

    /// Sets the time between two tokens; zero for tests.
    #[must_use]
    pub fn with_pace(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    /// The whole answer to a request.
    pub fn answer(&self, request: &Request) -> Turn {
        let Hint { node, iteration, round } = &request.hint;
        let scripted = self.script.find(&request.hint);
        let echo = || Answer { text: echo(request), ..Answer::default() };
        let Answer { text, reasoning, tool_calls, .. } = scripted.cloned().unwrap_or_else(echo);
        // With the number of messages, since an execution that continues a session starts at iteration 1 again.
        let turn = format!("{node}_{iteration}_{round}_{}", request.messages.len());
        let tool_calls: Vec<ToolCall> = tool_calls
            .into_iter()
            .enumerate()
            .map(|(index, call)| {
                ToolCall::new(format!("call_{turn}_{index}"), call.name, call.arguments.to_string())
            })
            .collect();
        let reasoning_tokens = count(tokens(&reasoning).count());
        let called: u64 = tool_calls.iter().map(|call| estimate(&call.arguments) + 4).sum();
        let completion_tokens = count(tokens(&text).count()) + reasoning_tokens + called;
        let prompt_tokens = request.messages.iter().map(|message| estimate(&content(message)) + 4).sum();
        let usage = Usage {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens + completion_tokens,
            reasoning_tokens: Some(reasoning_tokens),
            cached_tokens: Some(0),
            estimated: false,
            cost: None,
        };
        let finish_reason = if tool_calls.is_empty() { "stop" } else { "tool_calls" };
        Turn {
            text,
            reasoning,
            tool_calls,
            usage: Some(usage),
            finish_reason: Some(finish_reason.to_owned()),
            model: Some("scripted".to_owned()),
            ..Turn::default()
        }
    }
}

#[async_trait]
impl Model for Scripted {
    fn provider(&self) -> Provider {
        Provider { name: "runbus.scripted", model: "scripted".into(), server: None }
    }

    async fn stream(&self, request: Request) -> Result<TurnStream, Fault> {
        let turn = self.answer(&request);
        let reasoning = tokens(&turn.reasoning).map(|token| Delta::Reasoning(token.to_owned()));
        let text = tokens(&turn.text).map(|token| Delta::Text(token.to_owned()));
        let calls = turn.tool_calls.iter().enumerate().flat_map(|(index, call)| written(index, call));
        let deltas: Vec<Delta> =
            reasoning.chain(text).chain(calls).chain([Delta::Completed(Box::new(turn.clone()))]).collect();
        let pace = self.pace;
        let paced = stream::iter(deltas).then(move |delta| async move {
            // Not even a zero sleep for tests: it would wait for the timer's next tick.
            if !pace.is_zero() && !matches!(delta, Delta::Completed(_)) {
                tokio::time::sleep(pace).await;
            }
            Ok(delta)
        });
        Ok(paced.boxed())
    }
}

/// A call as it is written.
fn written(index: usize, call: &ToolCall) -> Vec<Delta> {
    let (mut written, mut so_far) = (Written::new(index), String::new());
    let more = |token: &str| {
        so_far.push_str(token);
        written.more(&call.id, &call.name, &so_far).map(Delta::Call)
    };
    tokens(&call.arguments).filter_map(more).collect()
}

/// The answer of a node without a script.
fn echo(request: &Request) -> String {
    let Hint { node, iteration, .. } = &request.hint;
    let last = request.messages.last().map(content).unwrap_or_default();
    let last = last.trim();
    let end = last.floor_char_boundary(400);
    let (asked, cut) = (&last[..end], if end < last.len() { "..." } else { "" });
    format!(
        "This is the scripted model, speaking for {node} (iteration {iteration}). I was given: {asked}{cut}"
    )
}

fn content(message: &Message) -> Cow<'_, str> {
    match message {
        Message::System { content } => Cow::Borrowed(content),
        Message::User { content } => content.described(),
        Message::Tool { content, .. } => content.text(),
        Message::Assistant { content, .. } => Cow::Borrowed(content.as_deref().unwrap_or_default()),
    }
}

/// Splits a text as a tokenizer might: a word with the space before it, long ones in pieces.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let boundary = |(index, (before, after)): (usize, (char, char))| {
            let begins_word = after.is_whitespace() && !before.is_whitespace();
            (begins_word || index + 1 == MAX_TOKEN_CHARS).then_some(index)
        };
        let pairs = rest.chars().zip(rest.chars().skip(1)).enumerate();
        let length = pairs.filter_map(boundary).next();
        let end = length
            .map_or(rest.len(), |index| rest.char_indices().nth(index + 1).map_or(rest.len(), |(at, _)| at));
        let (token, after) = rest.split_at(end);
        rest = after;
        (!token.is_empty()).then_some(token)
    })
}

/// About how many tokens a text has.
fn estimate(text: &str) -> u64 {
    count(text.len().div_ceil(4))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use proptest::prelude::*;

    use super::*;

    fn ask(node: &str, iteration: u32) -> Request {
        let hint = Hint { node: node.to_owned(), iteration, round: 1 };
        Request { messages: vec![Message::user("Explain.")], hint, ..Request::default() }
    }

    #[tokio::test]
    async fn streams_its_answer() {
        let model = Scripted::default().with_pace(Duration::ZERO);
        let deltas: Vec<Delta> =
            model.stream(ask("critic_agent", 1)).await.unwrap().try_collect().await.unwrap();
        let text: String = deltas
            .iter()
            .filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None })
            .collect();
        let Some(Delta::Completed(turn)) = deltas.last() else { panic!("no end") };
        assert_eq!(turn.text, text);
        assert!(deltas.len() > 20);
        assert_eq!(**turn, model.answer(&ask("critic_agent", 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn keeps_its_pace() {
        let start = tokio::time::Instant::now();
        let model = Scripted::default().with_pace(Duration::from_millis(10));
        let deltas: Vec<Delta> = model.stream(ask("someone", 1)).await.unwrap().try_collect().await.unwrap();
        let spent = start.elapsed().as_millis();
        assert!(spent >= 10 * (deltas.len() as u128 - 1), "{spent} ms");
    }

    #[test]
    fn echoes_for_nodes_without_a_script() {
        let turn = Scripted::default().answer(&ask("someone", 3));
        assert!(
            turn.text.contains("someone (iteration 3)") && turn.text.contains("Explain."),
            "{}",
            turn.text
        );
        assert!(turn.usage.unwrap().total_tokens > 0);
    }

    proptest! {
        #[test]
        fn tokens_are_the_text(text in "(\\PC| |\n){0,80}") {
            prop_assert_eq!(tokens(&text).collect::<String>(), text.as_str());
            prop_assert!(tokens(&text).all(|token| (1..=MAX_TOKEN_CHARS).contains(&token.chars().count())));
        }
    }
}
