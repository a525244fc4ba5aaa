//! Services that take less than they are asked: structured answers, images, counts, names of models.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use runbus::session::{Content, Media};
use runbus_workers::model::{
    Config, Delta, Fault, Images, Message, Model, OpenAi, Options, Request, ResponseFormat, Structured, Turn,
};
use serde_json::{Value, json};

/// The refusals of a service.
type Refuses = fn(&Value) -> Option<(u16, Value)>;

/// A service by name, its refusals, and the form of each request to it, with whether the schema is in the prompt.
type Case = (&'static str, Refuses, Vec<(String, bool)>);

/// A service that answers with the result of `says` for a request, unless it refuses it; and the requests.
async fn service(refuses: Refuses, says: fn(&Value) -> String) -> (String, Arc<Mutex<Vec<Value>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let chat = move |body: String| {
        let seen = seen.clone();
        async move {
            let request: Value = serde_json::from_str(&body).unwrap();
            seen.lock().unwrap().push(request.clone());
            answer(&request, refuses, says)
        }
    };
    let models = async || {
        let ids = ["text-embedding-small", "small-chat", "other-chat"];
        axum::Json(json!({"data": ids.map(|id| json!({"id": id}))}))
    };
    let router =
        axum::Router::new().route("/v1/chat/completions", post(chat)).route("/v1/models", get(models));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

fn answer(request: &Value, refuses: Refuses, says: fn(&Value) -> String) -> Response {
    if let Some((status, body)) = refuses(request) {
        return (StatusCode::from_u16(status).unwrap(), axum::Json(body)).into_response();
    }
    let piece = json!({"choices": [{"index": 0, "delta": {"content": says(request)}}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let body = format!("data: {piece}\n\ndata: {end}\n\ndata: [DONE]\n\n");
    ([("content-type", "text/event-stream")], body).into_response()
}

/// Whether a request asks for a kind of format.
fn asks(request: &Value, kind: &str) -> bool {
    request["response_format"]["type"] == kind
}

fn client(url: &str, change: impl FnOnce(&mut Config)) -> OpenAi {
    let mut config = Config::new(url, "m");
    change(&mut config);
    OpenAi::new(config).unwrap()
}

fn structured() -> Request {
    let schema =
        json!({"type": "object", "properties": {"score": {"type": "number"}}, "required": ["score"]});
    Request {
        messages: vec![Message::system("Judge."), Message::user("text")],
        options: Options {
            response_format: Some(ResponseFormat::schema("judge", schema)),
            ..Options::default()
        },
        ..Request::default()
    }
}

async fn turn(model: &OpenAi, request: Request) -> Result<Turn, Fault> {
    let mut deltas = model.stream(request).await?;
    while let Some(delta) = deltas.next().await {
        if let Delta::Completed(turn) = delta? {
            return Ok(*turn);
        }
    }
    panic!("the answer has no end")
}

/// The format of each request, and whether its prompt has the schema.
fn forms(asked: &Mutex<Vec<Value>>) -> Vec<(String, bool)> {
    let form = |request: &Value| {
        let kind = request["response_format"]["type"].as_str().unwrap_or("none").to_owned();
        let system = request["messages"][0]["content"].as_str().unwrap();
        assert!(system.starts_with("Judge."));
        (kind, system.contains("\"score\""))
    };
    asked.lock().unwrap().iter().map(form).collect()
}

fn error(status: u16, message: &str) -> Option<(u16, Value)> {
    Some((status, json!({"error": {"message": message, "type": "invalid_request_error"}})))
}

#[tokio::test]
async fn a_structured_answer_falls_back_to_a_form_that_the_service_takes() {
    let schema = ("json_schema".to_owned(), false);
    let object = ("json_object".to_owned(), true);
    let prompt = ("none".to_owned(), true);
    let cases: [Case; 7] = [
        ("takes schemas", |_| None, vec![schema.clone()]),
        (
            // llama-cpp-python: the check of its request fails, and it answers 500.
            "pydantic",
            |request| {
                let said = "[{'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"}]";
                asks(request, "json_schema").then(|| error(500, said)).flatten()
            },
            vec![schema.clone(), object.clone()],
        ),
        (
            "fastapi",
            |request| {
                let detail = json!({"detail": [{"type": "literal_error", "loc": ["body", "response_format", "type"]}]});
                asks(request, "json_schema").then_some((422, detail))
            },
            vec![schema.clone(), object.clone()],
        ),
        (
            "deepseek",
            |request| {
                asks(request, "json_schema")
                    .then(|| error(400, "This response_format type is unavailable now"))
                    .flatten()
            },
            vec![schema.clone(), object.clone()],
        ),
        (
            "groq",
            |request| {
                let said = "json mode cannot be combined with tool/function calling";
                (!request["response_format"].is_null()).then(|| error(400, said)).flatten()
            },
            vec![schema.clone(), object.clone(), prompt.clone()],
        ),
        (
            // LM Studio takes schemas alone.
            "lm studio",
            |request| {
                let said = "'response_format.type' must be 'json_schema' or 'text'";
                asks(request, "json_object").then(|| error(400, said)).flatten()
            },
            vec![schema.clone()],
        ),
        (
            "vllm",
            |request| {
                asks(request, "json_schema")
                    .then(|| error(400, "Grammar error: the schema is not supported"))
                    .flatten()
            },
            vec![schema, object.clone()],
        ),
    ];
    for (name, refuses, expected) in cases {
        let (url, asked) = service(refuses, |_| "{\"score\": 8}".into()).await;
        let model = client(&url, |_| {});
        assert_eq!(turn(&model, structured()).await.unwrap().text, "{\"score\": 8}", "{name}");
        assert_eq!(forms(&asked), expected, "{name}");
        // A learnt ability is not tried again.
        turn(&model, structured()).await.unwrap();
        assert_eq!(forms(&asked).len(), expected.len() + 1, "{name}");
        assert_eq!(forms(&asked).last(), expected.last(), "{name}");
    }
}

#[tokio::test]
async fn a_service_that_ignores_schemas_gets_the_schema_in_the_prompt() {
    let says = |request: &Value| {
        let told = request["messages"][0]["content"].as_str().unwrap().contains("JSON Schema");
        if told { "{\"score\": 1}".into() } else { "It is good.".to_owned() }
    };
    let (url, asked) = service(|_| None, says).await;
    let model = client(&url, |_| {});
    assert_eq!(turn(&model, structured()).await.unwrap().text, "It is good.");
    assert_eq!(turn(&model, structured()).await.unwrap().text, "{\"score\": 1}");
    assert_eq!(forms(&asked), [("json_schema".to_owned(), false), ("json_schema".to_owned(), true)]);
}

#[tokio::test]
async fn the_configuration_says_how_structured_answers_are_asked_for() {
    for (structured_output, expected) in [
        (Structured::JsonSchema, ("json_schema", false)),
        (Structured::JsonObject, ("json_object", true)),
        (Structured::Prompt, ("none", true)),
    ] {
        let (url, asked) = service(|_| None, |_| "{}".into()).await;
        let model = client(&url, |config| config.structured = structured_output);
        turn(&model, structured()).await.unwrap();
        assert_eq!(forms(&asked), [(expected.0.to_owned(), expected.1)]);
    }
    // A configured form is not given up.
    let refuses: Refuses =
        |request| asks(request, "json_schema").then(|| error(400, "no json_schema here")).flatten();
    let (url, _) = service(refuses, |_| "{}".into()).await;
    let model = client(&url, |config| config.structured = Structured::JsonSchema);
    assert_eq!(turn(&model, structured()).await.unwrap_err().code(), "provider_refused");
}

#[tokio::test]
async fn other_refusals_are_passed_on() {
    for said in ["the key is wrong", "Invalid schema for function 'x'", "context length exceeded"] {
        let said: &'static str = said;
        let refuses: Refuses = match said {
            "the key is wrong" => |_| error(401, "response_format"),
            "context length exceeded" => |_| error(400, "context length exceeded"),
            _ => |_| error(429, "too many requests for response_format"),
        };
        let (url, asked) = service(refuses, |_| "{}".into()).await;
        turn(&client(&url, |_| {}), structured()).await.unwrap_err();
        assert_eq!(asked.lock().unwrap().len(), 1, "{said}");
    }
}

fn with_image() -> Request {
    let image = Media::new("image/png", "AAAA").unwrap();
    let call = runbus_workers::model::ToolCall::new("c", "look", "{}");
    let answer = Message::tool("c", Content::with("[image image/png, 3 bytes, attached]", vec![image]));
    let messages = vec![Message::user("look"), Message::calling(None, vec![call]), answer];
    Request { messages, ..Request::default() }
}

#[tokio::test]
async fn images_reach_models_that_take_them() {
    let has_image = |request: &Value| request["messages"].to_string().contains("image_url");
    let (url, asked) = service(|_| None, |_| "seen".into()).await;
    turn(&client(&url, |_| {}), with_image()).await.unwrap();
    turn(&client(&url, |config| config.images = Images::Never), with_image()).await.unwrap();
    let sent: Vec<bool> = asked.lock().unwrap().iter().map(has_image).collect();
    assert_eq!(sent, [true, false]);

    let refuses: Refuses = |request| {
        let image = request["messages"].to_string().contains("image_url");
        image.then(|| error(400, "this model does not support image input")).flatten()
    };
    let (url, asked) = service(refuses, |_| "blind".into()).await;
    let model = client(&url, |_| {});
    assert_eq!(turn(&model, with_image()).await.unwrap().text, "blind");
    turn(&model, with_image()).await.unwrap();
    let sent: Vec<bool> = asked.lock().unwrap().iter().map(has_image).collect();
    assert_eq!(sent, [true, false, false]);
    assert!(asked.lock().unwrap()[1].to_string().contains("not shown"));
}

#[tokio::test]
async fn a_part_of_the_question_that_the_service_refuses_is_named() {
    let refuses: Refuses = |request| {
        let image = request["messages"].to_string().contains("image_url");
        image.then(|| error(400, "this model does not support image input")).flatten()
    };
    let (url, asked) = service(refuses, |_| "blind".into()).await;
    let image = Media::new("image/png", "AAAA").unwrap();
    let question = Message::user(Content::with("What is it?", vec![image]));
    let ask = |messages: Vec<Message>| Request { messages, ..Request::default() };
    let model = client(&url, |_| {});
    for tries in [1, 1] {
        let fault = turn(&model, ask(vec![question.clone()])).await.unwrap_err();
        assert_eq!(fault.code(), "unsupported_part");
        assert!(fault.to_string().contains("part 1 (image image/png, 3 bytes)"), "{fault}");
        assert_eq!(asked.lock().unwrap().len(), tries, "the refusal is remembered");
    }
    // The conversation goes on without it.
    let said = vec![question, Message::user("And now?")];
    assert_eq!(turn(&model, ask(said)).await.unwrap().text, "blind");
    assert!(asked.lock().unwrap()[1].to_string().contains("not shown: the model takes no images"));
}

#[tokio::test]
async fn an_answer_that_is_compressed_unasked_names_its_encoding() {
    let chat = async || ([("content-type", "text/event-stream"), ("content-encoding", "gzip")], "\u{1f}...");
    let router = axum::Router::new().route("/v1/chat/completions", post(chat));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let fault = turn(&client(&url, |_| {}), with_image()).await.unwrap_err();
    assert!(fault.code() == "garbage" && fault.to_string().contains("\"gzip\""), "{fault}");
}

#[tokio::test]
async fn a_service_that_does_not_count_is_asked_without() {
    let refuses: Refuses = |request| {
        (!request["stream_options"].is_null())
            .then(|| error(422, "stream_options: extra fields not permitted"))
            .flatten()
    };
    let (url, asked) = service(refuses, |_| "hello".into()).await;
    turn(&client(&url, |_| {}), with_image()).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn without_a_name_the_first_model_that_chats_is_taken() {
    let (url, asked) = service(|_| None, |_| "hello".into()).await;
    let model = client(&url, |config| config.model = None);
    turn(&model, with_image()).await.unwrap();
    turn(&model, Request { model: Some("named".into()), ..with_image() }).await.unwrap();
    let names: Vec<Value> = asked.lock().unwrap().iter().map(|request| request["model"].clone()).collect();
    assert_eq!(names, ["small-chat", "named"]);
}

#[tokio::test]
async fn a_stream_without_a_finish_reason_closed_early() {
    let chat = async || {
        let piece = json!({"choices": [{"index": 0, "delta": {"content": "half"}}]});
        ([("content-type", "text/event-stream")], format!("data: {piece}\n\ndata: [DONE]\n\n"))
    };
    let router = axum::Router::new().route("/v1/chat/completions", post(chat));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    assert_eq!(turn(&client(&url, |_| {}), with_image()).await.unwrap_err(), Fault::ClosedEarly);
}
