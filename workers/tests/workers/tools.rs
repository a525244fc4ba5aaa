//! Tools: one small function each, always with an answer for the model.

use std::time::Duration;

use runbus::pattern::Patterns;
use runbus::session::ToolCall;
use runbus_workers::tool::{
    Error, Function, Kind, Need, Outcome, Refusal, Registry, RegistryFault, SubagentSpec, ask_human, clock,
    subagent,
};
use serde_json::json;

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Divide {
    /// The number to divide.
    number: f64,
    /// By what.
    by: f64,
}

fn registry() -> Registry {
    let divide = Function::new("divide", "divides", async |Divide { number, by }: Divide| {
        if by == 0.0 { Err(Error::failed("division by zero")) } else { Ok(number / by) }
    })
    .safe_to_repeat();
    let long = Function::new("long", "talks", async |_: serde_json::Value| Ok("x".repeat(10_000)));
    let hang = Function::new("hang", "hangs", async |_: serde_json::Value| {
        std::future::pending::<()>().await;
        Ok("never")
    });
    let crash = Function::new("crash", "crashes", async |_: serde_json::Value| -> Result<String, Error> {
        panic!("boom");
    });
    let clock = clock(|| "2026-01-02T03:04:05Z".to_owned());
    let registry = Registry::new().with_max_result_bytes(1000).with_timeout(Duration::from_secs(600));
    // Only what never ends has a short limit.
    let hang = hang.with_timeout(Duration::from_millis(50));
    registry
        .with(divide)
        .and_then(|registry| registry.with(long))
        .and_then(|registry| registry.with(hang))
        .and_then(|registry| registry.with(crash))
        .and_then(|registry| registry.with(clock))
        .unwrap()
}

async fn run(name: &str, arguments: &str) -> Outcome {
    registry().everything().attempt(name, "call", "key", arguments).await
}

#[tokio::test]
async fn a_result_is_text_or_json() {
    let outcome = run("divide", r#"{"number": 7, "by": 2}"#).await;
    assert_eq!(outcome, Outcome { content: "3.5".into(), error: None, truncated: false, media: Vec::new() });
    assert_eq!(run("clock", "").await.content, "2026-01-02T03:04:05Z");
}

#[tokio::test]
async fn every_failure_is_an_answer() {
    for (name, arguments, code, text) in [
        ("divide", r#"{"number": 1, "by": 0}"#, "failed", "division by zero"),
        ("divide", r#"{"number": 1, "by": "x"}"#, "invalid_arguments", "invalid arguments at `by`"),
        ("divide", r#"{"number": 1}"#, "invalid_arguments", "\"by\" is a required property"),
        ("divide", "{", "invalid_arguments", "no JSON"),
        ("divide", "[]", "invalid_arguments", "not a JSON object"),
        ("multiply", "{}", "unknown_tool", "the tools are: clock, crash, divide, hang, long"),
        ("crash", "{}", "panicked", "boom"),
        ("hang", "{}", "timed_out", "within 50 ms"),
    ] {
        let outcome = run(name, arguments).await;
        assert_eq!(outcome.error.as_ref().map(Error::code), Some(code), "{name}: {outcome:?}");
        assert!(outcome.content.contains(text), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_long_result_is_cut_visibly() {
    let outcome = run("long", "{}").await;
    assert!(outcome.truncated && outcome.content.len() <= 1000);
    assert!(outcome.content.contains("of 10000 bytes cut"));
}

#[test]
fn the_schema_is_that_of_the_argument() {
    let registry = registry();
    let spec = serde_json::to_value(registry.get("divide").unwrap().spec()).unwrap();
    assert_eq!(spec["type"], "function");
    let parameters = &spec["function"]["parameters"];
    assert_eq!(parameters["required"], json!(["number", "by"]));
    assert_eq!(parameters["properties"]["by"]["description"], "By what.");
    let clock = registry.get("clock").unwrap().spec();
    assert_eq!(clock.parameters["type"], "object");
}

#[test]
fn only_declared_tools_are_safe_to_repeat() {
    let registry = registry();
    let safe =
        ["divide", "clock", "nothing", "long"].map(|name| registry.everything().is_safe_to_repeat(name));
    assert_eq!(safe, [true, true, true, false]);
}

#[test]
fn names_are_checked() {
    let tool = |name: &str| Function::new(name, "", async |_: serde_json::Value| Ok("x"));
    assert!(matches!(Registry::new().with(tool("a b")), Err(RegistryFault::Name(_))));
    assert!(matches!(Registry::new().with(tool("")), Err(RegistryFault::Name(_))));
    let one = Registry::new().with(tool("a")).unwrap();
    assert_eq!(one.clone().with(tool("a")).unwrap_err(), RegistryFault::Duplicate("a".into()));
    let scope = |tools: &str| one.scope(Patterns::parse([tools]).unwrap(), Patterns::default());
    assert!(scope("a").check().is_ok());
    assert!(scope("b").check().unwrap_err().to_string().contains("the tools are: a"));
}

#[tokio::test]
async fn a_tool_declares_the_executor_and_the_approval_of_its_calls() {
    let delete = Function::new("delete", "deletes", async |_: Divide| Ok("gone")).requires_approval();
    let registry = Registry::new()
        .with(delete)
        .and_then(|registry| registry.with(ask_human()))
        .and_then(|registry| registry.with(subagent("research", "finds out", "researcher", true)))
        .unwrap();
    let scope = registry.everything();
    let call = |name: &str, arguments: &str| {
        let (id, name, arguments) = ("call".to_owned(), name.to_owned(), arguments.to_owned());
        scope.clear(&ToolCall::new(id, name, arguments), None)
    };
    assert_eq!(scope.need("delete"), Some(Need::Tool));
    assert_eq!((scope.need("ask_human"), scope.need("nothing")), (None, None));
    assert!(matches!(call("delete", r#"{"number": 1, "by": 1}"#), Err(Refusal::NeedsApproval { .. })));
    assert_eq!(call("ask_human", r#"{"prompt": "why?"}"#).unwrap().kind(), Kind::AskHuman);
    let researcher = SubagentSpec { definition: "researcher".into(), ephemeral: true };
    let research = call("research", r#"{"input": "x"}"#).unwrap();
    assert_eq!(research.kind(), Kind::Subagent(researcher));
    assert_eq!(research.arguments(), &json!({"input": "x"}));
    let outcome = scope.attempt("ask_human", "call", "key", r#"{"prompt": "why?"}"#).await;
    assert!(outcome.is_error(), "{outcome:?}");
    for (name, arguments, code) in [("nothing", "{}", "unknown_tool"), ("research", "[", "invalid_arguments")]
    {
        let Err(Refusal::Error(error)) = call(name, arguments) else { panic!("{name} is cleared") };
        assert_eq!(error.code(), code);
    }
    let outcome = scope.attempt("delete", "call", "key", r#"{"number": 1, "by": 1}"#).await;
    assert_eq!(outcome.error.unwrap().code(), "needs_approval");
}

#[tokio::test]
async fn a_tool_may_have_a_time_limit_of_its_own() {
    let hang = Function::new("hang", "hangs", async |_: serde_json::Value| {
        std::future::pending::<()>().await;
        Ok("never")
    });
    let registry = Registry::new().with(hang.with_timeout(Duration::from_millis(7))).unwrap();
    let outcome = registry.everything().attempt("hang", "call", "key", "{}").await;
    assert_eq!(outcome.error, Some(Error::TimedOut { limit_ms: 7 }));
}

#[tokio::test]
async fn how_calls_end_is_counted() {
    let registry = registry();
    for (name, arguments) in [
        ("divide", r#"{"number": 7, "by": 2}"#),
        ("divide", r#"{"number": 7, "by": 0}"#),
        ("divide", r#"{"number": "seven", "by": 2}"#),
        ("nothing", "{}"),
        ("long", "{}"),
        ("hang", "{}"),
        ("crash", "{}"),
    ] {
        registry.everything().attempt(name, "call", "key", arguments).await;
    }
    registry.everything().attempt("divide", "call", "key", "{}").await;
    let stats = serde_json::to_value(registry.stats()).unwrap();
    let expected = json!({"calls": 8, "unknown_tool": 1, "invalid_arguments": 2, "needs_approval": 0, "failed": 1, "timed_out": 1,
        "panicked": 1, "truncated": 1});
    assert_eq!(stats, expected);
}

#[tokio::test]
async fn fifty_megabytes_are_cut_whether_result_or_error() {
    let large = Function::new("large", "", async |_: serde_json::Value| Ok("x".repeat(50 * 1024 * 1024)));
    let fails = Function::new("fails", "", async |_: serde_json::Value| -> Result<String, Error> {
        Err(Error::failed("x".repeat(50 * 1024 * 1024)))
    });
    let registry = Registry::new().with(large).unwrap().with(fails).unwrap();
    for name in ["large", "fails"] {
        let outcome = registry.everything().attempt(name, "call", "key", "{}").await;
        assert!(outcome.truncated && outcome.content.len() <= 64 * 1024);
        assert!(outcome.error.is_none_or(|error| error.to_string().len() <= 8 * 1024));
    }
}

#[tokio::test]
async fn blocking_functions_end_in_time_too() {
    let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
    let held = std::sync::Mutex::new(held);
    let block = Function::blocking("block", "", move |_: serde_json::Value| -> Result<String, Error> {
        let _ = held.lock().unwrap().recv();
        Ok("late".into())
    });
    let square = Function::blocking("square", "", |of: Divide| Ok(of.number * of.number));
    let crash = Function::blocking("crash", "", |_: serde_json::Value| -> Result<String, Error> {
        panic!("boom");
    });
    // Nothing but the call that never ends has a limit: how long a thread and a backtrace take is the machine's affair.
    let limited = Registry::new().with_timeout(Duration::from_millis(50)).with(block).unwrap();
    let outcome = limited.everything().attempt("block", "call", "key", "{}").await;
    assert_eq!(outcome.error, Some(Error::TimedOut { limit_ms: 50 }));
    let registry = Registry::new().with_timeout(Duration::from_secs(600));
    let registry = registry.with(square.safe_to_repeat()).unwrap().with(crash).unwrap();
    let outcome = registry.everything().attempt("square", "call", "key", r#"{"number": 3, "by": 0}"#).await;
    assert_eq!(outcome.content, "9.0");
    let outcome = registry.everything().attempt("crash", "call", "key", "{}").await;
    assert_eq!(outcome.error, Some(Error::Panicked { message: "boom".into() }));
    drop(release);
}

#[test]
fn a_tool_with_a_bad_schema_is_refused() {
    #[derive(Debug)]
    struct Bad(runbus_workers::tool::Spec);
    #[async_trait::async_trait]
    impl runbus_workers::tool::Tool for Bad {
        fn spec(&self) -> &runbus_workers::tool::Spec {
            &self.0
        }
        async fn call(&self, _: runbus_workers::tool::Invocation) -> Result<String, Error> {
            Ok(String::new())
        }
    }
    let spec = |parameters| runbus_workers::tool::Spec {
        name: "bad".into(),
        description: String::new(),
        parameters,
    };
    let fault = Registry::new().with(Bad(spec(json!({"type": 7})))).unwrap_err();
    assert!(matches!(&fault, RegistryFault::Schema { name, .. } if name == "bad"), "{fault}");
    assert!(Registry::new().with(Bad(spec(json!({"type": "object"})))).is_ok());
}
