//! The input of an execution on the command line: a positional text, or `--input`, and files with it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use runbus::session::part::{self, Content};
use runbus::session::{Media, MediaKind, MediaSource, Part};
use runbus::{json, limits};
use serde_json::Value;

use crate::exit::Error;

/// An input. Both ways mean the same; only one of them may be given.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Input {
    /// The input: JSON, or text.
    #[arg(value_name = "INPUT")]
    text: Option<String>,
    /// The input, for programs: a text that begins with `-` needs no `--` before it.
    #[arg(long = "input", value_name = "INPUT", conflicts_with = "text", allow_hyphen_values = true)]
    named: Option<String>,
    /// An image, audio or a file with the text: a path, or an address that the provider asks. Several are possible.
    #[arg(long = "attach", value_name = "FILE|URL")]
    attached: Vec<String>,
}

/// Types of files by the ending of their names.
const TYPES: [(&str, &str); 19] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("flac", "audio/flac"),
    ("ogg", "audio/ogg"),
    ("m4a", "audio/mp4"),
    ("pdf", "application/pdf"),
    ("json", "application/json"),
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("xml", "text/xml"),
    ("mp4", "video/mp4"),
];

impl Input {
    /// The text, if it was given.
    pub(super) fn given(&self) -> Option<&str> {
        self.text.as_deref().or(self.named.as_deref())
    }

    /// The input as a value.
    ///
    /// # Errors
    /// As for [`Input::with`].
    pub(super) fn or(&self, default: &str) -> Result<Value, Error> {
        self.with(self.given().unwrap_or(default))
    }

    /// A text as the input, with the attached files.
    ///
    /// # Errors
    /// As for [`value`]; a file cannot be read or is too large, or the input is neither a text nor parts.
    pub(super) fn with(&self, text: &str) -> Result<Value, Error> {
        let input = value(text)?;
        if self.attached.is_empty() {
            return Ok(input);
        }
        let content = match input {
            Value::String(text) if text.is_empty() => Content::Parts(Vec::new()),
            Value::String(text) => Content::from(text),
            parts => Content::Parts(
                part::of_input(&parts)
                    .ok_or_else(|| Error::Usage("--attach goes with a text, or with parts".into()))?,
            ),
        };
        let mut parts = content.into_parts();
        for attached in &self.attached {
            parts.push(Part::Media(media(attached)?));
        }
        serde_json::to_value(parts).map_err(|error| Error::Data(format!("input: {error}")))
    }
}

/// The part that a path or an address is.
fn media(attached: &str) -> Result<Media, Error> {
    let data = |fault: &dyn std::fmt::Display| Error::Data(format!("--attach {attached}: {fault}"));
    let media_type = media_type(attached.split(['?', '#']).next().unwrap_or_default());
    if attached.contains("://") {
        let kind = media_type.map_or(MediaKind::File, MediaKind::of);
        let (source, media_type) = (MediaSource::Url(attached.to_owned()), media_type.map(str::to_owned));
        let media = Media { kind, source, media_type, name: None };
        return media.check().map(|()| media).map_err(|fault| data(&fault));
    }
    let most = limits::PART_DATA_BYTES / 4 * 3;
    let mut bytes = Vec::new();
    let file = File::open(attached).map_err(|error| data(&error))?;
    let room = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    file.take(room).read_to_end(&mut bytes).map_err(|error| data(&error))?;
    if bytes.len() > most {
        return Err(data(&format!("more than {most} bytes; give an address instead")));
    }
    let media_type = self::media_type(attached).unwrap_or("application/octet-stream");
    let name = Path::new(attached).file_name().map(|name| name.to_string_lossy().into_owned());
    let media = Media { name, ..Media::of_bytes(media_type, &bytes).map_err(|fault| data(&fault))? };
    media.check().map(|()| media).map_err(|fault| data(&fault))
}

fn media_type(path: &str) -> Option<&'static str> {
    let end = Path::new(path).extension()?.to_str()?.to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == end).map(|(_, media_type)| *media_type)
}

/// Text that is JSON is taken as JSON, other text as a string.
///
/// # Errors
/// [`Error::Data`]: it is JSON that nobody could read.
pub(super) fn value(text: &str) -> Result<Value, Error> {
    match json::from_str(text) {
        Ok(value) => Ok(value),
        Err(json::Error::Parse(_)) => Ok(Value::String(text.into())),
        Err(json::Error::Fault(fault)) => Err(Error::Data(format!("input: {fault}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn files_and_addresses_become_parts_behind_the_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dot.PNG");
        std::fs::write(&path, [0, 0, 0]).unwrap();
        let attached = vec![path.display().to_string(), "https://h/a.pdf?key=k".into()];
        let input = Input { attached, ..Input::default() };
        let wanted = json!([
            {"type": "text", "text": "Compare."},
            {"type": "image", "media_type": "image/png", "data": "AAAA", "name": "dot.PNG"},
            {"type": "file", "media_type": "application/pdf", "url": "https://h/a.pdf?key=k"},
        ]);
        assert_eq!(input.with("Compare.").unwrap(), wanted);
        assert_eq!(input.with("").unwrap().as_array().unwrap().len(), 2);
        assert!(input.with("{\"a\":1}").is_err());
        for bad in ["/no/such/file", "ftp://h/a"] {
            let input = Input { attached: vec![bad.into()], ..Input::default() };
            let error = input.with("x").unwrap_err();
            assert!(error.to_string().contains(bad), "{error}");
        }
    }
}
