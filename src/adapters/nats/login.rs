//! Logging in: each attempt reads the credentials from their files, so that a replaced file counts from the next
//! connection on.

use std::io;
use std::path::{Path, PathBuf};

use async_nats::{Auth, AuthError};
use nkeys::KeyPair;

use super::config::Config;
use super::error::ConnectError;

/// Marks around a part of a credentials file.
const DASHES: &str = "---";

/// Whether anything is shown at all.
pub(super) const fn is_needed(config: &Config) -> bool {
    config.user.is_some()
        || config.token.is_some()
        || config.token_file.is_some()
        || config.credentials_file.is_some()
        || config.nkey_file.is_some()
}

/// Reads everything once, so that an unreadable file fails at once and not in each attempt.
///
/// # Errors
/// A file cannot be read, or does not hold what it must.
pub(super) async fn check(config: &Config) -> Result<(), ConnectError> {
    let file = [&config.password_file, &config.token_file, &config.credentials_file, &config.nkey_file];
    let path: PathBuf = file.into_iter().flatten().next().cloned().unwrap_or_default();
    show(config, b"nonce").await.map(drop).map_err(|reason| ConnectError::Credentials { path, reason })
}

/// The credentials of a connection; `nonce` is the text that the server wants signed.
///
/// # Errors
/// As [`check`].
pub(super) async fn identify(config: &Config, nonce: Vec<u8>) -> Result<Auth, AuthError> {
    show(config, &nonce).await.map_err(AuthError::new)
}

async fn show(config: &Config, nonce: &[u8]) -> Result<Auth, String> {
    let mut auth = Auth::new();
    auth.username.clone_from(&config.user);
    auth.password = match (&config.password, &config.password_file) {
        (Some(password), _) => Some(password.reveal().to_string()),
        (None, Some(path)) => Some(read(path).await?),
        (None, None) => None,
    };
    auth.token = match (&config.token, &config.token_file) {
        (Some(token), _) => Some(token.reveal().to_string()),
        (None, Some(path)) => Some(read(path).await?),
        (None, None) => None,
    };
    if let Some(path) = &config.nkey_file {
        let pair = key(&read(path).await?)?;
        auth.nkey = Some(pair.public_key());
        auth.signature = Some(sign(&pair, nonce)?);
    }
    if let Some(path) = &config.credentials_file {
        let text = read(path).await?;
        let parts = parts(&text);
        let [jwt, seed, ..] = &parts[..] else { return Err("it holds no JWT and seed".into()) };
        auth.jwt = Some((*jwt).to_owned());
        auth.signature = Some(sign(&key(seed)?, nonce)?);
    }
    Ok(auth)
}

async fn read(path: &Path) -> Result<String, String> {
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(owned)).await;
    match read.unwrap_or_else(|_ended| Err(io::ErrorKind::Interrupted.into())) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// A seed as a key. The error does not repeat it.
fn key(seed: &str) -> Result<KeyPair, String> {
    KeyPair::from_seed(seed).map_err(|error| format!("it holds no seed of an NKey: {error}"))
}

fn sign(pair: &KeyPair, nonce: &[u8]) -> Result<Vec<u8>, String> {
    pair.sign(nonce).map_err(|error| format!("its key cannot sign: {error}"))
}

/// The parts of a credentials file: the text between two lines of dashes.
fn parts(text: &str) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0].starts_with(DASHES) && !pair[1].starts_with(DASHES) && !pair[1].is_empty())
        .map(|pair| pair[1])
        .filter(|line| !line.contains(' ') && !line.starts_with('*'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jwt_and_seed_are_found_in_a_credentials_file() {
        let text = "-----BEGIN NATS USER JWT-----\neyJ0.a-b_c\n------END NATS USER JWT------\n\n\
            ************************* IMPORTANT *************************\nNKEY Seed printed below.\n\n\
            -----BEGIN USER NKEY SEED-----\nSUAC\n------END USER NKEY SEED------\n\n****\n";
        assert_eq!(parts(text), ["eyJ0.a-b_c", "SUAC"]);
        assert!(parts("nothing of the kind").is_empty());
    }

    #[tokio::test]
    async fn a_fault_of_a_file_does_not_show_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seed");
        let config = Config { nkey_file: Some(file.clone()), ..Config::default() };
        let missing = check(&config).await.unwrap_err().to_string();
        assert!(missing.contains("seed") && missing.contains("No such file"), "{missing}");
        std::fs::write(&file, "SUSECRET").unwrap();
        let wrong = check(&config).await.unwrap_err().to_string();
        assert!(wrong.contains("no seed of an NKey") && !wrong.contains("SUSECRET"), "{wrong}");
        let pair = KeyPair::new_user();
        std::fs::write(&file, format!("{}\n", pair.seed().unwrap())).unwrap();
        let auth = identify(&config, b"x".to_vec()).await.unwrap();
        assert_eq!(auth.nkey, Some(pair.public_key()));
        assert!(pair.verify(b"x", &auth.signature.unwrap()).is_ok());
    }
}
