//! Which messages to fold when a context has grown too long, and how the model is asked for the note.

use runbus::session::Message;
use runbus::session::run::Visit;
use runbus::session::transcript::Transcript;

/// When to fold, and how much to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Tokens of the context from which on messages are folded.
    pub at_tokens: u64,
    /// Messages at the end that are left as they are.
    pub keep_recent: usize,
    /// The instruction for the model; absent: [`PROMPT`].
    pub prompt: Option<String>,
}

/// The default instruction for the model.
pub const PROMPT: &str = "Write a note that lets you go on with this conversation without reading it again: what was \
asked, what was found and decided, what is still open, names and numbers that matter. Answer with the note alone.";

/// The heading in front of a note.
pub const HEAD: &str = "Earlier messages were folded into this note:\n";

/// Bytes of text that make one token, about.
const BYTES_PER_TOKEN: usize = 4;

/// The messages to fold; `None`: the context is short enough, or nothing is there that could be folded.
#[must_use]
pub fn range(said: &Transcript, visit: &Visit, settings: &Settings) -> Option<(usize, usize)> {
    let live: Vec<(usize, &Message)> = said.live().collect();
    let tokens = visit.context_tokens.max(estimate(live.iter().map(|(_, message)| *message)));
    if tokens < settings.at_tokens || live.len() <= settings.keep_recent {
        return None;
    }
    let mut keep_from = live.len() - settings.keep_recent.max(1);
    // A tool's answer stays with the turn that called it.
    while keep_from > 0 && matches!(live[keep_from].1, Message::Tool { .. }) {
        keep_from -= 1;
    }
    // One message alone is not worth a note; a note alone was made of the foldable messages.
    if keep_from < 2 {
        return None;
    }
    Some((live[0].0, live[keep_from - 1].0 + 1))
}

/// Tokens of messages, about: providers count differently, and say so only afterwards.
pub fn estimate<'a>(messages: impl Iterator<Item = &'a Message>) -> u64 {
    let bytes: usize = messages.map(|message| text(message).len() + 8).sum();
    u64::try_from(bytes / BYTES_PER_TOKEN).unwrap_or(u64::MAX)
}

/// The request to the model for a note.
#[must_use]
pub fn question(said: &Transcript, from: usize, to: usize, settings: &Settings) -> Vec<Message> {
    let mut told = String::new();
    for (_, message) in said.live().filter(|(at, _)| (from..to).contains(at)) {
        told.push_str(&text(message));
        told.push('\n');
    }
    let prompt = settings.prompt.as_deref().unwrap_or(PROMPT);
    vec![Message::system(prompt), Message::user(told)]
}

fn text(message: &Message) -> String {
    match message {
        Message::System { content } => format!("system: {content}"),
        Message::User { content } => format!("user: {}", content.described()),
        Message::Assistant { content, tool_calls, .. } => {
            let mut text = format!("assistant: {}", content.as_deref().unwrap_or_default());
            for call in tool_calls {
                text.push_str(&format!("\n  calls {} with {}", call.name, call.arguments));
            }
            text
        }
        Message::Tool { content, .. } => format!("tool: {}", content.text()),
    }
}
