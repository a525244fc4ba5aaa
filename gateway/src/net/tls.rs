//! TLS by rustls, with *ring*. The certificate is read again when its file changes: renewing it needs no restart.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;

use runbus::time::Clock;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::Config;
use crate::limits;
use crate::net::expiry::Expiry;
use crate::net::shared_socket::SharedSocket;

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read, or holds nothing that fits.
    #[error("gateway.tls_cert_file, gateway.tls_key_file: {path}: {reason}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not fit each other.
    #[error("gateway.tls_cert_file: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Serves TLS.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    server: Arc<rustls::ServerConfig>,
    changed: Option<SystemTime>,
    expiry: Expiry,
}

impl Tls {
    /// `None`: configuration has none.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn new(config: &Config) -> Result<Option<Self>, Error> {
        let (Some(certificate), Some(key)) = (&config.tls_cert_file, &config.tls_key_file) else {
            return Ok(None);
        };
        let (server, expiry) = load(certificate, key)?;
        let current = Current { changed: changed(certificate), server, expiry };
        let (certificate, key) = (certificate.clone(), key.clone());
        Ok(Some(Self { certificate, key, current: Mutex::new(current) }))
    }

    fn server(&self) -> Arc<rustls::ServerConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let now = changed(&self.certificate);
        if now != current.changed {
            match load(&self.certificate, &self.key) {
                Ok((server, expiry)) => {
                    tracing::info!("the certificate was read again");
                    *current = Current { server, changed: now, expiry };
                }
                // Perhaps only one of the two files is there yet: tried again with the next connection.
                Err(error) => {
                    tracing::warn!(%error, "the certificate cannot be read again; the old one stays")
                }
            }
        }
        current.expiry.check(Clock::System.now());
        current.server.clone()
    }

    /// Shakes hands; `None`: it failed, or took too long.
    pub fn accept(
        &self,
        stream: TcpStream,
    ) -> impl Future<Output = Option<Box<TlsStream<TcpStream>>>> + Send + use<> {
        let accepting = TlsAcceptor::from(self.server()).accept(stream);
        async move {
            match tokio::time::timeout(limits::HANDSHAKE_PATIENCE, accepting).await {
                Ok(Ok(stream)) => Some(Box::new(stream)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    None
                }
                Err(_elapsed) => None,
            }
        }
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

fn load(certificate: &Path, key: &Path) -> Result<(Arc<rustls::ServerConfig>, Expiry), Error> {
    let failed = |path: &Path, reason: &dyn std::fmt::Display| Error::File {
        path: path.into(),
        reason: reason.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(certificate, &error))?;
    if chain.is_empty() {
        return Err(failed(certificate, &"has no certificate"));
    }
    let expiry = Expiry::of(&chain);
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| failed(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, private)?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((Arc::new(server), expiry))
}

/// A connection, with or without TLS.
#[derive(Debug)]
pub enum Stream {
    /// Without.
    Plain(Arc<SharedSocket>),
    /// With.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(shared_socket) => shared_socket.poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(shared_socket) => shared_socket.poll_write(cx, &[io::IoSlice::new(buf)]),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(shared_socket) => shared_socket.poll_write(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(_) => true,
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(shared_socket) => shared_socket.poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(shared_socket) => Poll::Ready(shared_socket.shutdown()),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
