//! The process-wide TLS provider.

use std::sync::Once;

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
