//! The certificates of TLS connections, from files.

use std::path::Path;

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};

use super::config::Config;
use crate::config::Invalid;

/// The certificates that configuration names; `None`: those of the system count.
pub(super) fn read(config: &Config) -> Result<Option<TlsCertificates>, Invalid> {
    crate::tls::check_files(
        config.tls_ca_file.as_deref(),
        config.tls_cert_file.as_deref(),
        config.tls_key_file.as_deref(),
    )?;
    let file = |key: &str, path: &Path| {
        std::fs::read(path).map_err(|error| {
            Invalid::new(key, path.display(), format!("a PEM file that can be read ({error})"))
        })
    };
    let root_cert = config.tls_ca_file.as_deref().map(|path| file("tls_ca_file", path)).transpose()?;
    let client_tls = match (&config.tls_cert_file, &config.tls_key_file) {
        (Some(certificate), Some(key)) => Some(ClientTlsConfig {
            client_cert: file("tls_cert_file", certificate)?,
            client_key: file("tls_key_file", key)?,
        }),
        _ => None,
    };
    let has_any = root_cert.is_some() || client_tls.is_some();
    Ok(has_any.then_some(TlsCertificates { client_tls, root_cert }))
}

/// A server's address with the certificates in it.
pub(super) fn with(
    info: ConnectionInfo,
    certificates: Option<&TlsCertificates>,
) -> Result<ConnectionInfo, Invalid> {
    let Some(certificates) = certificates.filter(|_| matches!(info.addr(), ConnectionAddr::TcpTls { .. }))
    else {
        return Ok(info);
    };
    let client = Client::build_with_tls(info, certificates.clone())
        .map_err(|error| Invalid::new("tls_ca_file", "", format!("valid PEM files ({error})")))?;
    Ok(client.get_connection_info().clone())
}
