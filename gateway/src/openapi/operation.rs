//! The parameters and answers of an endpoint.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::problem::Problem;

/// Makes a schema; types are added to the document's components.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// How a parameter looks.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// As one of our types.
    Type(SchemaOf),
    /// As this schema.
    Inline(Value),
    /// A list of our types, separated by commas.
    Commas(SchemaOf),
    /// A list with this schema, separated by commas.
    Listed(Value),
    /// The same, each with the parameter's name again.
    Repeated(Value),
}

/// A parameter of a query or a header.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) place: &'static str,
    pub(super) shape: Shape,
}

impl Parameter {
    /// One whose text is one of our types.
    #[must_use]
    pub fn of<T: JsonSchema>(name: &'static str, description: &'static str) -> Self {
        Self { name, description, place: "query", shape: Shape::Type(schema_of::<T>) }
    }

    /// One with a schema of its own.
    #[must_use]
    pub const fn new(name: &'static str, schema: Value, description: &'static str) -> Self {
        Self { name, description, place: "query", shape: Shape::Inline(schema) }
    }

    /// At least one of our types, separated by commas.
    #[must_use]
    pub fn commas<T: JsonSchema>(name: &'static str, description: &'static str) -> Self {
        Self { name, description, place: "query", shape: Shape::Commas(schema_of::<T>) }
    }

    /// A list with a schema of its own, separated by commas.
    #[must_use]
    pub const fn listed(name: &'static str, schema: Value, description: &'static str) -> Self {
        Self { name, description, place: "query", shape: Shape::Listed(schema) }
    }

    /// A list with a schema of its own, one parameter each.
    #[must_use]
    pub const fn repeated(name: &'static str, schema: Value, description: &'static str) -> Self {
        Self { name, description, place: "query", shape: Shape::Repeated(schema) }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The schema of its value where it is JSON: a list where the query separates texts by commas or repeats the parameter.
    #[must_use]
    pub fn json(&self, generator: &mut SchemaGenerator) -> Value {
        let mut schema = match &self.shape {
            Shape::Type(of) => of(generator).to_value(),
            Shape::Commas(of) => {
                serde_json::json!({ "type": "array", "minItems": 1, "items": of(generator) })
            }
            Shape::Inline(schema) | Shape::Listed(schema) | Shape::Repeated(schema) => schema.clone(),
        };
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("description".into(), self.description.into());
        }
        schema
    }

    /// The same in a header.
    #[must_use]
    pub fn in_header(self) -> Self {
        Self { place: "header", ..self }
    }
}

/// A request's body.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) schema: SchemaOf,
    pub(super) required: bool,
    pub(super) example: Option<Value>,
}

/// An answer that is no refusal.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) description: &'static str,
    pub(super) content: Option<(&'static str, SchemaOf)>,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    pub(super) example: Option<Value>,
}

/// The parameters and answers of an endpoint.
#[derive(Debug, Clone)]
pub struct Operation {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: Option<&'static str>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Taken>,
    pub(super) answers: Vec<Answer>,
    pub(super) problems: Vec<Problem>,
    pub(super) takes_stream_tokens: bool,
    pub(super) is_unconnected: bool,
}

impl Operation {
    /// An operation by its stable name, with one line that says what it is for.
    #[must_use]
    pub const fn new(id: &'static str, summary: &'static str) -> Self {
        Self {
            id,
            summary,
            description: None,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            problems: Vec::new(),
            takes_stream_tokens: false,
            is_unconnected: false,
        }
    }

    /// Adds a description, in Markdown.
    #[must_use]
    pub fn says(self, description: &'static str) -> Self {
        Self { description: Some(description), ..self }
    }

    /// Parameters of the query and headers; those of the path are known from it.
    #[must_use]
    pub fn takes(mut self, parameters: impl IntoIterator<Item = Parameter>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// A body of JSON that must be there.
    #[must_use]
    pub fn body<T: JsonSchema>(self, example: Value) -> Self {
        let taken = Taken { schema: schema_of::<T>, required: true, example: Some(example) };
        Self { body: Some(taken), ..self }
    }

    /// A body of JSON that may be left out: all of its fields have defaults.
    #[must_use]
    pub fn optional_body<T: JsonSchema>(self) -> Self {
        Self { body: Some(Taken { schema: schema_of::<T>, required: false, example: None }), ..self }
    }

    /// An answer of JSON.
    #[must_use]
    pub fn answers<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, Some(("application/json", schema_of::<T>)))
    }

    /// An answer of text.
    #[must_use]
    pub fn answers_text(self, content_type: &'static str, description: &'static str) -> Self {
        self.answer(200, description, Some((content_type, schema_of::<String>)))
    }

    /// A refusal that is no [`Problem`], where another server's words are kept.
    #[must_use]
    pub fn refuses_as<T: JsonSchema>(self, status: u16, description: &'static str) -> Self {
        self.answers::<T>(status, description)
    }

    /// An event stream.
    #[must_use]
    pub fn streams(self, description: &'static str) -> Self {
        let answer = self.answer(200, description, Some(("text/event-stream", schema_of::<String>)));
        Self { takes_stream_tokens: true, ..answer }
    }

    /// An answer without content.
    #[must_use]
    pub fn says_only(self, status: u16, description: &'static str) -> Self {
        self.answer(status, description, None)
    }

    fn answer(
        mut self,
        status: u16,
        description: &'static str,
        content: Option<(&'static str, SchemaOf)>,
    ) -> Self {
        self.answers.push(Answer { status, description, content, headers: Vec::new(), example: None });
        self
    }

    /// An example of the answer before.
    #[must_use]
    pub fn such_as(mut self, example: Value) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.example = Some(example);
        }
        self
    }

    /// A header of the answer before.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, description: &'static str) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.headers.push((name, description));
        }
        self
    }

    /// Adds refusals, besides those of its kind: wrong parameters, bodies and credentials, a
    /// log that does not answer.
    #[must_use]
    pub fn refuses(mut self, problems: impl IntoIterator<Item = Problem>) -> Self {
        self.problems.extend(problems);
        self
    }

    /// A token in the address counts, because browsers can set no header.
    #[must_use]
    pub const fn takes_stream_tokens(mut self) -> Self {
        self.takes_stream_tokens = true;
        self
    }

    /// It asks neither the log nor the store: nothing can be away.
    #[must_use]
    pub const fn asks_nobody(mut self) -> Self {
        self.is_unconnected = true;
        self
    }
}
