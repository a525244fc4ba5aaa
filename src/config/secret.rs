//! Text that is never shown: given by its value, or by a file that holds it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text that is shown in place of a secret.
pub(super) const HIDDEN: &str = "***";

/// Largest file of a secret, in bytes.
const FILE_BYTES: u64 = 64 * 1024;

/// A password, token or key. `Debug` and serialization show `***`; only [`Secret::reveal`] gives the text.
///
/// A secret from a file is read again when the file changes: users of a secret reveal it for each use, and keep no copy.
#[derive(Clone)]
pub struct Secret(Source);

#[derive(Clone)]
enum Source {
    Text(Arc<str>),
    File(Arc<File>),
}

/// A file with a secret, and its content when it was last read.
struct File {
    path: PathBuf,
    known: Mutex<Known>,
}

struct Known {
    changed: Option<Changed>,
    text: Arc<str>,
}

/// The text of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Revealed(Arc<str>);

impl Deref for Revealed {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Secret {
    /// A secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Source::Text(Arc::from(text.into())))
    }

    /// A secret in a file, without the white space around it.
    ///
    /// # Errors
    /// The reason why the file cannot be read.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let changed = changed(path);
        let known = Mutex::new(Known { changed, text: read(path)? });
        Ok(Self(Source::File(Arc::new(File { path: path.into(), known }))))
    }

    /// The text itself. A file that cannot be read again leaves the text as it was.
    #[must_use]
    pub fn reveal(&self) -> Revealed {
        Revealed(match &self.0 {
            Source::Text(text) => text.clone(),
            Source::File(file) => file.text(),
        })
    }
}

impl File {
    fn text(&self) -> Arc<str> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = changed(&self.path);
        if now != known.changed {
            match read(&self.path) {
                Ok(text) => {
                    tracing::info!(path = %self.path.display(), "a secret was read again");
                    *known = Known { changed: now, text };
                }
                // A file that is being replaced is read when it has changed again: one warning for one state of it.
                Err(reason) => {
                    known.changed = now;
                    tracing::warn!(path = %self.path.display(), reason, "a secret cannot be read again; the old one stays");
                }
            }
        }
        known.text.clone()
    }
}

/// The state of a file: seconds and nanoseconds of its last change, size and inode. Two changes may have one time, and a
/// change may keep the size. A change of permissions counts too.
type Changed = (i64, i64, u64, u64);

fn changed(path: &Path) -> Option<Changed> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ctime(), metadata.ctime_nsec(), metadata.len(), metadata.ino()))
}

fn read(path: &Path) -> Result<Arc<str>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.len() > FILE_BYTES {
        return Err(format!("has {} bytes; a secret has at most {FILE_BYTES}", metadata.len()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    match text.trim() {
        "" => Err("is empty".into()),
        text => Ok(Arc::from(text)),
    }
}

type Make<T> = Box<dyn Fn(&str) -> Option<T> + Send + Sync>;

/// A value that is made from a secret, and made again when the secret changes.
pub struct Derived<T> {
    secret: Secret,
    make: Make<T>,
    made: Mutex<(Revealed, Arc<T>)>,
}

impl<T> Derived<T> {
    /// Makes the first value; `None` if the secret is not valid.
    pub fn new(secret: Secret, make: impl Fn(&str) -> Option<T> + Send + Sync + 'static) -> Option<Self> {
        let text = secret.reveal();
        let made = Arc::new(make(&text)?);
        Some(Self { secret, make: Box::new(make), made: Mutex::new((text, made)) })
    }

    /// The value of the present secret. A secret that is not valid any more leaves the value as it was.
    pub fn get(&self) -> Arc<T> {
        let text = self.secret.reveal();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0 != text {
            made.0 = text.clone();
            match (self.make)(&text) {
                Some(value) => made.1 = Arc::new(value),
                None => tracing::warn!("a secret was read again and is not valid; the old one stays"),
            }
        }
        made.1.clone()
    }
}

impl<T> fmt::Debug for Derived<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Source::File(one), Source::File(other)) => one.path == other.path,
            _ => *self.reveal() == *other.reveal(),
        }
    }
}

impl Eq for Secret {}

/// A text, or the form that the loader makes of a `*_file` key.
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Text(String),
            File { file: PathBuf },
        }
        match Form::deserialize(deserializer)? {
            Form::Text(text) => Ok(Self::new(text)),
            Form::File { file } => Self::from_file(&file)
                .map_err(|reason| serde::de::Error::custom(format!("{}: {reason}", file.display()))),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "writeOnly": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_from_a_file_follows_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, " one\n").unwrap();
        let secret = Secret::from_file(&path).unwrap();
        let length =
            Derived::new(secret.clone(), |text| text.parse::<u16>().is_err().then_some(text.len())).unwrap();
        assert_eq!((&*secret.reveal(), *length.get()), ("one", 3));
        let replace = |text: &str| {
            let new = folder.path().join("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, &path).unwrap();
        };
        replace("second");
        assert_eq!((&*secret.reveal(), *length.get()), ("second", 6));
        replace("7");
        assert_eq!((&*secret.reveal(), *length.get()), ("7", 6), "a value that is not valid");
        replace("second");
        assert_eq!(&*secret.reveal(), "second");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&*secret.reveal(), "second", "a missing file leaves the text as it was");
        std::fs::write(&path, "").unwrap();
        assert_eq!(&*secret.reveal(), "second", "and an empty one");
        std::fs::write(&path, "third").unwrap();
        assert_eq!(&*secret.reveal(), "third");
        assert_eq!(format!("{secret:?}{:?}", secret.reveal()), "******");
    }

    #[test]
    fn a_file_that_holds_no_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        Secret::from_file(&path).unwrap_err();
        std::fs::write(&path, " \n").unwrap();
        assert_eq!(Secret::from_file(&path).unwrap_err(), "is empty");
        std::fs::write(&path, vec![b'a'; 65_537]).unwrap();
        assert!(Secret::from_file(&path).unwrap_err().contains("65537 bytes"));
    }
}
