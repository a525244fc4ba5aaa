//! TLS to servers: the process-wide provider, the check of certificate files, and the next step for each fault.

use std::path::Path;
use std::sync::Once;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::config::Invalid;

/// Faults as rustls reports them, and the next step: `{s}` is the section of the configuration, `{a}` its key with the address. The
/// first one that an error contains counts.
const FAULTS: &[(&str, &str)] = &[
    (
        "UnknownIssuer",
        "no certificate of {s}.tls_ca_file (without this key: of the system) signed the server's; set it to the PEM file of \
         the server's authority",
    ),
    ("certificate expired", "the server's certificate has expired; renew it at the server"),
    ("not valid for name", "the server's certificate has other names; {a} must have one of them"),
    (
        "alert: CertificateRequired",
        "the server wants a client certificate; set {s}.tls_cert_file and {s}.tls_key_file",
    ),
    ("alert: CertificateExpired", "the certificate of {s}.tls_cert_file has expired; replace the file"),
    ("alert: UnknownCA", "no authority that the server trusts signed the certificate of {s}.tls_cert_file"),
    (
        "alert: BadCertificate",
        "the server refuses the certificate of {s}.tls_cert_file, or wants one where it is not set",
    ),
    ("alert: CertificateUnknown", "the server refuses the certificate of {s}.tls_cert_file"),
    ("alert: CertificateRevoked", "the server refuses the certificate of {s}.tls_cert_file"),
    ("alert: UnsupportedCertificate", "the server refuses the certificate of {s}.tls_cert_file"),
    ("alert: DecryptError", "{s}.tls_key_file is not the key of {s}.tls_cert_file"),
    ("KeyMismatch", "{s}.tls_key_file is not the key of {s}.tls_cert_file"),
    ("InvalidContentType", "the server does not speak TLS at the address of {a}"),
    (
        "tls handshake eof",
        "the server ends the TLS handshake; perhaps it does not speak TLS at the address of {a}",
    ),
];

/// The next step for a fault of TLS that an error names; `None`: it names none. `section` is the section of the connection's keys,
/// `address` its key with the address.
#[must_use]
pub fn advice(error: &str, section: &str, address: &str) -> Option<String> {
    let (_, advice) = FAULTS.iter().find(|(fault, _)| error.contains(fault))?;
    Some(advice.replace("{s}", section).replace("{a}", &format!("{section}.{address}")))
}

/// Checks the files that `tls_ca_file`, `tls_cert_file` and `tls_key_file` name. Clients read them at each attempt to connect, and
/// would try for ever with a file that is of no use.
///
/// # Errors
/// A file cannot be read, holds nothing of its kind, or the key is not the certificate's.
pub fn check_files(ca: Option<&Path>, certificate: Option<&Path>, key: Option<&Path>) -> Result<(), Invalid> {
    if let Some(path) = ca {
        certificates("tls_ca_file", path)?;
    }
    let (Some(certificate), Some(key)) = (certificate, key) else { return Ok(()) };
    let chain = certificates("tls_cert_file", certificate)?;
    let refused = |expected: String| Invalid::new("tls_key_file", key.display(), expected);
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| refused(format!("a PEM file with a private key ({error})")))?;
    CertifiedKey::from_der(chain, private, &rustls::crypto::ring::default_provider())
        .map_err(|error| refused(format!("the key of tls_cert_file ({error})")))?;
    Ok(())
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Invalid> {
    let refused = |reason: &dyn std::fmt::Display| {
        Invalid::new(key, path.display(), format!("a PEM file with a certificate ({reason})"))
    };
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| refused(&error))?;
    if found.is_empty() { Err(refused(&"it holds none")) } else { Ok(found) }
}

/// Makes *ring* the TLS provider of this process, once. A provider that is installed already stays.
///
/// Every function that may open a TLS connection calls it first: without a provider the HTTP client panics.
pub fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        if rustls::crypto::ring::default_provider().install_default().is_err() {
            tracing::debug!("another TLS provider was installed first");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_its_cause_and_its_key() {
        let found = |error: &str| advice(error, "redis", "url").unwrap_or_default();
        assert!(found("invalid peer certificate: UnknownIssuer").contains("redis.tls_ca_file"));
        assert!(found("received fatal alert: CertificateRequired").contains("redis.tls_cert_file"));
        assert!(found("received corrupt message of type InvalidContentType").contains("redis.url"));
        assert_eq!(advice("Connection refused", "redis", "url"), None);
    }

    #[test]
    fn a_file_of_no_use_is_refused_with_its_key() {
        let keys = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/system/keys"));
        let (certificate, key) = (keys.join("tls-cert.pem"), keys.join("tls-key.pem"));
        check_files(Some(&certificate), Some(&certificate), Some(&key)).unwrap();
        let other = keys.join("rsa-public.pem");
        for (named, ca, own, private) in [
            ("tls_ca_file", &key, &certificate, &key),
            ("tls_ca_file", &keys.join("missing"), &certificate, &key),
            ("tls_cert_file", &certificate, &other, &key),
            ("tls_key_file", &certificate, &certificate, &certificate),
        ] {
            let refused = check_files(Some(ca), Some(own), Some(private)).unwrap_err();
            assert_eq!(refused.key, named, "{refused}");
        }
    }
}
