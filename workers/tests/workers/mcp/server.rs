//! The server that the tests start: this same binary, which runs the one ignored test below.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, JsonObject,
    ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer, serve_server};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, transport};
use serde_json::{Value, json};

/// The variable that says how to serve: `stdio`, `modern`, `http`, `mute` (reads and never answers) or `fail` (ends at once).
pub(super) const MODE: &str = "MCP_TEST_MODE";

/// The variable that says where `http` listens.
pub(super) const ADDRESS: &str = "MCP_TEST_ADDRESS";

/// The arguments of the binary, so that it runs only the server.
pub(super) const ARGUMENTS: [&str; 4] = ["mcp::server::process", "--exact", "--ignored", "--nocapture"];

#[tokio::test]
#[ignore = "not a test: the server that other tests start"]
async fn process() {
    match variable(MODE).as_deref() {
        Some(mode @ ("stdio" | "modern" | "bomb")) => {
            let (modern, bomb) = (mode == "modern", mode == "bomb");
            let server = TestServer { modern, bomb, ..TestServer::default() };
            let running = serve_server(server, transport::stdio()).await.unwrap();
            running.waiting().await.unwrap();
        }
        Some("http") => http().await,
        Some("odd") => super::odd::serve(),
        Some("mute") => {
            tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await.unwrap();
        }
        Some("fail") => {
            eprintln!("no database at all");
            std::process::exit(3);
        }
        _ => {}
    }
}

fn variable(wanted: &str) -> Option<String> {
    std::env::vars().find(|(name, _)| name == wanted).map(|(_, value)| value)
}

#[expect(clippy::print_stdout, reason = "how the test learns the address")]
async fn http() {
    let listener = tokio::net::TcpListener::bind(variable(ADDRESS).unwrap()).await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    let config = StreamableHttpServerConfig::default();
    let shared = TestServer::default();
    let service = StreamableHttpService::new(
        move || Ok(shared.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let key = async |request: axum::extract::Request, next: axum::middleware::Next| {
        let right = request.headers().get("x-key").is_some_and(|key| key == "secret");
        if right { Ok(next.run(request).await) } else { Err(axum::http::StatusCode::UNAUTHORIZED) }
    };
    let router = axum::Router::new().nest_service("/mcp", service).layer(axum::middleware::from_fn(key));
    let ended = async {
        // The test holds the other end.
        let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut tokio::io::sink()).await;
    };
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served.unwrap(),
        () = ended => {}
    }
}

/// Twenty definitions, each of which refers to the next one four times.
fn bomb() -> JsonObject {
    let mut defs = JsonObject::new();
    for n in 0..20 {
        let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
        let fields = json!({"a": next, "b": next, "c": next, "d": next});
        defs.insert(format!("d{n}"), json!({"type": "object", "properties": fields}));
    }
    defs.insert("d20".into(), json!({"type": "string"}));
    let schema = json!({"type": "object", "properties": {"x": {"$ref": "#/$defs/d0"}}, "$defs": defs});
    schema.as_object().unwrap().clone()
}

#[derive(Debug, Clone, Default)]
struct TestServer {
    /// Knows only the newest protocol, which has no handshake.
    modern: bool,
    /// Has a tool whose schema expands without end.
    bomb: bool,
    grown: Arc<AtomicBool>,
}

impl ServerHandler for TestServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build())
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        if self.modern {
            Cow::Borrowed(&[ProtocolVersion::V_2026_07_28])
        } else {
            Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS)
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut names = vec![
            "echo",
            "pid",
            "variable",
            "big",
            "hang",
            "die",
            "refuse",
            "mixed",
            "meta",
            "grow",
            "wide.name",
            "steps",
        ];
        if self.grown.load(Ordering::SeqCst) {
            names.push("late");
        }
        let schema = |name: &str| -> JsonObject {
            let properties = if name == "echo" { json!({"text": {"type": "string"}}) } else { json!({}) };
            json!({"type": "object", "properties": properties}).as_object().unwrap().clone()
        };
        let tool = |name: &'static str| Tool::new(name, format!("does {name}"), schema(name));
        let mut tools: Vec<Tool> = names.into_iter().map(tool).collect();
        if self.bomb {
            tools.push(Tool::new("bomb", "ends no worker", bomb()));
        }
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        let text = |text: String| Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into());
        match request.name.as_ref() {
            "echo" => text(arguments["text"].as_str().unwrap_or_default().to_owned()),
            "meta" => {
                let told = |name: &str| context.meta.get(name).cloned();
                text(json!([told("traceparent"), told("tracestate")]).to_string())
            }
            "pid" => text(std::process::id().to_string()),
            "variable" => {
                let wanted = arguments["name"].as_str().unwrap_or_default();
                text(variable(wanted).unwrap_or_default())
            }
            "big" => text("x".repeat(usize::try_from(arguments["bytes"].as_u64().unwrap()).unwrap())),
            "hang" => std::future::pending().await,
            "die" => std::process::exit(9),
            "refuse" => Ok(CallToolResult::error(vec![ContentBlock::text("no such customer")]).into()),
            "mixed" => {
                let blocks = vec![ContentBlock::text("see"), ContentBlock::image("AAAA", "image/png")];
                let mut result = CallToolResult::success(blocks);
                result.structured_content = Some(json!({"count": 2}));
                Ok(result.into())
            }
            "grow" => {
                self.grown.store(true, Ordering::SeqCst);
                context.peer.notify_tool_list_changed().await.unwrap();
                text("grown".into())
            }
            "steps" => {
                let token = context.meta.get_progress_token().unwrap();
                for step in 1..=3 {
                    let mut told = ProgressNotificationParam::new(token.clone(), f64::from(step));
                    told.total = Some(3.0);
                    told.message = Some(format!("step {step}"));
                    context.peer.notify_progress(told).await.unwrap();
                }
                text("done".into())
            }
            "late" | "wide.name" => text(request.name.into_owned()),
            other => Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        }
    }
}
