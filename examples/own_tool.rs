//! A worker with a tool of its own.
//!
//!   cargo run --example own_tool -- DEFINITION [SCRIPT]
//!
//! It runs the agent or graph of the file DEFINITION, beside the built-in ones, on the embedded log in `.runbus`. The
//! model is that of `OPENAI_BASE_URL` and `OPENAI_API_KEY`. Without them the scripted model answers, from the file SCRIPT.
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::sync::Arc;
use std::time::Duration;

use runbus::adapters::embedded::{self, Embedded};
use runbus::lifecycle::Shutdown;
use runbus::time::Clock;
use runbus_workers::config::Config;
use runbus_workers::definition::Definitions;
use runbus_workers::pool::Worker;
use runbus_workers::session::actor::Dependencies;
use runbus_workers::tool::{Error, Function, Registry};
use runbus_workers::{model_section, tools_section};

/// The arguments. The model sees their JSON Schema, with these comments.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Order {
    /// The article, as in `shirt`.
    article: String,
    /// Pieces, 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pieces: u32,
}

/// The tool: text for the model, or an error that the model reads.
async fn place_order(order: Order) -> Result<String, Error> {
    if order.article != "shirt" {
        return Err(Error::failed(format!("the shop has no {}", order.article)));
    }
    Ok(format!("ordered: {} x {}", order.pieces, order.article))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let definition = arguments.next().ok_or("usage: own_tool DEFINITION [SCRIPT]")?;
    let variable = |name: &str| std::env::vars().find(|(key, _)| key == name).map(|(_, value)| value);
    let mut model = model_section::Config { script: arguments.next().map(Into::into), ..Default::default() };
    model.fall_back(variable);

    // Not safe to repeat: a call whose worker died before it answered waits for a person.
    let tool = Function::new("place_order", "Orders an article from the shop.", place_order);
    let built_in = tools_section::Config::default();
    let registry = built_in.add_to(Registry::new(), || Clock::System.now().to_string())?.with(tool)?;
    let mut definitions = Definitions::builtin()?;
    definitions.load(definition.as_ref())?;
    definitions.check_tools(&registry)?;

    let backend = Embedded::open(&embedded::Config::default(), Clock::System)?;
    let config = Config::default();
    let dependencies = Dependencies {
        log: backend.log,
        store: backend.store,
        clock: Clock::System,
        definitions: Arc::new(definitions),
        model: model.build()?,
        registry: Arc::new(registry),
        worker: Worker::id(&config),
    };
    let shutdown = Shutdown::on_signals()?;
    println!("worker {} is ready", dependencies.worker);
    let worker = Worker::new(config, backend.queue, dependencies);
    shutdown.spawn(worker.run(shutdown.soft().clone(), shutdown.hard().clone()));
    shutdown.soft().cancelled().await;
    // Sessions at work are handed over at their next step.
    let _ = shutdown.drain(Duration::from_secs(30)).await;
    Ok(())
}
