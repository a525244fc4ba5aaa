//! `runbus publish`: events from the command line, or many from stdin.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use runbus::bus::Publisher;
use runbus::bus::publish;
use runbus::event::{Event, Kind, Payload, Source};
use runbus::id::{CorrelationId, ExecutionId, NodeId, StreamId};
use runbus::limits;
use runbus::time::Clock;
use serde_json::value::RawValue;
use tokio_util::codec::{AnyDelimiterCodec, AnyDelimiterCodecError, FramedRead};

use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::global::Global;
use crate::output;
use crate::reach::Reach;
use crate::remote::Remote;

/// Publishes one event, or one a line from stdin.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus publish --stream ci --type custom --data '{\"build\": 7}'\n  runbus publish --stdin < events.ndjson       one event a line; each has stream_id, type, data, and id and timestamp if\n                                               they are to be kept"
)]
pub(crate) struct Publish {
    /// One JSON event a line from stdin.
    #[arg(long, conflicts_with_all = ["stream", "kind", "data"])]
    stdin: bool,
    /// Continue after a line that is no event. Without it publishing ends there.
    #[arg(long, requires = "stdin")]
    keep_going: bool,
    /// The stream.
    #[arg(long, value_name = "ID", required_unless_present = "stdin")]
    stream: Option<StreamId>,
    /// The node.
    #[arg(long, value_name = "ID")]
    node: Option<NodeId>,
    /// The execution.
    #[arg(long, value_name = "ID")]
    execution: Option<ExecutionId>,
    /// The correlation.
    #[arg(long, value_name = "ID")]
    correlation: Option<CorrelationId>,
    /// The event's type.
    #[arg(long = "type", id = "kind", value_name = "TYPE", default_value = "custom")]
    kind: Kind,
    /// Its payload: a JSON object.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    data: String,
}

/// Bytes of events in one request to a gateway, about; with one more event a body is below the gateway's limit.
const REQUEST_BYTES: usize = 128 * 1024;

/// Events in one request to a gateway.
const REQUEST_EVENTS: usize = 500;

impl Publish {
    /// Runs it.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) async fn run(self, global: &Global, configuration: &Configuration) -> Result<Code, Error> {
        if self.stdin {
            return from_stdin(global, configuration, self.keep_going).await;
        }
        let Some(stream) = self.stream else { return Err(Error::Usage("--stream is missing".into())) };
        let data: Box<RawValue> =
            runbus::json::from_str(&self.data).map_err(|error| Error::Data(format!("--data: {error}")))?;
        let source = Source {
            node_id: self.node,
            execution_id: self.execution,
            correlation_id: self.correlation,
            ..Source::stream(stream, Clock::System)
        };
        let empty = serde_json::Value::Object(serde_json::Map::new());
        let mut event = source.event(Payload::Other(self.kind.clone(), empty));
        event.kind = self.kind;
        // As it was written: its numbers and the order of its fields.
        event.data = data.into();
        let line = event.encode().map_err(|error| Error::Data(error.to_string()))?;
        let event = Event::accept(&line).map_err(|error| Error::Data(format!("--data: {error}")))?;
        let id = event.id;
        let sequence = match Reach::open(global, configuration).await? {
            Reach::Here(backend) => backend.bus().publish(event).await.map_err(|error| failure(&error))?.0,
            Reach::There(remote) => {
                Reach::publish(&remote, &[event]).await?.first().copied().unwrap_or_default()
            }
        };
        if global.json {
            output::json(&serde_json::json!({ "id": id, "sequence": sequence }))?;
        } else {
            output::line(&format!("{id} is durable at {sequence}"))?;
        }
        Ok(Code::Ok)
    }
}

fn failure(error: &publish::Error) -> Error {
    match error {
        publish::Error::Invalid(_) => Error::Data(error.to_string()),
        error if error.is_retryable() => Error::Unavailable(error.to_string()),
        error => Error::Software(error.to_string()),
    }
}

async fn from_stdin(global: &Global, configuration: &Configuration, keep_going: bool) -> Result<Code, Error> {
    let mut publisher = match Reach::open(global, configuration).await? {
        Reach::Here(backend) => Sink::Here(backend.bus().publisher()),
        Reach::There(remote) => Sink::There(remote, Vec::new(), 0),
    };
    // Twice the limit of an event: an event that is a little too large gets the clear error of the bus. Bytes, so that invalid
    // UTF-8 is one line's fault.
    let codec = AnyDelimiterCodec::new_with_max_length(b"\n".to_vec(), Vec::new(), 2 * limits::EVENT_BYTES);
    let mut lines = FramedRead::new(tokio::io::stdin(), codec);
    let (mut number, mut done, mut refused) = (0_u64, 0_u64, 0_u64);
    let mut first = None;
    while let Some(line) = lines.next().await {
        number += 1;
        let event = match line {
            Ok(line) if line.trim_ascii().is_empty() => continue,
            Ok(line) => text(&line).and_then(read),
            Err(AnyDelimiterCodecError::MaxChunkLengthExceeded) => Err("it is too long".into()),
            Err(AnyDelimiterCodecError::Io(error)) => return Err(error.into()),
        };
        match event {
            Ok(event) => {
                done += publisher.send(event).await?;
            }
            Err(error) => {
                refused += 1;
                let said = format!("line {number}: {error}");
                if keep_going {
                    output::complain(&format!("runbus: {said}"));
                } else {
                    first = Some(said);
                    break;
                }
            }
        }
    }
    done += publisher.rest().await?;
    if global.json {
        output::json(&serde_json::json!({ "published": done, "refused": refused }))?;
    } else {
        output::line(&format!("{done} events are durable, {refused} lines were refused"))?;
    }
    match first {
        Some(said) => {
            Err(Error::Data(format!("{said}; nothing behind it was published (--keep-going goes on)")))
        }
        None if refused > 0 => Ok(Code::Data),
        None => Ok(Code::Ok),
    }
}

/// A line as text.
fn text(line: &[u8]) -> Result<&str, String> {
    if line.starts_with(b"\xef\xbb\xbf") {
        return Err("it begins with a byte order mark: save the file as UTF-8 without one".into());
    }
    std::str::from_utf8(line).map_err(|error| {
        let at = error.valid_up_to();
        let byte = line.get(at).copied().unwrap_or_default();
        format!("byte {} (0x{byte:02x}) is no UTF-8", at + 1)
    })
}

/// Where many events go.
enum Sink {
    /// Into the configured log.
    Here(Publisher),
    /// To a gateway: those that wait for the next request, and their bytes.
    There(Remote, Vec<Event>, usize),
}

impl Sink {
    /// Sends one. Answers how many are durable that were not before.
    async fn send(&mut self, event: Event) -> Result<u64, Error> {
        match self {
            Self::Here(publisher) => match publisher.send(event).await {
                Some(answer) => answer.map(|_place| 1).map_err(|error| failure(&error)),
                None => Ok(0),
            },
            Self::There(remote, waiting, bytes) => {
                *bytes += event.encode().map_or(0, |line| line.len());
                waiting.push(event);
                if *bytes < REQUEST_BYTES && waiting.len() < REQUEST_EVENTS {
                    return Ok(0);
                }
                *bytes = 0;
                let events = std::mem::take(waiting);
                Reach::publish(remote, &events).await.map(|done| done.len() as u64)
            }
        }
    }

    /// Waits for the rest.
    async fn rest(&mut self) -> Result<u64, Error> {
        match self {
            Self::Here(publisher) => {
                let mut done = 0;
                while let Some(answer) = publisher.acknowledged().await {
                    answer.map_err(|error| failure(&error))?;
                    done += 1;
                }
                Ok(done)
            }
            Self::There(remote, waiting, _) if !waiting.is_empty() => {
                Reach::publish(remote, waiting).await.map(|done| done.len() as u64)
            }
            Self::There(..) => Ok(0),
        }
    }
}

/// A line as an event; a missing id and timestamp are filled in.
fn read(line: &str) -> Result<Event, String> {
    let mut fields: BTreeMap<String, Box<RawValue>> =
        runbus::json::from_str(line).map_err(|error| error.to_string())?;
    let given = |text: String| RawValue::from_string(text).map_err(|error| error.to_string());
    let made = [
        ("id", format!("\"{}\"", runbus::id::EventId::generate())),
        ("timestamp", format!("\"{}\"", Clock::System.now())),
        ("data", "{}".to_owned()),
    ];
    for (name, text) in made {
        if !fields.contains_key(name) {
            fields.insert(name.to_owned(), given(text)?);
        }
    }
    // Delivered events carry their place; it is not theirs any more.
    fields.remove("seq");
    fields.remove("cursor");
    let text = serde_json::to_vec(&fields).map_err(|error| error.to_string())?;
    Event::accept(&text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_stay_as_they_were_written() {
        let data = r#"{"z":0.10,"a":12345678901234567890123,"m":{"y":1E+2,"b":"\u00fc"}}"#;
        let event =
            read(&format!(r#"{{"stream_id":"s","type":"custom","data":{data},"seq":1,"cursor":"x"}}"#))
                .unwrap();
        assert_eq!(event.data.get(), data);
        assert!(String::from_utf8_lossy(&event.encode().unwrap()).contains(data));
    }
}
