//! Recordings of the traffic with providers, as it happens.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runbus::blocking::Pool;
use runbus::id::EventId;
use serde_json::{Value, json};

use super::clean::Secrets;
use super::{Client, Interaction, Recording};
use crate::model::limits::{
    MAX_OPEN_RECORDINGS, MAX_RECORDED_ANSWER_BYTES, MAX_RECORDED_BYTES, MAX_RECORDING_BYTES,
};

/// The end of a file, which the next interaction replaces.
const END: &[u8] = b"\n]}\n";

/// Files of one name that are looked for before recording is given up.
const MAX_NAMESAKES: u32 = 9_999;

/// One thread writes: interactions of one conversation stand in their order.
static WRITER: Pool = Pool::new("recorder", 1, 256, Duration::from_secs(10));

/// Writes the traffic with providers into the files of a folder, one conversation a file.
#[derive(Debug)]
pub struct Recorder {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The file of each conversation, and its length.
    open: BTreeMap<String, (PathBuf, u64)>,
    /// Bytes so far.
    written: u64,
    /// Whether the limit was passed.
    is_full: bool,
}

/// One call while it is answered. Dropped before its end it leaves nothing.
#[derive(Debug)]
pub(in crate::model) struct Tape {
    recorder: Arc<Recorder>,
    client: Arc<Client>,
    /// The call, without its body.
    call: Interaction,
    secrets: Secrets,
    body: Vec<u8>,
    /// Bytes that there is room for.
    room: usize,
}

impl Recorder {
    /// Writes into `folder`, which is made when something is to be written.
    #[must_use]
    pub fn new(folder: PathBuf) -> Arc<Self> {
        Arc::new(Self { folder, state: Mutex::default() })
    }

    /// Begins with the head of the answer to a request.
    pub(in crate::model) fn tape(
        self: &Arc<Self>,
        client: &Arc<Client>,
        call: Interaction,
        secrets: Secrets,
    ) -> Tape {
        let (recorder, client) = (Arc::clone(self), Arc::clone(client));
        Tape { recorder, client, call, secrets, body: Vec::new(), room: MAX_RECORDED_ANSWER_BYTES }
    }

    /// Adds a call to the file of its conversation.
    fn write(&self, client: &Client, interaction: &Interaction) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(interaction)?;
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if length > MAX_RECORDING_BYTES / 2 {
            let limit = MAX_RECORDING_BYTES / 2;
            return Err(io::Error::other(format!("the call has {length} bytes; the limit is {limit}")));
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_full {
            return Ok(());
        }
        if state.written.saturating_add(length) > MAX_RECORDED_BYTES {
            state.is_full = true;
            tracing::warn!(
                folder = %self.folder.display(), limit_bytes = MAX_RECORDED_BYTES,
                "this process has recorded as many bytes of model calls as it may, and records no more; restart it with another model.record"
            );
            return Ok(());
        }
        let name = name(client, &interaction.request);
        let known = state.open.get(&name).filter(|(_, end)| end.saturating_add(length) < MAX_RECORDING_BYTES);
        let added = match known.cloned() {
            Some((path, end)) => append(&path, end, &text)?.map(|end| (path, end)),
            None => None,
        };
        let (path, end) = match added {
            Some(added) => added,
            None => self.begin(&name, client, &text)?,
        };
        state.written = state.written.saturating_add(length);
        if state.open.len() >= MAX_OPEN_RECORDINGS && !state.open.contains_key(&name) {
            // A conversation that goes on begins another file.
            state.open.pop_first();
        }
        state.open.insert(name, (path, end));
        Ok(())
    }

    /// Makes a new file with its first interaction.
    fn begin(&self, name: &str, client: &Client, interaction: &[u8]) -> io::Result<(PathBuf, u64)> {
        directory(&self.folder)?;
        for number in 1..=MAX_NAMESAKES {
            // In the order of their names the files are in the order in which they began.
            let name = format!("{name}-{number:04}");
            let path = self.folder.join(format!("{name}.json"));
            let mut file = match create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                created => created?,
            };
            let text = [head(&name, client)?.as_slice(), interaction, END].concat();
            if let Err(error) = file.write_all(&text) {
                // Half a file cannot be read.
                let _ = std::fs::remove_file(&path);
                return Err(error);
            }
            return Ok((path, u64::try_from(text.len()).unwrap_or(u64::MAX)));
        }
        Err(io::Error::other(format!("{MAX_NAMESAKES} files have the name {name}: use another folder")))
    }
}

impl Tape {
    /// Takes a part of the answer.
    pub(in crate::model) fn push(&mut self, bytes: &[u8]) {
        self.room = self.room.saturating_sub(bytes.len());
        if self.room > 0 {
            self.body.extend_from_slice(bytes);
        } else {
            self.body = Vec::new();
        }
    }

    /// Writes it; a failure is logged.
    pub(in crate::model) async fn end(self, broken: bool) {
        let Self { recorder, client, mut call, secrets, body, room } = self;
        let folder = recorder.folder.clone();
        let write = move || {
            if room == 0 {
                let limit = MAX_RECORDED_ANSWER_BYTES;
                return Err(io::Error::other(format!("the answer has more than the limit of {limit} bytes")));
            }
            call.path = call.path.map(|path| secrets.text(&path));
            call.request = secrets.request(&call.request);
            call.body = secrets.text(&String::from_utf8_lossy(&body));
            call.broken = broken;
            let extra_body = match secrets.request(&Value::Object(client.extra_body.clone())) {
                Value::Object(fields) => fields,
                _ => serde_json::Map::new(),
            };
            recorder.write(&Client { extra_body, ..Client::clone(&client) }, &call)
        };
        let error = match WRITER.run(write).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(folder = %folder.display(), error, "a model call was not recorded; the call itself is not affected");
    }
}

/// The name of a conversation: the same for each of its requests, and in each run.
fn name(client: &Client, request: &Value) -> String {
    let said = ["messages", "contents", "input"].into_iter().find_map(|name| request[name].as_array());
    let said = said.map_or(&[][..], Vec::as_slice);
    let first =
        said.iter().position(|message| message["role"] == "user").map_or(said.len(), |place| place + 1);
    let begin = json!([
        said.get(..first),
        request["system"],
        request["systemInstruction"],
        request["instructions"],
        request.get("input").filter(|input| input.is_string()),
    ]);
    // A mark for the cache moves with the conversation.
    let mut begin = begin;
    unmark(&mut begin);
    let hash = EventId::derived(&begin.to_string()).to_string();
    let hash: String = hash.chars().filter(char::is_ascii_hexdigit).take(8).collect();
    format!("{}-{hash}", client.provider)
}

fn unmark(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(unmark),
        Value::Object(fields) => {
            fields.remove("cache_control");
            fields.values_mut().for_each(unmark);
        }
        _ => {}
    }
}

/// A file up to its first interaction.
fn head(name: &str, client: &Client) -> io::Result<Vec<u8>> {
    let recording = Recording {
        name: name.to_owned(),
        provenance: json!({"recorded_by": concat!("runbus ", env!("CARGO_PKG_VERSION"))}),
        api: Some(client.api),
        client: Some(client.clone()),
        interactions: Vec::new(),
    };
    let mut text = serde_json::to_vec_pretty(&recording)?;
    // Up to the empty list: `[]` and the end of the object.
    while text.pop().is_some_and(|byte| byte != b'[') {}
    text.extend_from_slice(b"[\n");
    Ok(text)
}

/// Adds an interaction to a file of `end` bytes; gives its new length, or `None` when the file is not what it was. A write that fails
/// leaves it as it was.
fn append(path: &Path, end: u64, interaction: &[u8]) -> io::Result<Option<u64>> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if file.metadata()?.len() != end {
        return Ok(None);
    }
    let from = end.saturating_sub(END.len() as u64);
    let text = [b",\n", interaction, END].concat();
    file.seek(SeekFrom::Start(from))?;
    if let Err(error) = file.write_all(&text) {
        file.set_len(from)?;
        file.seek(SeekFrom::Start(from))?;
        file.write_all(END)?;
        return Err(error);
    }
    Ok(Some(from.saturating_add(u64::try_from(text.len()).unwrap_or(u64::MAX))))
}

#[cfg(unix)]
fn directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).create(path)
}

/// A new file that its owner alone reads.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}
