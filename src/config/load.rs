//! Loading: layers are merged, checked against the schema, made into the struct, and validated by it.

use std::collections::HashMap;
use std::path::Path;

use config::{Config, File, FileFormat, Value, ValueKind};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::check::{examine, show};
use super::error::{Error, Origin, Problem};
use super::schema::{self, is_secret, keys};
use super::{Validate, layer, secret_file};

/// Where values come from, weakest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// The TOML file, if one was asked for; then it must exist.
    pub file: Option<&'a Path>,
    /// `--set section.key=value`, in the order given.
    pub sets: &'a [(String, String)],
}

/// Loads and checks configuration: defaults < file < `environment` (`RUNBUS_SECTION__KEY`) < flags.
///
/// Lists in the environment and in flags are separated by commas, or written as JSON. An empty variable counts as not
/// set. Only the passed values are read.
///
/// # Errors
/// See [`Error`]; all values that are refused are reported at once, each with its key and where it came from.
pub fn load<T>(sources: Sources<'_>, environment: impl Iterator<Item = (String, String)>) -> Result<T, Error>
where
    T: DeserializeOwned + Default + JsonSchema + Validate,
{
    let schema = schema::of::<T>();
    let keys = keys(&schema);
    let mut problems = Vec::new();
    let mut origins = HashMap::new();
    let environment = layer::environment(&keys, environment, &mut origins, &mut problems);
    let flags = layer::flags(&keys, sources.sets, &mut origins, &mut problems);

    let mut builder = Config::builder();
    if let Some(path) = sources.file {
        builder = builder.add_source(read(path)?);
    }
    let merged =
        builder.add_source(environment).add_source(flags).build().map_err(|error| Error::Syntax {
            path: sources.file.unwrap_or_else(|| Path::new("")).into(),
            reason: error.to_string(),
        })?;
    let json = to_json(&merged.cache);

    let origin = |key: &str| origin(&origins, &json, sources.file, key);
    let mut found = Vec::new();
    examine(&schema, &json, "", &mut found);
    let mut resolved = json.clone();
    if found.is_empty() {
        secret_file::resolve(&schema::own::<T>(), &mut resolved, "", &mut found);
    }
    problems.extend(found.into_iter().map(|found| Problem {
        origin: origin(&found.key),
        key: found.key,
        value: found.value,
        expected: found.expected,
    }));
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }

    let value: T = crate::json::read(resolved).map_err(|fault| {
        let key = fault.path;
        let found = keys.iter().find(|known| known.path == key);
        let secret = found.is_some_and(|known| is_secret(known.schema));
        let value = found.and_then(|known| Some(show(known.schema, at(&json, &key)?)));
        // The message of a secret's error could quote it.
        let expected = if secret { "is not valid".into() } else { fault.error.to_string() };
        Error::Invalid(vec![Problem { origin: origin(&key), key, value, expected }])
    })?;
    value.validate().map_err(|invalid| {
        Error::Invalid(vec![Problem {
            origin: origin(&invalid.key),
            key: invalid.key,
            value: Some(invalid.value),
            expected: format!("expected {}", invalid.expected),
        }])
    })?;
    Ok(value)
}

fn read(path: &Path) -> Result<File<config::FileSourceString, FileFormat>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::File { path: path.into(), reason: error.to_string() })?;
    let file = File::from_str(&text, FileFormat::Toml);
    // Parsed on its own first, so that an error is the file's.
    Config::builder()
        .add_source(file.clone())
        .build()
        .map_err(|error| Error::Syntax { path: path.into(), reason: without_source(&error.to_string()) })?;
    Ok(file)
}

/// The parser quotes the line that it stops at, which may hold a secret: only where and why is kept.
fn without_source(text: &str) -> String {
    let quoted =
        |line: &str| line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').starts_with('|');
    let kept: Vec<&str> = text.lines().filter(|line| !quoted(line) && !line.trim().is_empty()).collect();
    kept.join(": ")
}

/// Where the value at `key` came from; a value inside a list has the list's origin.
fn origin(origins: &HashMap<String, Origin>, json: &Json, file: Option<&Path>, key: &str) -> Origin {
    let mut path = key;
    loop {
        if let Some(origin) = origins.get(path) {
            return origin.clone();
        }
        match path.rfind(['.', '[']) {
            Some(end) => path = &path[..end],
            None => break,
        }
    }
    match file {
        Some(file) if at(json, key).is_some() => Origin::File(file.into()),
        _ => Origin::Default,
    }
}

fn at<'j>(json: &'j Json, key: &str) -> Option<&'j Json> {
    let plain = key.split('[').next().unwrap_or(key);
    plain.split('.').try_fold(json, |json, name| json.get(name))
}

pub(super) fn to_json(value: &Value) -> Json {
    match &value.kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(yes) => (*yes).into(),
        ValueKind::I64(number) => (*number).into(),
        ValueKind::U64(number) => (*number).into(),
        ValueKind::I128(number) => {
            i64::try_from(*number).map_or_else(|_| number.to_string().into(), Into::into)
        }
        ValueKind::U128(number) => {
            u64::try_from(*number).map_or_else(|_| number.to_string().into(), Into::into)
        }
        // A number that JSON cannot write becomes a text, which no number accepts.
        ValueKind::Float(number) => {
            serde_json::Number::from_f64(*number).map_or_else(|| number.to_string().into(), Json::Number)
        }
        ValueKind::String(text) => text.clone().into(),
        ValueKind::Table(table) => {
            Json::Object(table.iter().map(|(name, field)| (name.clone(), to_json(field))).collect())
        }
        ValueKind::Array(items) => items.iter().map(to_json).collect(),
    }
}
