//! Definitions, registries and configuration, before any server is up.

use std::collections::BTreeMap;

use runbus::config::{Secret, Validate};
use runbus::session::ToolCall;
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::mcp::State;
use runbus_workers::mcp::config::{All, Approval, Config, Server, Transport};
use runbus_workers::tool::{Function, Need, Registry, RegistryFault};
use serde_json::json;

use super::kit::{Bench, kill, stdio};

fn absent() -> Server {
    Server {
        command: Some("no-such-program-of-runbus".into()),
        safe_to_repeat: vec!["read.file".into()],
        require_approval: Approval::Tools(vec!["write".into()]),
        ..Server::default()
    }
}

#[tokio::test]
async fn a_definition_may_name_tools_of_a_server_that_is_not_up() {
    let bench = Bench::of(absent());
    let load = |tools: &str| {
        let mut definitions = Definitions::default();
        let text = format!("kind: agent\nname: a\nsystem: x\ntools: [{tools}]\n");
        definitions.add(Definition::parse("a.yaml", &text).unwrap()).unwrap();
        definitions.check_tools(&bench.registry)
    };
    load("s__echo, s__*").unwrap();
    let error = load("other__echo").unwrap_err().to_string();
    assert!(error.contains("the tools are: s__*"), "{error}");
}

#[tokio::test]
async fn repeatable_tools_are_known_before_the_server_is_up() {
    let bench = Bench::of(absent());
    let scope = bench.registry.everything();
    assert!(!scope.is_safe_to_repeat("s__x") && !scope.is_safe_to_repeat("s__write"));
    assert!(scope.is_safe_to_repeat("s__read_file_2d6f0437"));
}

#[tokio::test]
async fn guards_name_tools_as_the_server_does_and_take_patterns() {
    let tools = |names: &[&str]| Approval::Tools(names.iter().map(|name| (*name).to_owned()).collect());
    for (approval, guarded) in [
        (tools(&["ec*", "wide.name"]), [true, true, false]),
        (tools(&["*.n*e"]), [false, true, false]),
        (tools(&[]), [false, false, false]),
        (Approval::All(All::All), [true, true, true]),
    ] {
        let bench = Bench::of(Server { require_approval: approval.clone(), ..stdio("stdio") });
        assert_eq!(bench.ready().await.guards, None);
        let scope = bench.registry.everything();
        let need = ["s__echo", "s__wide_name_e83ab8c7", "s__pid"].map(|name| scope.need(name).is_some());
        assert_eq!(need, guarded, "{approval:?}");
        let outcome = scope.attempt("s__echo", "call", "key", r#"{"text": "x"}"#).await;
        assert_eq!(outcome.is_error(), guarded[0], "{}", outcome.content);
    }
}

#[tokio::test]
async fn a_guard_that_covers_no_tool_guards_them_all_until_it_covers_one() {
    let late = || vec!["late".to_owned()];
    for (server, key) in [
        (Server { require_approval: Approval::Tools(late()), ..stdio("stdio") }, "require_approval"),
        (Server { safe_to_repeat: late(), ..stdio("stdio") }, "safe_to_repeat"),
        (Server { allow: Some(vec!["grow".into(), "late".into()]), ..stdio("stdio") }, "allow"),
    ] {
        let guarded = key == "require_approval";
        let bench = Bench::of(server);
        let scope = bench.registry.everything();
        assert!(matches!(scope.need("s__grow"), Some(Need::Unknown { .. })));
        let reason = bench.ready().await.guards.unwrap();
        assert!(reason.starts_with(&format!("mcp.servers.s.{key}[")), "{reason}");
        assert!(reason.contains("\"late\" covers none of the server's tools; they are: big,"), "{reason}");
        assert_eq!(bench.servers.faults().as_slice(), std::slice::from_ref(&reason));
        assert_eq!(scope.need("s__grow"), Some(Need::Faulty(reason)));
        assert!(scope.attempt("s__grow", "call", "key", "{}").await.is_error());
        // A person lets the server have the tool that the guard is for.
        assert_eq!(bench.text("grow", json!({})).await, "grown");
        bench.until(|status| status.guards.is_none()).await;
        let need = ["s__grow", "s__late"].map(|name| scope.need(name).is_some());
        assert_eq!(need, [false, guarded], "{key}");
    }
}

/// A call that was cleared waits for a server that comes back as another version: it is looked at again before it is sent.
#[tokio::test]
async fn a_call_that_waits_for_another_version_of_the_server_is_guarded_by_its_tools() {
    let require_approval = Approval::Tools(vec!["late".into()]);
    let bench = Bench::of(Server { require_approval, ..stdio("stdio") });
    bench.ready().await;
    assert_eq!(bench.text("grow", json!({})).await, "grown");
    bench.until(|status| status.guards.is_none()).await;
    let pid = bench.text("pid", json!({})).await;
    let call = ToolCall::new("c", "s__pid", "{}");
    let permit = bench.registry.everything().clear(&call, None).unwrap();
    kill(&pid);
    bench.until(|status| status.state != State::Ready || status.restarts > 0).await;
    // Without `late` again, the guard covers nothing, and may be meant for any tool.
    let outcome = permit.run("key").await;
    assert_eq!(outcome.error.unwrap().code(), "needs_approval", "{}", outcome.content);
}

#[test]
fn invalid_patterns_are_refused_with_key_and_value() {
    for (text, at) in [
        ("", "servers.s.require_approval[1]"),
        (" order", "servers.s.require_approval[1]"),
        ("or**der", "servers.s.require_approval[1]"),
        ("or\nder", "servers.s.require_approval[1]"),
    ] {
        let require_approval = Approval::Tools(vec!["fine".into(), text.into()]);
        let server = Server { require_approval, ..absent() };
        let config = Config { servers: BTreeMap::from([("s".to_owned(), server)]) };
        let invalid = config.validate().unwrap_err();
        assert_eq!((invalid.key.as_str(), invalid.value), (at, format!("{text:?}")));
    }
}

#[tokio::test]
async fn arguments_are_checked_against_the_servers_schema() {
    let bench = Bench::of(stdio("stdio"));
    bench.ready().await;
    let outcome = bench.call("echo", json!({"text": 7})).await;
    assert_eq!(outcome.error.unwrap().code(), "invalid_arguments", "{}", outcome.content);
}

#[tokio::test]
async fn only_allowed_tools_are_there() {
    let allow = Some(vec!["echo".to_owned()]);
    let bench = Bench::of(Server { allow, ..stdio("stdio") });
    assert_eq!(bench.ready().await.tools, ["s__echo"]);
    let pid = bench.call("pid", json!({})).await;
    assert_eq!(pid.error.unwrap().code(), "unknown_tool", "{}", pid.content);
}

#[tokio::test]
async fn names_do_not_meet() {
    let bench = Bench::of(absent());
    let tool = Function::new("s__mine", "", async |_: serde_json::Value| Ok("x"));
    assert_eq!(bench.registry.clone().with(tool).unwrap_err(), RegistryFault::Duplicate("s__mine".into()));
    let tool = Function::new("s__mine", "", async |_: serde_json::Value| Ok("x"));
    let registry = Registry::new().with(tool).unwrap();
    assert_eq!(bench.servers.register(registry).unwrap_err(), RegistryFault::Duplicate("s__mine".into()));
}

#[test]
fn wrong_sections_are_refused_without_their_secrets() {
    let http = |url: &str| Server {
        transport: Transport::Http,
        url: Some(url.into()),
        headers: BTreeMap::from([("authorization".to_owned(), Secret::new("Bearer hush\n"))]),
        ..Server::default()
    };
    let config = |name: &str, server: Server| Config { servers: BTreeMap::from([(name.to_owned(), server)]) };
    for (config, key) in [
        (config("s", Server::default()), "servers.s.command"),
        (config("s", http("ftp://x")), "servers.s.url"),
        (config("s", http("http://x/mcp")), "servers.s.headers"),
        (config("a__b", absent()), "servers"),
        (config("a.b", absent()), "servers"),
        (config("a_", absent()), "servers"),
    ] {
        let invalid = config.validate().unwrap_err();
        assert_eq!(invalid.key, key, "{invalid}");
        assert!(!invalid.to_string().contains("hush"), "{invalid}");
    }
    config("git-hub_2", absent()).validate().unwrap();
}
