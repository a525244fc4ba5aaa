//! Subscribes with two handlers: one for everything in order, one for orders with several at a time.
//!
//!   cargo run --example subscribe
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use runbus::adapters::embedded::{Config, Embedded};
use runbus::bus::{Bus, Delivered, Filter, Options};
use runbus::event::{Kind, Source, family::custom::Custom};
use runbus::id::StreamId;
use runbus::log::Since;
use runbus::time::Clock;
use serde_json::{Map, json};
use tokio::sync::mpsc;

const ORDERS: usize = 3;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = Embedded::open(&Config::default(), Clock::System)?;
    let bus = Bus::new(backend.log, backend.store);
    let stream = StreamId::new("shop")?;

    // One handler at a time: events are handled in their order.
    let in_order = Options { since: Since::New, concurrency: 1 };
    let (seen, mut handled) = mpsc::channel(ORDERS);
    let audit = bus
        .subscribe(Filter::stream(stream.clone()), in_order, move |found: Delivered| {
            let seen = seen.clone();
            async move { seen.send(found.event.data.get().to_owned()).await }
        })
        .await?;

    // A handler that fails is counted and logged. It stops no other handler.
    let orders = Filter::stream(stream.clone()).types([Kind::Custom]);
    let mailer = bus.subscribe(orders, Options::default(), |_| async { Err("no mail server") }).await?;

    let emitter = bus.emitter(Source::stream(stream, Clock::System));
    for number in 1..=ORDERS {
        emitter.custom(Custom(Map::from_iter([("order".to_owned(), json!(number))]))).await?;
    }
    for _ in 0..ORDERS {
        println!("handled {}", handled.recv().await.unwrap_or_default());
    }
    bus.unsubscribe(audit);
    bus.unsubscribe(mailer);
    Ok(())
}
