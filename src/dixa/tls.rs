//! Trusted root certificates: those that the environment names, or the system's, or else Mozilla's.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};

use crate::dixa::error::Error;

/// OpenSSL's variables, which `load_native_certs` reads.
const OPENSSL: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
/// Those of Python's requests and of curl, for a file or a folder. They count if OpenSSL's are not set.
const BUNDLES: [&str; 2] = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// A TLS configuration that verifies certificates. Mozilla's bundled roots are used if the system has none.
pub fn config() -> Result<ClientConfig, Error> {
    let is_named = |name: &str| std::env::var_os(name).is_some_and(|path| !path.is_empty());
    let bundle = BUNDLES.into_iter().find(|name| is_named(name));
    let (certificates, variables) = if OPENSSL.into_iter().all(is_named) {
        (load_native_certs(), Some("SSL_CERT_FILE and SSL_CERT_DIR"))
    } else if let Some(variable) = OPENSSL.into_iter().find(|name| is_named(name)) {
        (load_native_certs(), Some(variable))
    } else if let Some(variable) = bundle {
        let path = PathBuf::from(std::env::var_os(variable).unwrap_or_default());
        let (file, folder) = if path.is_dir() {
            (None, Some(path.as_path()))
        } else {
            (Some(path.as_path()), None)
        };
        (load_certs_from_paths(file, folder), Some(variable))
    } else {
        (load_native_certs(), None)
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates.certs);
    match variables {
        Some(variables) if roots.is_empty() => return Err(Error::NoCertificates { variables }),
        None if roots.is_empty() => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        _ => {}
    }
    with_roots(roots)
}

/// A TLS configuration that trusts no certificate, for a client that only uses plain HTTP to this machine.
pub fn no_trust() -> Result<ClientConfig, Error> {
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
