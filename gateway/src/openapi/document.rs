//! All endpoints as one OpenAPI 3.1 document.

use std::collections::BTreeMap;

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::operation::{Operation, Parameter, Shape};
use super::portable;
use super::problem::Problem;
use super::schemas::{self, Schemas};
use crate::auth::Rule;

/// The document, and the short list of endpoints.
#[derive(Debug, Clone)]
pub struct Document {
    /// OpenAPI 3.1.
    pub openapi: Value,
    /// `"GET /path": "what it is for"`.
    pub index: Value,
}

impl Document {
    /// Writes down what endpoints say of themselves.
    #[must_use]
    pub fn of<S>(endpoints: &[Endpoint<S>]) -> Self {
        let mut schemas = Schemas::new();
        let mut paths = Map::new();
        let mut index = Map::new();
        for endpoint in endpoints {
            let summary = endpoint.operation.summary;
            index.insert(format!("{} {}", endpoint.method, endpoint.path), summary.into());
            let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
            path[endpoint.method.as_str().to_lowercase()] = operation(endpoint, &mut schemas);
        }
        let mut openapi = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Runbus gateway",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Events of agent executions, and commands to them. In words: docs/protocol.md; access: \
                    docs/auth.md (`auth.mode = \"none\"` disables authentication).",
                "license": { "name": "Apache-2.0", "identifier": env!("CARGO_PKG_LICENSE") },
            },
            "servers": [{ "url": "/" }],
            "tags": tags(endpoints),
            "paths": paths,
        });
        let mut components = schemas.components(&mut openapi);
        components.insert("Error".into(), schemas::error());
        openapi["components"] = json!({
            "schemas": components,
            "responses": refusals(),
            "securitySchemes": security_schemes(),
        });
        portable::rewrite(&mut openapi);
        Self { openapi, index: index.into() }
    }
}

/// The subject of a path.
fn tag(path: &str) -> &str {
    if path.starts_with("/ws/") || path.starts_with("/api/") {
        return "dropin";
    }
    path.strip_prefix("/v1/").and_then(|rest| rest.split(['/', '.']).next()).unwrap_or("gateway")
}

fn tags<S>(endpoints: &[Endpoint<S>]) -> Vec<Value> {
    let mut known: Vec<&str> = Vec::new();
    for endpoint in endpoints {
        let tag = tag(endpoint.path);
        if !known.contains(&tag) {
            known.push(tag);
        }
    }
    known.into_iter().map(|name| json!({ "name": name })).collect()
}

fn security_schemes() -> Value {
    let mut schemes = json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "a JWT, a stream token or an API key",
        },
        "api_key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        "stream_token": {
            "type": "apiKey",
            "in": "query",
            "name": crate::auth::credential::PARAMETER,
            "description": "a stream token of `POST /v1/auth/tokens`; addresses get written to logs",
        },
    });
    for name in Rule::Foreign.foreign() {
        schemes[format!("foreign_{name}")] = json!({
            "type": "apiKey",
            "in": "query",
            "name": name,
            "description": "any credential, for clients of the servers that the drop-ins stand in for",
        });
    }
    schemes
}

fn operation<S>(endpoint: &Endpoint<S>, schemas: &mut Schemas) -> Value {
    let asked = &endpoint.operation;
    let names: Vec<&str> =
        endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let mut parameters: Vec<Value> = Vec::new();
    for name in &names {
        parameters.push(json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": schemas.taken(schemas::in_path(name)),
        }));
    }
    parameters.extend(asked.parameters.iter().map(|asked| parameter(asked, schemas)));
    let said = [asked.description.map(str::to_owned), needs(endpoint.rule)];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let mut written = json!({
        "operationId": asked.id,
        "tags": [tag(endpoint.path)],
        "summary": asked.summary,
        "description": said.join("\n\n"),
        "security": security(endpoint),
        "responses": responses(endpoint, schemas),
    });
    if !parameters.is_empty() {
        written["parameters"] = parameters.into();
    }
    if let Some(body) = &asked.body {
        let mut content = json!({ "schema": schemas.taken(body.schema) });
        if let Some(example) = &body.example {
            content["example"] = example.clone();
        }
        written["requestBody"] =
            json!({ "required": body.required, "content": { "application/json": content } });
    }
    written
}

fn parameter(asked: &Parameter, schemas: &mut Schemas) -> Value {
    let schema = match &asked.shape {
        Shape::Type(of) => schemas.taken(*of),
        Shape::Inline(schema) | Shape::Listed(schema) | Shape::Repeated(schema) => schema.clone(),
        Shape::Commas(of) => json!({ "type": "array", "minItems": 1, "items": schemas.taken(*of) }),
    };
    let mut written = json!({
        "name": asked.name,
        "in": asked.place,
        "required": false,
        "description": asked.description,
        "schema": schema,
    });
    if matches!(asked.shape, Shape::Commas(_) | Shape::Listed(_) | Shape::Repeated(_)) {
        written["style"] = "form".into();
        written["explode"] = matches!(asked.shape, Shape::Repeated(_)).into();
    }
    written
}

/// The permission that a caller needs, in words.
fn needs(rule: Rule) -> Option<String> {
    match rule {
        Rule::Open => Some("Nobody is asked who they are.".into()),
        Rule::Later => Some("A credential may also be sent in band.".into()),
        Rule::Foreign => Some(
            "A client without a valid credential gets a WebSocket too, an error in it, and the close code 4001."
                .into(),
        ),
        Rule::Handler(None) => None,
        Rule::Handler(Some(action)) => Some(format!("Needs `{action}` on what it is about.")),
        Rule::Execution(action) => Some(format!("Needs `{action}` on the execution.")),
        Rule::Session(action) => Some(format!("Needs `{action}` on the session.")),
        Rule::Request(action) => Some(format!("Needs `{action}` on what it is about.")),
        Rule::Everything(action) => Some(format!("Needs `{action}` on everything.")),
    }
}

fn security<S>(endpoint: &Endpoint<S>) -> Value {
    let action = match endpoint.rule {
        Rule::Open => return json!([]),
        Rule::Later | Rule::Foreign | Rule::Handler(None) => None,
        Rule::Handler(Some(action))
        | Rule::Execution(action)
        | Rule::Session(action)
        | Rule::Request(action)
        | Rule::Everything(action) => Some(action.name()),
    };
    let roles: Vec<&str> = action.into_iter().collect();
    let mut ways = vec![json!({ "bearer": roles }), json!({ "api_key": roles })];
    if endpoint.operation.takes_stream_tokens {
        ways.push(json!({ "stream_token": roles }));
    }
    for name in endpoint.rule.foreign() {
        ways.push(json!({ format!("foreign_{name}"): roles }));
    }
    if matches!(endpoint.rule, Rule::Later | Rule::Foreign) {
        ways.push(json!({}));
    }
    ways.into()
}

/// The refusals of an endpoint: its own, and those of its kind.
fn problems<S>(endpoint: &Endpoint<S>) -> Vec<Problem> {
    let asked = &endpoint.operation;
    let mut problems = asked.problems.clone();
    // Origin and host of a request are checked before anything else.
    problems.extend([Problem::Forbidden, Problem::Invalid, Problem::Misdirected]);
    if asked.body.is_some() {
        problems.extend([Problem::TooLarge, Problem::Slow]);
    }
    if ![Method::GET, Method::HEAD].contains(&endpoint.method) {
        problems.push(Problem::Media);
    }
    if endpoint.rule != Rule::Open {
        problems.extend([Problem::Unauthenticated, Problem::Rate, Problem::Unavailable]);
    }
    if !asked.is_unconnected {
        problems.extend([Problem::Internal, Problem::Unavailable]);
    }
    problems.sort_unstable();
    problems.dedup();
    problems
}

fn responses<S>(endpoint: &Endpoint<S>, schemas: &mut Schemas) -> Value {
    let mut written = answers(&endpoint.operation, schemas);
    let mut by_status: BTreeMap<u16, Vec<Problem>> = BTreeMap::new();
    for problem in problems(endpoint) {
        by_status.entry(problem.status()).or_default().push(problem);
    }
    for (status, problems) in by_status {
        written.entry(status.to_string()).or_insert_with(|| match problems.as_slice() {
            [problem] => json!({ "$ref": format!("#/components/responses/{}", problem.code()) }),
            problems => refusal(status, problems),
        });
    }
    written.into()
}

fn answers(asked: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let mut written = Map::new();
    for answer in &asked.answers {
        let mut response = json!({ "description": answer.description });
        if let Some((content_type, schema)) = answer.content {
            let mut content = json!({ "schema": schemas.answered(schema) });
            if let Some(example) = &answer.example {
                content["example"] = example.clone();
            }
            response["content"] = json!({ content_type: content });
        }
        for (name, description) in &answer.headers {
            response["headers"][name] = json!({ "description": description, "schema": { "type": "string" } });
        }
        written.insert(answer.status.to_string(), response);
    }
    written
}

/// The refusals that stand alone under their status, by code.
fn refusals() -> Map<String, Value> {
    let alone =
        Problem::ALL.into_iter().filter(|problem| !matches!(problem, Problem::Method | Problem::Connections));
    alone.map(|problem| (problem.code().into(), refusal(problem.status(), &[problem]))).collect()
}

fn refusal(status: u16, problems: &[Problem]) -> Value {
    let lines: Vec<String> =
        problems.iter().map(|problem| format!("`{}`: {}", problem.code(), problem.meaning())).collect();
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code()).collect();
    let mut written = json!({
        "description": lines.join("\n\n"),
        "content": { "application/json": { "schema": {
            "$ref": "#/components/schemas/Error",
            "properties": { "error": { "properties": { "code": { "enum": codes } } } },
        } } },
    });
    let header = match status {
        401 => Some(("WWW-Authenticate", json!({ "type": "string", "const": "Bearer" }))),
        429 => Some(("Retry-After", json!({ "type": "integer", "minimum": 1 }))),
        _ => None,
    };
    if let Some((name, schema)) = header {
        written["headers"] = json!({ name: { "schema": schema } });
    }
    written
}
