//! Parts of a message: texts, and media that reach models as they are.
//!
//! An input that is a part, or a list of parts, is a message of these parts; every other input is a text, or data. Runbus passes
//! addresses on: it never asks one for its content.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::config::without_credentials;
use crate::{json, limits};

/// The content of a message: a text, or parts in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Content {
    /// A text.
    Text(String),
    /// Parts.
    Parts(Vec<Part>),
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum Part {
    /// A text.
    Text(String),
    /// An image, audio or a file.
    Media(Media),
}

/// An image, audio or a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Media {
    /// The kind of the part.
    pub kind: MediaKind,
    /// Where its bytes are.
    pub source: MediaSource,
    /// Its type, as in `image/png`. One with data has one.
    pub media_type: Option<String>,
    /// The file's name.
    pub name: Option<String>,
}

/// The kind of a part that is no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    /// An image.
    Image,
    /// Audio.
    Audio,
    /// A file.
    File,
}

/// Where the bytes of a part are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSource {
    /// Here, in base64.
    Data(String),
    /// At an address. The provider asks it.
    Url(String),
}

/// A part as it is written. `text` has `text`; the others have either `data` with `media_type`, or `url`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Part")]
struct Wire {
    /// The kind.
    #[serde(rename = "type")]
    kind: WireKind,
    /// The text of a `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The type of the data, as in `image/png`. At most 127 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    /// The bytes in base64 (with padding, without white space); at most 256 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    /// An address that the provider asks: `https`, `http`, `gs`, at most 8 KiB. Runbus does not ask it. A `data:` address is read as `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// The file's name. At most 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum WireKind {
    Text,
    Image,
    Audio,
    File,
}

/// Why something is no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Fault(Cow<'static, str>);

impl From<&'static str> for Fault {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

/// Kinds on the wire.
const KINDS: [&str; 4] = ["text", "image", "audio", "file"];

/// Schemes of addresses that providers ask.
const SCHEMES: [&str; 3] = ["https://", "http://", "gs://"];

impl Content {
    /// A text with media behind it.
    #[must_use]
    pub fn with(text: impl Into<String>, media: Vec<Media>) -> Self {
        let text = text.into();
        if media.is_empty() {
            return Self::Text(text);
        }
        let text = (!text.is_empty()).then_some(Part::Text(text));
        Self::Parts(text.into_iter().chain(media.into_iter().map(Part::Media)).collect())
    }

    /// Its texts, without media.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(Part::text).collect();
                Cow::Owned(texts.join("\n\n"))
            }
        }
    }

    /// Its texts, with a label in place of each medium: for people, and for notes.
    #[must_use]
    pub fn described(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => {
                let shown: Vec<Cow<'_, str>> = parts
                    .iter()
                    .map(|part| match part {
                        Part::Text(text) => Cow::Borrowed(text.as_str()),
                        Part::Media(media) => Cow::Owned(format!("[{media}]")),
                    })
                    .collect();
                Cow::Owned(shown.join("\n\n"))
            }
        }
    }

    /// Its media.
    pub fn media(&self) -> impl Iterator<Item = &Media> {
        self.parts().iter().filter_map(|part| match part {
            Part::Media(media) => Some(media),
            Part::Text(_) => None,
        })
    }

    /// Its parts; none of a text.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        match self {
            Self::Text(_) => &[],
            Self::Parts(parts) => parts,
        }
    }

    /// Its parts, a text as one.
    #[must_use]
    pub fn into_parts(self) -> Vec<Part> {
        match self {
            Self::Text(text) => vec![Part::Text(text)],
            Self::Parts(parts) => parts,
        }
    }

    /// Whether there is neither text nor a medium.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Parts(parts) => parts.iter().all(|part| part.text().is_some_and(str::is_empty)),
        }
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl Part {
    /// Its text; `None` of a medium.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Media(_) => None,
        }
    }
}

impl MediaKind {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::File => "file",
        }
    }

    /// The kind of data of this type.
    #[must_use]
    pub fn of(media_type: &str) -> Self {
        match media_type.split_once('/').map(|(kind, _)| kind) {
            Some("image") => Self::Image,
            Some("audio") => Self::Audio,
            _ => Self::File,
        }
    }
}

impl Media {
    /// Data of a type, in base64.
    ///
    /// # Errors
    /// It is no base64, or too large, or its type is none.
    pub fn new(media_type: impl Into<String>, data: impl Into<String>) -> Result<Self, Fault> {
        let media_type = media_type.into();
        let kind = MediaKind::of(&media_type);
        Self::checked(kind, MediaSource::Data(data.into()), Some(media_type), None)
    }

    /// Bytes of a type.
    ///
    /// # Errors
    /// There are none, or too many, or their type is none.
    pub fn of_bytes(media_type: impl Into<String>, bytes: &[u8]) -> Result<Self, Fault> {
        Self::new(media_type, STANDARD.encode(bytes))
    }

    fn checked(
        kind: MediaKind,
        source: MediaSource,
        media_type: Option<String>,
        name: Option<String>,
    ) -> Result<Self, Fault> {
        let media = Self { kind, source, media_type, name };
        media.check().map(|()| media)
    }

    /// Whether it is one that may be written.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self) -> Result<(), Fault> {
        if let Some(media_type) = &self.media_type {
            check_type(self.kind, media_type)?;
        }
        if self.name.as_ref().is_some_and(|name| {
            name.is_empty() || name.len() > limits::PART_NAME_BYTES || name.contains(char::is_control)
        }) {
            return Err("`name` must have 1 to 255 bytes without control characters".into());
        }
        match &self.source {
            MediaSource::Data(_) if self.media_type.is_none() => {
                Err("`data` needs its `media_type`, as in `image/png`".into())
            }
            MediaSource::Data(data) if data.len() > limits::PART_DATA_BYTES => {
                let (bytes, limit) = (data.len(), limits::PART_DATA_BYTES);
                Err(Fault(format!("`data` has {bytes} bytes of base64, the limit is {limit}").into()))
            }
            MediaSource::Data(data) if !is_base64(data) => {
                Err("`data` must be base64 with padding and without white space".into())
            }
            MediaSource::Data(_) => Ok(()),
            MediaSource::Url(url) => check_url(url),
        }
    }

    /// Its bytes; `None`: only the provider sees them.
    #[must_use]
    pub fn bytes(&self) -> Option<usize> {
        match &self.source {
            MediaSource::Data(data) => {
                let padding = data.bytes().rev().take(2).take_while(|byte| *byte == b'=').count();
                Some((data.len() / 4 * 3).saturating_sub(padding))
            }
            MediaSource::Url(_) => None,
        }
    }

    /// Its type; the general one, where nothing is known.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.media_type.as_deref().unwrap_or("application/octet-stream")
    }
}

/// As in `image image/png, 3 bytes`: a label for people and models. An address is shown without its query and its user, which may hold a key.
impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        if let Some(media_type) = &self.media_type {
            write!(f, " {media_type}")?;
        }
        match &self.source {
            MediaSource::Data(_) => write!(f, ", {} bytes", self.bytes().unwrap_or_default()),
            MediaSource::Url(url) => write!(f, " at {}", without_credentials(url)),
        }
    }
}

impl TryFrom<Wire> for Media {
    type Error = Fault;

    fn try_from(wire: Wire) -> Result<Self, Fault> {
        let Wire { kind, text, media_type, data, url, name } = wire;
        let kind = match kind {
            WireKind::Text => return Err("a text is no medium".into()),
            WireKind::Image => MediaKind::Image,
            WireKind::Audio => MediaKind::Audio,
            WireKind::File => MediaKind::File,
        };
        if text.is_some() {
            return Err("only a part of type `text` has `text`".into());
        }
        match (data, url) {
            (Some(data), None) => Self::checked(kind, MediaSource::Data(data), media_type, name),
            (None, Some(url)) => match url.strip_prefix("data:") {
                Some(rest) => {
                    let (own, data) =
                        rest.split_once(";base64,").ok_or("a `data:` address must hold base64")?;
                    let own = own.split(';').next().unwrap_or_default();
                    let media_type = if own.is_empty() { media_type } else { Some(own.to_owned()) };
                    Self::checked(kind, MediaSource::Data(data.to_owned()), media_type, name)
                }
                None => Self::checked(kind, MediaSource::Url(url), media_type, name),
            },
            _ => Err("it must have either `data` or `url`".into()),
        }
    }
}

impl TryFrom<Wire> for Part {
    type Error = Fault;

    fn try_from(wire: Wire) -> Result<Self, Fault> {
        if wire.kind != WireKind::Text {
            return Media::try_from(wire).map(Self::Media);
        }
        match wire {
            Wire { text: Some(text), media_type: None, data: None, url: None, name: None, .. } => {
                Ok(Self::Text(text))
            }
            _ => Err("a part of type `text` has `text`, and nothing else".into()),
        }
    }
}

impl From<Media> for Wire {
    fn from(media: Media) -> Self {
        let Media { kind, source, media_type, name } = media;
        let kind = match kind {
            MediaKind::Image => WireKind::Image,
            MediaKind::Audio => WireKind::Audio,
            MediaKind::File => WireKind::File,
        };
        let (data, url) = match source {
            MediaSource::Data(data) => (Some(data), None),
            MediaSource::Url(url) => (None, Some(url)),
        };
        Self { kind, text: None, media_type, data, url, name }
    }
}

impl From<Part> for Wire {
    fn from(part: Part) -> Self {
        match part {
            Part::Media(media) => media.into(),
            Part::Text(text) => Self {
                kind: WireKind::Text,
                text: Some(text),
                media_type: None,
                data: None,
                url: None,
                name: None,
            },
        }
    }
}

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        Wire::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Wire::json_schema(generator)
    }
}

/// Reads the media of a result: those of earlier journals have no type, and are images.
pub(super) fn attached<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Media>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Media(Media),
        Image { media_type: String, data: String },
    }
    let stored = Vec::<Stored>::deserialize(deserializer)?;
    let media = |stored| match stored {
        Stored::Media(media) => media,
        Stored::Image { media_type, data } => Media {
            kind: MediaKind::Image,
            source: MediaSource::Data(data),
            media_type: Some(media_type),
            name: None,
        },
    };
    Ok(stored.into_iter().map(media).collect())
}

/// The parts of an input; `None`: it is a text, or data.
#[must_use]
pub fn of_input(input: &Value) -> Option<Vec<Part>> {
    match input {
        Value::Array(items) if !items.is_empty() => items.iter().map(|item| read(item).ok()).collect(),
        // A single text in an object is more likely somebody's data.
        Value::Object(_) => read(input).ok().filter(|part| part.text().is_none()).map(|part| vec![part]),
        _ => None,
    }
}

/// Whether an input that looks like parts has only parts, and not too many.
///
/// # Errors
/// The place of the first that is none, as in `[1]`, and why.
pub fn check_input(input: &Value) -> Result<(), (String, Fault)> {
    match input {
        Value::Array(items) if !items.is_empty() && items.iter().all(is_meant) => {
            if items.len() > limits::PARTS {
                let (parts, limit) = (items.len(), limits::PARTS);
                return Err((String::new(), Fault(format!("{parts} parts, the limit is {limit}").into())));
            }
            let first = items.iter().enumerate().find_map(|(at, item)| Some((at, read(item).err()?)));
            first.map_or(Ok(()), |(at, fault)| Err((format!("[{at}]"), fault)))
        }
        Value::Object(fields)
            if is_meant(input) && (fields.contains_key("data") || fields.contains_key("url")) =>
        {
            read(input).map(drop).map_err(|fault| (String::new(), fault))
        }
        _ => Ok(()),
    }
}

/// Whether a value says that it is a part.
fn is_meant(value: &Value) -> bool {
    value.get("type").and_then(Value::as_str).is_some_and(|kind| KINDS.contains(&kind))
}

fn read(value: &Value) -> Result<Part, Fault> {
    if !is_meant(value) {
        return Err("it has no `type` of text, image, audio, file".into());
    }
    json::from_value(value.clone()).map_err(|error| Fault(error.to_string().into()))
}

fn check_type(kind: MediaKind, media_type: &str) -> Result<(), Fault> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let is_type = media_type.len() <= limits::PART_TYPE_BYTES
        && media_type.split_once('/').is_some_and(|(kind, rest)| is_word(kind) && is_word(rest));
    if !is_type {
        return Err("`media_type` must be one, as in `image/png`, of at most 127 bytes".into());
    }
    if kind != MediaKind::File && MediaKind::of(media_type) != kind {
        return Err(Fault(format!("{media_type} is no type of {}", kind.name()).into()));
    }
    Ok(())
}

fn check_url(url: &str) -> Result<(), Fault> {
    if url.len() > limits::PART_URL_BYTES {
        return Err(Fault(
            format!("`url` has {} bytes, the limit is {}", url.len(), limits::PART_URL_BYTES).into(),
        ));
    }
    let rest = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme));
    if !rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err("`url` must be an address of https, http or gs, in ASCII".into());
    }
    Ok(())
}

fn is_base64(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    !digits.is_empty()
        && text.len().is_multiple_of(4)
        && text.len() - digits.len() <= 2
        && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_are_written_as_they_are_read() {
        let written = json!([
            {"type": "text", "text": "Compare."},
            {"type": "image", "media_type": "image/png", "data": "AAAA"},
            {"type": "audio", "media_type": "audio/wav", "data": "AAA="},
            {"type": "file", "url": "https://u:p@h/a.pdf?key=k", "name": "a.pdf"},
        ]);
        let parts = of_input(&written).unwrap();
        assert_eq!(serde_json::to_value(&parts).unwrap(), written);
        let content = Content::Parts(parts);
        assert_eq!(content.text(), "Compare.");
        assert_eq!(
            content.described(),
            "Compare.\n\n[image image/png, 3 bytes]\n\n[audio audio/wav, 2 bytes]\n\n[file \"a.pdf\" at https://***@h/a.pdf?***]"
        );
        assert_eq!(serde_json::from_value::<Content>(json!("plain")).unwrap(), Content::from("plain"));
    }

    #[test]
    fn a_data_address_is_data() {
        let given = json!({"type": "image", "url": "data:image/png;base64,AAAA"});
        let read: Part = serde_json::from_value(given).unwrap();
        assert_eq!(read, Part::Media(Media::new("image/png", "AAAA").unwrap()));
    }

    #[test]
    fn inputs_that_are_no_parts_stay_data() {
        for data in [
            json!("t"),
            json!([]),
            json!({"topic": "x"}),
            json!([{"id": 1}]),
            json!([1]),
            json!({"type": "text"}),
        ] {
            assert_eq!((of_input(&data), check_input(&data)), (None, Ok(())), "{data}");
        }
    }

    #[test]
    fn a_part_that_is_none_is_named() {
        let large = "A".repeat(limits::PART_DATA_BYTES + 4);
        for (part, why) in [
            (json!({"type": "image"}), "either `data` or `url`"),
            (json!({"type": "image", "data": "AAAA", "url": "https://h"}), "either `data` or `url`"),
            (json!({"type": "image", "data": "AAAA"}), "media_type"),
            (json!({"type": "image", "data": "AA A", "media_type": "image/png"}), "base64"),
            (json!({"type": "image", "data": large, "media_type": "image/png"}), "the limit is"),
            (json!({"type": "image", "data": "AAAA", "media_type": "audio/wav"}), "no type of image"),
            (json!({"type": "image", "data": "AAAA", "media_type": "png"}), "media_type"),
            (json!({"type": "file", "url": "file:///etc/passwd"}), "https"),
            (json!({"type": "file", "url": "https://h/a b"}), "https"),
            (json!({"type": "file", "url": "https://h", "name": ""}), "name"),
            (json!({"type": "file", "url": "https://h", "path": ""}), "path"),
            (json!({"type": "text", "text": "a", "url": "https://h"}), "nothing else"),
        ] {
            let input = json!([{"type": "text", "text": "a"}, part]);
            let (place, fault) = check_input(&input).unwrap_err();
            assert!(place == "[1]" && fault.to_string().contains(why), "{part} {fault}");
            assert_eq!(of_input(&input), None);
        }
        let many = vec![json!({"type": "text", "text": "a"}); limits::PARTS + 1];
        assert!(check_input(&Value::Array(many)).is_err());
    }
}
