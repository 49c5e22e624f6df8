//! What went wrong before a response: the cause in words, from the chain of an HTTP client's error.

use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::iter;

use rustls::CertificateError;

use crate::dixa::error::{ConnectFault, Error};
use crate::dixa::host::Host;

type Cause<'a> = &'a (dyn std::error::Error + 'static);

/// The error of a request that got no response. `proxy` is the variable that names the proxy, if one is used.
pub fn connect_error(host: Host, error: reqwest::Error, proxy: Option<&'static str>) -> Error {
    let error = error.without_url();
    let cause = error_chain(&error);
    let causes: Vec<Cause<'_>> =
        iter::successors(error.source(), |cause| (*cause).source()).collect();
    if error.is_connect() {
        // reqwest does not say in another way that a connection to a proxy failed.
        let is_at_proxy = cause.contains("tunnel error") || cause.contains("socks");
        return Error::Unreachable {
            host,
            fault: causes
                .iter()
                .find_map(|cause| fault(*cause))
                .unwrap_or(if !is_at_proxy {
                    ConnectFault::Other
                } else if cause.contains("failed to create underlying connection") {
                    // All that the SOCKS client says of a proxy that it cannot reach.
                    ConnectFault::ProxyUnreachable
                } else {
                    ConnectFault::ProxyRefused
                }),
            proxy: proxy.filter(|_| is_at_proxy),
            cause,
        };
    }
    let is_parse = |cause: &Cause<'_>| {
        let error = cause.downcast_ref::<hyper::Error>();
        error.is_some_and(hyper::Error::is_parse)
    };
    if causes.iter().any(is_parse) {
        Error::NotHttp { host, cause }
    } else {
        Error::NoResponse { host, cause }
    }
}

/// What one error of the chain says.
fn fault(cause: Cause<'_>) -> Option<ConnectFault> {
    let text = cause.to_string();
    if text.starts_with("dns error") {
        return Some(ConnectFault::NameNotFound);
    }
    if text.contains("proxy authorization required") {
        return Some(ConnectFault::ProxyLogin);
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls_fault(error));
    }
    let error = cause.downcast_ref::<io::Error>()?;
    // An error within an I/O error is not among its sources.
    if let Some(found) = error.get_ref().and_then(|inner| fault(inner)) {
        return Some(found);
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(ConnectFault::Refused),
        ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => Some(ConnectFault::NoRoute),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Some(ConnectFault::Closed),
        _ => None,
    }
}

fn tls_fault(error: &rustls::Error) -> ConnectFault {
    let rustls::Error::InvalidCertificate(error) = error else {
        return ConnectFault::Handshake;
    };
    match error {
        CertificateError::UnknownIssuer => ConnectFault::UntrustedAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ConnectFault::WrongName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ConnectFault::Expired
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ConnectFault::NotYetValid
        }
        _ => ConnectFault::BadCertificate,
    }
}

/// An error and its sources in one line.
pub fn error_chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
