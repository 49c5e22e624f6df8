//! Whom we trust: the system's certificates (or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`), Mozilla's where there are none.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use crate::dixa::error::Error;

/// A TLS configuration that verifies certificates. In an image without any certificate the bundled roots of Mozilla
/// stand in.
pub fn config() -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let is_named = |name: &str| std::env::var_os(name).is_some_and(|path| !path.is_empty());
    if roots.is_empty() && (is_named("SSL_CERT_FILE") || is_named("SSL_CERT_DIR")) {
        return Err(Error::NoCertificates);
    }
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    with_roots(roots)
}

/// A TLS configuration that trusts nobody, for a client that speaks plain HTTP to this machine only.
pub fn unused() -> Result<ClientConfig, Error> {
    with_roots(RootCertStore::empty())
}

fn with_roots(roots: RootCertStore) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Client {
            cause: error.to_string(),
        })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
