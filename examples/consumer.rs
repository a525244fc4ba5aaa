//! A consumer of the log that survives a restart: it exports events to a file, each exactly once.
//!
//!   cargo run --example consumer -- events.tsv
//!
//! Each line ends with the event's cursor. A consumer that starts again goes on behind the last whole line.
#![expect(clippy::print_stdout, reason = "an example prints its result")]

use std::fs::OpenOptions;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use runbus::adapters::embedded::{Config, Embedded};
use runbus::bus::{Bus, Delivery, Filter};
use runbus::log::Since;
use runbus::time::Clock;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "events.tsv".to_owned());
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    // A crash can leave a part of a line.
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    file.set_len(u64::try_from(whole)?)?;
    file.seek(SeekFrom::End(0))?;
    let since = match text[..whole].lines().last().and_then(|line| line.rsplit('\t').next()) {
        Some(cursor) => Since::After(cursor.parse()?),
        None => Since::All,
    };

    let backend = Embedded::open(&Config::default(), Clock::System)?;
    let bus = Bus::new(backend.log, backend.store);
    let mut reader = bus.read(Filter::all(), since).await?;
    let mut exported = 0;
    loop {
        match reader.next().await? {
            Delivery::Event(found) => {
                let (event, cursor) = (&found.event, &found.cursor);
                writeln!(file, "{}\t{}\t{}\t{cursor}", event.timestamp, event.stream_id, event.kind)?;
                exported += 1;
            }
            Delivery::Gap(gap) => println!("retention removed events before they were exported: {gap:?}"),
            Delivery::Undecodable(line) => println!("a line is no event: {}", line.reason),
            // A consumer that stays takes this as a good moment to flush, and goes on.
            Delivery::CaughtUp => break,
        }
    }
    file.sync_all()?;
    println!("exported {exported} events to {path}");
    Ok(())
}
