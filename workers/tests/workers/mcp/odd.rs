//! A server over standard input and output that breaks the rules, and the outcome of calls to it.

use std::io::{BufRead, Write};
use std::time::Instant;

use runbus_workers::mcp::State;
use runbus_workers::mcp::config::Server;
use serde_json::{Value, json};

use super::kit::{Bench, stdio};

/// Runs in a process of its own: see [`super::server`]. A call's argument `say` is what it answers, `ID` standing for the request's id.
#[expect(clippy::print_stdout, reason = "servers write to standard output")]
pub(super) fn serve() {
    let send = |text: String| {
        println!("{text}");
        std::io::stdout().flush().unwrap();
    };
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let id = request["id"].clone();
        let answer = |result: Value| json!({"jsonrpc": "2.0", "id": id, "result": result}).to_string();
        match request["method"].as_str().unwrap() {
            "initialize" => {
                let version = request["params"]["protocolVersion"].clone();
                let server = json!({"name": "odd", "version": "1"});
                let about =
                    json!({"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server});
                // With a log line in front, and in a batch: both are tolerated.
                send("{\"level\":\"info\",\"id\":0,\"message\":\"starting\"}".into());
                send(format!("[{}]", answer(about)));
            }
            "tools/list" => {
                let tool = |name: &str, support: &str| {
                    let schema = json!({"type": "object"});
                    json!({"name": name, "inputSchema": schema, "execution": {"taskSupport": support}})
                };
                let tools =
                    [tool("say", "optional"), tool("research", "required"), tool("wait", "forbidden")];
                send(answer(json!({"tools": tools})));
            }
            "tools/call" if request["params"]["name"] == "say" => {
                let said = request["params"]["arguments"]["say"].as_str().unwrap();
                said.split('\n').for_each(|line| send(line.replace("ID", &id.to_string())));
            }
            "tools/call" => {
                // Words about its progress that come for as long as anybody listens; an answer never.
                let token = request["params"]["_meta"]["progressToken"].clone();
                let told = json!({"progressToken": token, "progress": 1, "message": "at work"});
                for _ in 0..request["params"]["arguments"]["times"].as_u64().unwrap() {
                    send(
                        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": told})
                            .to_string(),
                    );
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                if request["params"]["arguments"]["ends"] == true {
                    send(answer(json!({"content": [{"type": "text", "text": "ended"}]})));
                }
            }
            _ => {}
        }
    }
}

/// For any answer of a server, its call ends at once with a reason; its limit here is far beyond the test's patience.
#[tokio::test]
async fn an_answer_that_cannot_be_read_or_matched_fails_its_call_at_once() {
    let bench = Bench::of(Server { call_timeout_ms: 3_600_000, ..stdio("odd") });
    bench.ready().await;
    for (said, why) in [
        (r#"{"jsonrpc":"2.0","id":99999,"result":{"content":[]}}"#, "names the request 99999"),
        (r#"{"jsonrpc":"2.0","id":"ID","result":{"content":[]}}"#, "names the request \""),
        (
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no such session"}}"#,
            "no such session",
        ),
        (r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"}}"#, "parse error"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"cut"#, "cannot be read"),
        (r#"{"jsonrpc":"2.0","result":{"content":[{"type":"text"#, "cannot be read"),
        (r#"{"jsonrpc":"2.0","id":ID}"#, "cannot be read"),
        (
            r#"{"jsonrpc":"2.0","id":ID,"result":{"content":"text"}}"#,
            "no result of a call: invalid type: string",
        ),
        (r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text"}]}}"#, "no result of a call: "),
        (r#"{"jsonrpc":"2.0","id":ID,"result":7}"#, "no result of a call: invalid type: integer"),
        (r#"{"jsonrpc":"2.0","id":ID,"result":{}}"#, "no result of a call: "),
        (r#"{"jsonrpc":"2.0","id":ID,"error":"text"}"#, "cannot be read"),
    ] {
        let outcome = bench.call("say", json!({"say": said})).await;
        assert!(outcome.is_error() && outcome.content.contains(why), "{said}: {}", outcome.content);
        for rust in ["Some(", "rmcp", "::", "Number("] {
            assert!(!outcome.content.contains(rust), "{}", outcome.content);
        }
    }
    // The connection is as good as before.
    let good = r#"{"jsonrpc":"2.0","id":ID,"result":{"content":[{"type":"text","text":"good"}]}}"#;
    assert_eq!(bench.text("say", json!({"say": format!("a log line\n{good}")})).await, "good");
    assert_eq!(bench.text("say", json!({"say": format!("[{good}]")})).await, "good");
    let status = bench.servers.status().remove(0);
    assert_eq!((status.state, status.restarts), (State::Ready, 0));
}

#[tokio::test]
async fn a_tool_that_runs_only_as_a_task_is_not_offered() {
    let bench = Bench::of(stdio("odd"));
    let status = bench.ready().await;
    assert_eq!(status.tools, ["s__say", "s__wait"]);
    assert_eq!(status.refused["research"], "it runs only as a task, which is not supported");
    assert_eq!(bench.call("research", json!({})).await.error.unwrap().code(), "unknown_tool");
}

#[tokio::test]
async fn progress_extends_the_limit_of_a_call_up_to_a_bound() {
    let server =
        |silent, total| Server { call_timeout_ms: silent, call_timeout_total_ms: total, ..stdio("odd") };
    // Longer at work than its silence may be.
    let bench = Bench::of(server(5_000, 60_000));
    bench.ready().await;
    assert_eq!(bench.text("wait", json!({"times": 300, "ends": true})).await, "ended");
    // A server that speaks for ever is not waited for for ever.
    let bench = Bench::of(server(5_000, 6_000));
    bench.ready().await;
    let begun = Instant::now();
    let outcome = bench.call("wait", json!({"times": 3_000, "ends": true})).await;
    assert_eq!(outcome.error.unwrap().code(), "timed_out");
    assert!(begun.elapsed().as_secs() >= 6);
}
