//! `runbus publish`: events from the command line, or many from stdin.

use futures_util::StreamExt;
use runbus::bus::Publisher;
use runbus::bus::publish;
use runbus::event::{Event, Kind, Payload, Source};
use runbus::id::{CorrelationId, ExecutionId, NodeId, StreamId};
use runbus::limits;
use runbus::time::Clock;
use tokio_util::codec::{AnyDelimiterCodec, AnyDelimiterCodecError, FramedRead};

use crate::args::Global;
use crate::backend::Backend;
use crate::configuration::Configuration;
use crate::exit::{Code, Error};
use crate::output;

/// Publishes one event, or one a line from stdin.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  runbus publish --stream ci --type custom --data '{\"build\": 7}'\n  runbus publish --stdin < events.ndjson       one event a line; each has stream_id, type, data, and id and timestamp if\n                                               they are to be kept"
)]
pub(crate) struct Publish {
    /// One JSON event a line from stdin.
    #[arg(long, conflicts_with_all = ["stream", "kind", "data"])]
    stdin: bool,
    /// Go on behind a line that is no event. Without it publishing ends there.
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
        let data =
            runbus::json::from_str(&self.data).map_err(|error| Error::Data(format!("--data: {error}")))?;
        let source = Source {
            node_id: self.node,
            execution_id: self.execution,
            correlation_id: self.correlation,
            ..Source::stream(stream, Clock::System)
        };
        let mut event = source.event(Payload::Other(self.kind.clone(), data));
        event.kind = self.kind;
        let line = event.encode().map_err(|error| Error::Data(error.to_string()))?;
        let event = Event::accept(&line).map_err(|error| Error::Data(format!("--data: {error}")))?;
        let backend = Backend::open(configuration).await?;
        let id = event.id;
        let sequence = backend.bus().publish(event).await.map_err(|error| failure(&error))?;
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
    let backend = Backend::open(configuration).await?;
    let mut publisher = backend.bus().publisher();
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
                if let Some(answer) = publisher.send(event).await {
                    answer.map_err(|error| failure(&error))?;
                    done += 1;
                }
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
    done += rest(&mut publisher).await?;
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

async fn rest(publisher: &mut Publisher) -> Result<u64, Error> {
    let mut done = 0;
    while let Some(answer) = publisher.acknowledged().await {
        answer.map_err(|error| failure(&error))?;
        done += 1;
    }
    Ok(done)
}

/// A line as an event; a missing id and timestamp are filled in.
fn read(line: &str) -> Result<Event, String> {
    let mut value: serde_json::Value = runbus::json::from_str(line).map_err(|error| error.to_string())?;
    if let Some(fields) = value.as_object_mut() {
        fields.entry("id").or_insert_with(|| runbus::id::EventId::generate().to_string().into());
        fields.entry("timestamp").or_insert_with(|| Clock::System.now().to_string().into());
        fields.entry("data").or_insert_with(|| serde_json::json!({}));
        // Delivered events carry their place; it is not theirs any more.
        fields.remove("seq");
        fields.remove("cursor");
    }
    Event::accept(value.to_string().as_bytes()).map_err(|error| error.to_string())
}
