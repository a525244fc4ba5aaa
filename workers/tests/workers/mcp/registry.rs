//! Definitions, registries and configuration, before any server is up.

use std::collections::BTreeMap;

use runbus::config::{Secret, Validate};
use runbus_workers::definition::Definitions;
use runbus_workers::graph::Definition;
use runbus_workers::mcp::config::{All, Approval, Config, Server, Transport};
use runbus_workers::tool::{Function, Registry, RegistryFault};
use serde_json::json;

use super::kit::{Bench, stdio};

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
async fn what_may_be_repeated_is_known_before_the_server_is_up() {
    let bench = Bench::of(absent());
    let safe = bench.registry.find("s__x").unwrap();
    assert!(!safe.safe_to_repeat());
    assert!(!bench.registry.is_safe_to_repeat("s__write"));
    assert!(bench.registry.is_safe_to_repeat("s__read_file_2d6f0437"));
}

#[tokio::test]
async fn what_needs_approval_is_known_before_the_server_is_up() {
    let bench = Bench::of(absent());
    assert!(bench.registry.requires_approval("s__write") && !bench.registry.requires_approval("s__x"));
    let bench = Bench::of(Server { require_approval: Approval::All(All::All), ..absent() });
    assert!(bench.registry.requires_approval("s__x"));
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
    assert_eq!(bench.call("pid", json!({})).await.content, "mcp server s has no tool s__pid");
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
