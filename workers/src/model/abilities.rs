//! The abilities of a service: configured, or learnt from its answers.
//!
//! ```text
//! json_schema ──refused──▶ json_object, the schema in the prompt ──refused──▶ nothing, the schema in the prompt
//!      └──answered with what is no JSON──▶ json_schema, the schema also in the prompt
//! ```
//! Likewise: `max_tokens` becomes `max_completion_tokens`; the role `system` becomes `developer`, then `user`; reasoning is left out of
//! the conversation, or put into all of it.
//! A learnt ability holds for the model of that name until the process ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use runbus::session::{Content, MediaKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limits::MAX_KNOWN_MODELS;
use super::parts::Takes;
use super::quirks::{Asked, MaxTokens, Quirks, ReasoningBack, SystemRole};
use super::{Fault, Message, Request, ResponseFormat};

/// How a structured answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Structured {
    /// With `json_schema`, and less where the service refuses that.
    #[default]
    Auto,
    /// With the response format `json_schema`.
    JsonSchema,
    /// With the response format `json_object`, and the schema in the prompt.
    JsonObject,
    /// With a tool of which the arguments are the answer.
    Tool,
    /// With the schema in the prompt alone.
    Prompt,
}

/// Whether images are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Images {
    /// Until the service refuses one.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never: one of a question is refused, of another the model reads that there is one.
    Never,
}

/// The form in which a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) structured: Structured,
    /// Whether the schema stands in the prompt too.
    pub(super) in_prompt: bool,
    pub(super) takes: Takes,
    /// Whether the service is asked to count the tokens of a stream.
    pub(super) counts: bool,
    /// The name of the limit of an answer's tokens.
    pub(super) max_tokens: MaxTokens,
    pub(super) system_role: SystemRole,
    pub(super) reasoning: ReasoningBack,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Abilities {
    quirks: Quirks,
    learnt: Mutex<BTreeMap<String, Form>>,
}

impl Abilities {
    pub(super) const fn new(quirks: Quirks) -> Self {
        Self { quirks, learnt: Mutex::new(BTreeMap::new()) }
    }

    /// How a model is asked.
    pub(super) fn form(&self, model: &str) -> Form {
        let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        learnt.get(model).copied().unwrap_or_else(|| {
            let structured = match self.quirks.structured_output {
                Structured::Auto => Structured::JsonSchema,
                configured => configured,
            };
            let in_prompt = matches!(structured, Structured::JsonObject | Structured::Prompt);
            Form {
                structured,
                in_prompt,
                takes: Takes::of(&self.quirks),
                counts: self.quirks.stream_options != Asked::Never,
                max_tokens: self.quirks.max_tokens,
                system_role: self.quirks.system_role,
                reasoning: self.quirks.reasoning,
            }
        })
    }

    /// Learns from a refusal of a request in `form`; whether the request may be made again in another one.
    pub(super) fn refused(&self, model: &str, form: Form, request: &Request, fault: &Fault) -> bool {
        let Some(text) = complaint(fault) else { return false };
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        let mut next = form;
        if form.counts
            && self.quirks.stream_options == Asked::Auto
            && says(&["stream_options", "include_usage"])
        {
            next.counts = false;
        } else if form.max_tokens == MaxTokens::Auto
            && request.options.max_tokens.is_some()
            && says(&["max_completion_tokens"])
        {
            next.max_tokens = MaxTokens::MaxCompletionTokens;
        } else if has_system(request)
            && self.quirks.system_role == SystemRole::Auto
            && form.system_role != SystemRole::User
            && says(&["role"])
            && says(&["'system'", "\"system\"", "system role", "developer"])
        {
            next.system_role = match form.system_role {
                SystemRole::Auto | SystemRole::System => SystemRole::Developer,
                SystemRole::Developer | SystemRole::User => SystemRole::User,
            };
        } else if self.quirks.reasoning == ReasoningBack::Auto
            && form.reasoning == ReasoningBack::Auto
            && has_reasoning(request)
            && says(&["reasoning"])
        {
            let is_missing = says(&["missing", "must be passed back", "required"]);
            next.reasoning = if is_missing { ReasoningBack::Always } else { ReasoningBack::Never };
        } else if form.takes.audio
            && self.quirks.audio == Asked::Auto
            && has(request, MediaKind::Audio)
            && says(AUDIO)
        {
            next.takes.audio = false;
        } else if form.takes.files
            && self.quirks.files == Asked::Auto
            && has(request, MediaKind::File)
            && says(FILES)
        {
            next.takes.files = false;
        } else if form.takes.images
            && self.quirks.images == Images::Auto
            && has(request, MediaKind::Image)
            && says(IMAGES)
        {
            next.takes.images = false;
        } else if self.quirks.structured_output == Structured::Auto
            && request.options.response_format.is_some()
            && says(FORMATS)
        {
            let structured = match form.structured {
                Structured::JsonSchema | Structured::Auto => Structured::JsonObject,
                Structured::JsonObject => Structured::Prompt,
                Structured::Prompt | Structured::Tool => return false,
            };
            next = Form { structured, in_prompt: true, ..form };
        } else {
            return false;
        }
        tracing::warn!(
            model,
            reason = text,
            ?next,
            "the service does not take the request; it is asked in another form"
        );
        self.learn(model, next);
        true
    }

    /// Learns from an answer: one to a schema that is no JSON comes from a service that ignores schemas.
    pub(super) fn ignored_schema(&self, model: &str, form: Form) {
        if self.quirks.structured_output == Structured::Auto && !form.in_prompt {
            tracing::warn!(model, "the answer is no JSON; the prompt contains the schema from now on");
            self.learn(model, Form { in_prompt: true, ..form });
        }
    }

    fn learn(&self, model: &str, form: Form) {
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        if learnt.len() < MAX_KNOWN_MODELS || learnt.contains_key(model) {
            learnt.insert(model.to_owned(), form);
        }
    }
}

/// Words of services that refuse a response format.
const FORMATS: &[&str] = &[
    "response_format",
    "response format",
    "responseformat",
    "response mime type",
    "json_schema",
    "json schema",
    "json_object",
    "json mode",
    "structured output",
    "structured_output",
    "guided",
    "grammar",
];

/// Words of services that refuse an image.
const IMAGES: &[&str] = &[
    "image",
    "vision",
    "multimodal",
    "multi-modal",
    "content part",
    "content type",
    "valid string",
    "must be a string",
];

/// Words of services that refuse audio.
const AUDIO: &[&str] = &["audio"];

/// Words of services that refuse a file.
const FILES: &[&str] = &["file", "pdf", "document"];

/// The service's message about a request that it does not support; `None`: it fails for another reason.
fn complaint(fault: &Fault) -> Option<String> {
    let Fault::Refused(said) = fault else { return None };
    // Some services answer 500 to requests that they cannot check.
    if !matches!(said.status, Some(400 | 404 | 415 | 422 | 500 | 501)) {
        return None;
    }
    let code = said.code.as_deref().unwrap_or_default();
    Some(format!("{code} {}", said.message).to_lowercase())
}

fn has_system(request: &Request) -> bool {
    request.messages.iter().any(|message| matches!(message, Message::System { .. }))
}

fn has_reasoning(request: &Request) -> bool {
    let thought = |message: &Message| matches!(message, Message::Assistant { reasoning, extra, .. } if !reasoning.is_empty() || !extra.is_empty());
    request.messages.iter().any(thought)
}

fn has(request: &Request, kind: MediaKind) -> bool {
    let mut media = request.messages.iter().filter_map(Message::content).flat_map(Content::media);
    media.any(|media| media.kind == kind)
}

/// The schema in the prompt: a part of the first instructions, since some models take no further ones.
pub(super) fn with_schema(messages: &mut Vec<Message>, format: &ResponseFormat) {
    let text = match format {
        ResponseFormat::JsonObject => "Answer with one JSON object, and nothing else.".to_owned(),
        ResponseFormat::JsonSchema { json_schema } => format!(
            "Answer with one JSON object that satisfies this JSON Schema, and nothing else:\n{}",
            json_schema.schema()
        ),
    };
    match messages.iter_mut().find(|message| matches!(message, Message::System { .. })) {
        Some(Message::System { content }) => *content = format!("{content}\n\n{text}"),
        _ => messages.insert(0, Message::system(text)),
    }
}
