//! Prompts with places to fill in.
//!
//! `{{input}}` is the input of the execution, `{{input.<field>}}` a field of it, `{{iteration}}` the number of the iteration,
//! `{{nodes.<id>.output}}` a node's latest answer and `{{nodes.<id>.<field>}}` a field of it. `{{#if nodes.<id>}}...{{/if}}` stays
//! only when that node has run (or that field is there). A filled-in value is never read as a template itself. A place of the input where
//! parts stand is filled with their texts; the media among them go with the prompt.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use runbus::session::part as message;
use runbus::session::{Content, Media};
use serde_json::Value;

use super::limits::MAX_PROMPT_BYTES;

/// The values that fill a template.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The input of the execution, as text.
    pub input: &'a str,
    /// The same as it was given.
    pub given: &'a Value,
    /// The iteration, from 1.
    pub iteration: u32,
    /// The latest output of every node that has run: text, or the object that its node declares.
    pub nodes: &'a BTreeMap<String, Value>,
}

/// A parsed prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Fill(Reference),
    If(Reference, Vec<Self>),
}

/// The value of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// The execution's input, or what `field` leads to in it.
    Input {
        field: Vec<String>,
    },
    Iteration,
    /// A node's output, or what `field` leads to in it.
    Node {
        id: String,
        field: Vec<String>,
    },
}

impl Template {
    /// Parses a prompt; the error says what is wrong with it.
    ///
    /// # Errors
    ///
    /// An open brace pair or `if`, or a name that does not exist.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut open: Option<(Reference, Vec<Part>)> = None;
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let Some(length) = rest[start..].find("}}") else {
                return Err(format!("`{}` is not closed", clip(&rest[start..])));
            };
            let here = open.as_mut().map_or(&mut parts, |(_, parts)| parts);
            if start > 0 {
                here.push(Part::Text(rest[..start].to_owned()));
            }
            let tag = rest[start + 2..start + length].trim();
            rest = &rest[start + length + 2..];
            if let Some(name) = tag.strip_prefix("#if ") {
                if open.is_some() {
                    return Err("an {{#if}} within an {{#if}} is not supported".to_owned());
                }
                open = Some((Reference::parse(name.trim())?, Vec::new()));
            } else if tag == "/if" {
                let Some((reference, inner)) = open.take() else {
                    return Err("{{/if}} without {{#if}}".to_owned());
                };
                parts.push(Part::If(reference, inner));
            } else {
                here.push(Part::Fill(Reference::parse(tag)?));
            }
        }
        if open.is_some() {
            return Err("{{#if}} without {{/if}}".to_owned());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Fills it in. A node that has not run and a field that is absent are empty. The result is cut at
    /// [`MAX_PROMPT_BYTES`].
    pub fn render(&self, context: Context<'_>) -> String {
        self.render_within(MAX_PROMPT_BYTES, context)
    }

    /// The same, cut at `limit` bytes: no more than that is ever made.
    pub(super) fn render_within(&self, limit: usize, context: Context<'_>) -> String {
        let mut prompt = Bounded { text: String::new(), limit };
        fill(&self.0, context, &mut prompt);
        prompt.text
    }

    /// The media of the input at its places, each once, in the order of the places.
    pub fn media(&self, context: Context<'_>) -> Vec<Media> {
        let mut found = Vec::new();
        gather(&self.0, context, &mut found);
        found
    }

    /// The value that stands there when the template is one place and nothing else: it keeps its type. `None`: the template makes a
    /// text, or nothing stands there, which is an empty text.
    pub(super) fn value(&self, context: Context<'_>) -> Option<Value> {
        let [Part::Fill(reference)] = self.0.as_slice() else { return None };
        match reference {
            Reference::Iteration => Some(context.iteration.into()),
            Reference::Input { .. } | Reference::Node { .. } => reference.value(context).cloned(),
        }
    }

    /// Everything that it refers to.
    pub(super) fn references(&self) -> Vec<&Reference> {
        let mut found = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(_) => {}
                Part::Fill(reference) => found.push(reference),
                Part::If(condition, inner) => {
                    found.push(condition);
                    found.extend(inner.iter().filter_map(|part| match part {
                        Part::Fill(reference) => Some(reference),
                        Part::Text(_) | Part::If(..) => None,
                    }));
                }
            }
        }
        found
    }
}

/// A text that takes no more than its limit.
struct Bounded {
    text: String,
    limit: usize,
}

impl Bounded {
    fn push(&mut self, text: &str) {
        let room = self.limit.saturating_sub(self.text.len());
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room {
            self.limit = self.text.len();
        }
    }

    const fn is_full(&self) -> bool {
        self.text.len() >= self.limit
    }
}

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push(text);
        // Ends the writing of a value that is larger than the room.
        if self.is_full() { Err(std::fmt::Error) } else { Ok(()) }
    }
}

fn fill(parts: &[Part], context: Context<'_>, prompt: &mut Bounded) {
    for part in parts {
        if prompt.is_full() {
            return;
        }
        match part {
            Part::Text(text) => prompt.push(text),
            Part::Fill(reference) => reference.write(context, prompt),
            Part::If(condition, inner) => {
                if condition.is_there(context) {
                    fill(inner, context, prompt);
                }
            }
        }
    }
}

fn gather(parts: &[Part], context: Context<'_>, found: &mut Vec<Media>) {
    for part in parts {
        match part {
            Part::Fill(reference @ Reference::Input { .. }) => {
                let media =
                    reference.parts(context).unwrap_or_default().into_iter().filter_map(|part| match part {
                        message::Part::Media(media) => Some(media),
                        message::Part::Text(_) => None,
                    });
                for media in media {
                    if !found.contains(&media) {
                        found.push(media);
                    }
                }
            }
            Part::If(condition, inner) if condition.is_there(context) => gather(inner, context, found),
            Part::Text(_) | Part::Fill(_) | Part::If(..) => {}
        }
    }
}

impl Reference {
    fn parse(name: &str) -> Result<Self, String> {
        let mut words = name.split('.');
        let reference = match (words.next(), words.next()) {
            (Some("input"), first) => {
                Self::Input { field: first.into_iter().chain(words).map(str::to_owned).collect() }
            }
            (Some("iteration"), None) => Self::Iteration,
            (Some("nodes"), Some(id)) if !id.is_empty() => {
                let mut field: Vec<String> = words.map(str::to_owned).collect();
                if field == ["output"] {
                    field.clear();
                }
                Self::Node { id: id.to_owned(), field }
            }
            _ => {
                let known = "input, input.<field>, iteration, nodes.<id>.output or nodes.<id>.<field>";
                return Err(format!("`{{{{{}}}}}` is none of {known}", clip(name)));
            }
        };
        Ok(reference)
    }

    /// The value that it leads to; `None` when the node has not run or there is no such field.
    fn value<'a>(&self, context: Context<'a>) -> Option<&'a Value> {
        let (whole, field) = match self {
            Self::Node { id, field } => (context.nodes.get(id)?, field),
            Self::Input { field } => (context.given, field),
            Self::Iteration => return None,
        };
        field.iter().try_fold(whole, |value, key| value.get(key)).filter(|value| !value.is_null())
    }

    /// The parts of the input that stand there.
    fn parts(&self, context: Context<'_>) -> Option<Vec<message::Part>> {
        // Only a list or an object can be parts: a template may ask thousands of times.
        self.value(context).filter(|value| value.is_array() || value.is_object()).and_then(message::of_input)
    }

    /// Whether something stands there. It makes no text: a template may ask thousands of times.
    fn is_there(&self, context: Context<'_>) -> bool {
        match self {
            Self::Input { field } if field.is_empty() => {
                !context.input.is_empty() || context.given.is_array() || context.given.is_object()
            }
            Self::Iteration => true,
            Self::Input { .. } | Self::Node { .. } => {
                self.value(context).is_some_and(|value| value.as_str() != Some(""))
            }
        }
    }

    /// Writes what stands there.
    fn write(&self, context: Context<'_>, prompt: &mut Bounded) {
        match self {
            Self::Input { field } if field.is_empty() => prompt.push(context.input),
            Self::Iteration => prompt.push(&context.iteration.to_string()),
            Self::Input { .. } | Self::Node { .. } => match self.value(context) {
                None => {}
                Some(Value::String(text)) => prompt.push(text),
                Some(value) => {
                    match matches!(self, Self::Input { .. }).then(|| self.parts(context)).flatten() {
                        Some(parts) => prompt.push(&Content::Parts(parts).text()),
                        None => {
                            // It fails when the prompt is full.
                            let _ = write!(prompt, "{value}");
                        }
                    }
                }
            },
        }
    }
}

fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(40)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn render(template: &str, nodes: Value) -> String {
        let nodes: BTreeMap<String, Value> = serde_json::from_value(nodes).unwrap();
        let context = Context {
            input: "{{iteration}}",
            given: &json!({"days": 3, "who": {"name": "A"}}),
            iteration: 2,
            nodes: &nodes,
        };
        Template::parse(template).unwrap().render(context)
    }

    #[test]
    fn fills_in_present_values() {
        let nodes = json!({"a": "text", "b": {"score": 7.5, "why": {"deep": "x"}}});
        assert_eq!(render("{{ input }}|{{iteration}}", nodes.clone()), "{{iteration}}|2");
        assert_eq!(render("{{nodes.a.output}} {{nodes.b.score}}", nodes.clone()), "text 7.5");
        assert_eq!(render("{{nodes.b.why.deep}}{{nodes.b.none}}{{nodes.c.output}}", nodes.clone()), "x");
        assert_eq!(render("{{nodes.b.output}}", nodes.clone()), r#"{"score":7.5,"why":{"deep":"x"}}"#);
        assert_eq!(
            render("{{input.days}} {{input.who.name}}{{input.none}}{{#if input.none}}x{{/if}}", nodes),
            "3 A"
        );
    }

    #[test]
    fn media_of_the_input_go_with_the_prompt_that_names_them() {
        let image = json!({"type": "image", "url": "https://h/i"});
        let sound = json!({"type": "audio", "media_type": "audio/wav", "data": "AAAA"});
        let given = json!({"photo": image, "both": [{"type": "text", "text": "hear"}, sound, image], "id": {"type": "image"}});
        let nodes = BTreeMap::new();
        let context = Context { input: "", given: &given, iteration: 1, nodes: &nodes };
        let of = |template: &str| {
            let template = Template::parse(template).unwrap();
            let media: Vec<String> = template.media(context).iter().map(ToString::to_string).collect();
            (template.render(context), media.join("; "))
        };
        let (image, both) = ("image at https://h/i", "audio audio/wav, 3 bytes; image at https://h/i");
        assert_eq!(of("See: {{input.photo}}"), ("See: ".into(), image.into()));
        assert_eq!(of("{{input.both}} {{input.photo}}"), ("hear ".into(), both.into()));
        assert_eq!(of("{{#if input.photo}}a{{input.photo}}{{/if}}"), ("a".into(), image.into()));
        assert_eq!(of("{{#if input.none}}{{input.photo}}{{/if}}"), (String::new(), String::new()));
        assert_eq!(of("{{input.id}}"), (r#"{"type":"image"}"#.into(), String::new()));
    }

    #[test]
    fn a_template_that_is_one_place_keeps_the_type_of_its_value() {
        let nodes: BTreeMap<String, Value> = serde_json::from_value(
            json!({"n": {"days": 3, "rate": 0.5, "ok": true, "list": [1, "a"], "text": "7"}}),
        )
        .unwrap();
        let given = json!({"days": 2, "tags": ["x"]});
        let context = Context { input: "text", given: &given, iteration: 4, nodes: &nodes };
        for (template, value) in [
            ("{{nodes.n.days}}", Some(json!(3))),
            ("{{ nodes.n.rate }}", Some(json!(0.5))),
            ("{{nodes.n.ok}}", Some(json!(true))),
            ("{{nodes.n.list}}", Some(json!([1, "a"]))),
            ("{{nodes.n.text}}", Some(json!("7"))),
            ("{{nodes.n.output}}", Some(nodes["n"].clone())),
            ("{{input}}", Some(given.clone())),
            ("{{input.tags}}", Some(json!(["x"]))),
            ("{{iteration}}", Some(json!(4))),
            ("{{nodes.n.days}} days", None),
            ("{{nodes.n.days}}{{nodes.n.days}}", None),
            ("{{nodes.n.none}}", None),
            ("{{nodes.other.output}}", None),
            ("plain", None),
        ] {
            assert_eq!(Template::parse(template).unwrap().value(context), value, "{template}");
        }
    }

    #[test]
    fn a_template_makes_no_more_than_its_limit_however_often_it_asks() {
        let large = json!({"a": "x".repeat(1024 * 1024), "b": {"c": vec![1; 500_000]}});
        // Each of these would copy a mebibyte.
        let asks = "{{#if nodes.b}}{{/if}}".repeat(40_000);
        assert_eq!(render(&asks, large.clone()), "");
        let fills = render(&"{{nodes.a.output}}{{nodes.b.output}}".repeat(20_000), large.clone());
        assert_eq!(fills.len(), MAX_PROMPT_BYTES);
        let nodes: BTreeMap<String, Value> = serde_json::from_value(large).unwrap();
        let context = Context { input: "\u{e9}\u{e9}", given: &Value::Null, iteration: 1, nodes: &nodes };
        assert_eq!(Template::parse("{{input}}").unwrap().render_within(3, context), "\u{e9}");
        assert_eq!(Template::parse("{{nodes.b.output}}").unwrap().render_within(6, context), "{\"c\":[");
    }

    #[test]
    fn leaves_out_nodes_that_have_not_run() {
        let template = "a{{#if nodes.b}} b={{nodes.b.output}}{{/if}} c";
        assert_eq!(render(template, json!({})), "a c");
        assert_eq!(render(template, json!({"b": "1"})), "a b=1 c");
    }

    #[test]
    fn names_the_fault() {
        for (template, message) in [
            ("{{input", "not closed"),
            ("{{inputs}}", "none of input"),
            ("{{nodes}}", "none of input"),
            ("{{#if input}}", "without {{/if}}"),
            ("{{/if}}", "without {{#if}}"),
            ("{{#if input}}{{#if input}}{{/if}}{{/if}}", "within"),
        ] {
            let error = Template::parse(template).unwrap_err();
            assert!(error.contains(message), "{template}: {error}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_keeps_plain_text(text in "\\PC{0,80}", braces in "[{}#/ifnodes. ]{0,40}") {
            let nodes = BTreeMap::new();
            let context = Context { input: "i", given: &Value::Null, iteration: 1, nodes: &nodes };
            if let Ok(template) = Template::parse(&text) && !text.contains("{{") {
                prop_assert_eq!(template.render(context), text);
            }
            if let Ok(template) = Template::parse(&braces) {
                template.render(context);
            }
        }
    }
}
