//! Publishes events and reads them.
//!
//!   cargo run --example publish_and_read
//!
//! The log is the embedded one in `.runbus`, as of `runbus dev` in the same folder.
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use runbus::adapters::embedded::{Config, Embedded};
use runbus::bus::{Bus, Delivery, Filter};
use runbus::event::{Source, family::custom::Custom};
use runbus::id::{ExecutionId, StreamId};
use runbus::log::Since;
use runbus::time::Clock;
use serde_json::{Map, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = Embedded::open(&Config::default(), Clock::System)?;
    let bus = Bus::new(backend.log, backend.store);

    let (stream, build) = (StreamId::new("ci")?, ExecutionId::new("build-42")?);
    let emitter = bus.emitter(Source::execution(stream.clone(), build.clone(), Clock::System));
    for step in ["lint", "test"] {
        let data = Map::from_iter([("step".to_owned(), json!(step))]);
        emitter.custom(Custom(data)).await?; // Returns when the event is durable.
    }

    let mut reader = bus.read(Filter::execution_of(stream, build), Since::All).await?;
    loop {
        match reader.next().await? {
            Delivery::Event(found) => println!("{} {}", found.event.kind, found.event.data.get()),
            Delivery::Gap(gap) => println!("events are missing: {gap:?}"),
            Delivery::Undecodable(line) => println!("a line is no event: {}", line.reason),
            // Without this arm the reader goes on with what comes next.
            Delivery::CaughtUp => return Ok(()),
        }
    }
}
