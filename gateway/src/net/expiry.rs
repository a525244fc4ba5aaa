//! The end of a certificate's validity: a metric at all times, and a warning before and after it.

use std::time::{Duration, Instant};

use runbus::metrics::gateway as metrics;
use runbus::time::{Clock, Timestamp};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Time before the end from which it is warned of.
const NOTICE: Duration = Duration::from_secs(14 * 24 * 3600);

/// Least time between two warnings.
const EVERY: Duration = Duration::from_secs(3600);

/// The validity of the certificate in use.
#[derive(Debug)]
pub(crate) struct Expiry {
    end: Option<Timestamp>,
    warned: Option<Instant>,
}

impl Expiry {
    /// Reads the first certificate of a chain, the server's own.
    pub(crate) fn of(chain: &[CertificateDer<'_>]) -> Self {
        let seconds = chain.first().and_then(|own| {
            let (_, certificate) = X509Certificate::from_der(own).ok()?;
            Some(certificate.validity().not_after.timestamp())
        });
        metrics::CERTIFICATE_EXPIRES.set(seconds.unwrap_or(0));
        let end = seconds.map(|end| Timestamp::from_micros(end.saturating_mul(1_000_000)));
        let mut expiry = Self { end, warned: None };
        expiry.check(Clock::System.now());
        expiry
    }

    /// Warns if the end is near or past; returns whether it warned.
    pub(crate) fn check(&mut self, now: Timestamp) -> bool {
        let Some(end) = self.end.filter(|end| end.since(now) <= NOTICE) else { return false };
        if self.warned.is_some_and(|at| at.elapsed() < EVERY) {
            return false;
        }
        self.warned = Some(Instant::now());
        if end > now {
            tracing::warn!(
                hours = end.since(now).as_secs() / 3600,
                "the certificate of gateway.tls_cert_file expires soon; replace the file, it is read again"
            );
        } else {
            tracing::warn!(
                hours = now.since(end).as_secs() / 3600,
                "the certificate of gateway.tls_cert_file has expired and clients refuse it; replace the file, it is read again"
            );
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    #[test]
    fn an_end_is_read_and_warned_of_once_an_hour() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/system/keys/tls-cert.pem");
        let chain = [CertificateDer::from_pem_file(file).unwrap()];
        let mut expiry = Expiry::of(&chain);
        let end = expiry.end.unwrap();
        expiry.warned = None;
        let at = |days: i64| Timestamp::from_micros(end.micros() + days * 24 * 3600 * 1_000_000);
        assert!(!expiry.check(at(-15)));
        assert!(expiry.check(at(-13)));
        assert!(!expiry.check(at(-13)), "again only after an hour");
        expiry.warned = None;
        assert!(expiry.check(at(1)));
        assert!(!Expiry { end: None, warned: None }.check(end));
    }
}
