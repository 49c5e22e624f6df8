//! What can go wrong between Dixa and us, as an enum to branch on. What follows from each error is in `policy`.

use std::time::Duration;

use record_splitter::SplitError;
use thiserror::Error;

use crate::dixa::host::Host;
use crate::dixa::rate_limit_hits::RateLimitHit;

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BodyFault {
    /// It could not be split into records.
    #[error(transparent)]
    Json(#[from] SplitError),
    /// It is HTML, which Dixa does not send.
    #[error("it is a web page")]
    WebPage,
    /// The page link in the envelope could not be read.
    #[error("its link to the next page cannot be read")]
    NoLink,
    /// The compressed stream is broken.
    #[error("its compression is broken")]
    NotGzip,
}

impl BodyFault {
    /// The same request would return the same body: trying again does not help.
    pub fn is_permanent(self) -> bool {
        matches!(self, Self::Json(fault) if fault.is_permanent())
    }
}

/// What a request was waiting for when it timed out; the text completes "Dixa's Exports API …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Phase {
    #[error("did not accept a connection")]
    Connecting,
    #[error("sent no response")]
    FirstByte,
    #[error("stopped in the middle of a response")]
    Body,
    /// Bytes arrive, but no record does.
    #[error("sent bytes but no complete record")]
    Record,
    /// Records arrive, but the end does not.
    #[error("sent records without finishing the response")]
    Whole,
}

/// Why no connection could be made; the text completes "Dixa's Exports API could not be reached: …".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConnectFault {
    #[error("the host name was not found (DNS)")]
    NameNotFound,
    #[error("the connection was refused")]
    Refused,
    #[error("there is no route to the host")]
    NoRoute,
    #[error("its certificate comes from an authority that is not trusted here")]
    UntrustedAuthority,
    #[error("its certificate is for a different host name")]
    WrongName,
    #[error("its certificate has expired")]
    Expired,
    #[error("its certificate is not valid yet")]
    NotYetValid,
    #[error("its certificate is not valid")]
    BadCertificate,
    #[error("the TLS handshake failed")]
    Handshake,
    #[error("the proxy requires a user name and password (407)")]
    ProxyLogin,
    #[error("the proxy itself could not be reached")]
    ProxyUnreachable,
    #[error("the proxy did not open a connection")]
    ProxyRefused,
    #[error("the connection was closed while it was being set up")]
    Closed,
    #[error("the connection could not be set up")]
    Other,
}

/// Why a request did not end with a whole, valid body.
#[derive(Debug, Error)]
pub enum Error {
    /// A status other than 200, 204 and 429.
    #[error("{host} answered {status}{}", if *.is_web_page { " with a web page" } else { "" })]
    Status {
        host: Host,
        status: u16,
        retry_after: Option<Duration>,
        /// The body is HTML, which Dixa does not send: something in between may have answered.
        is_web_page: bool,
        /// What the response says in words, if anything.
        text: Option<String>,
    },
    /// 429: the rate limit.
    #[error("{host} {}", rate_limited(hit))]
    RateLimited {
        host: Host,
        hit: RateLimitHit,
        retry_after: Option<Duration>,
    },
    /// There was no connection.
    #[error("{host} could not be reached{}: {fault}", through(*proxy))]
    Unreachable {
        host: Host,
        fault: ConnectFault,
        /// The environment variable that names the proxy, if the fault lies between here and there.
        proxy: Option<&'static str>,
        cause: String,
    },
    /// The connection ended before the response.
    #[error("{host} closed the connection without a response")]
    NoResponse { host: Host, cause: String },
    /// What came is not the head of an HTTP response.
    #[error("{host} sent something that is not an HTTP response")]
    NotHttp { host: Host, cause: String },
    #[error("{host} {phase} for {} seconds", after.as_secs())]
    TimedOut {
        host: Host,
        phase: Phase,
        after: Duration,
    },
    /// The connection ended inside the body.
    #[error("the response from {host} was cut off")]
    Cut { host: Host, cause: String },
    #[error("the response from {host} cannot be used: {fault}")]
    Body { host: Host, fault: BodyFault },
    /// The body has a `Content-Encoding` that was not requested.
    #[error(
        "the response from {host} has the Content-Encoding `{encoding}`, which was not requested"
    )]
    UnknownEncoding { host: Host, encoding: String },
    /// The link to the next page leads to another origin; the token is not sent there.
    #[error("{host} linked to a next page on another host, to which the token must not be sent")]
    ForeignLink { host: Host },
    /// A page links to one that was read already.
    #[error("{host} linked to a page that was already read")]
    RepeatedLink { host: Host },
    /// Too many records outside the requested windows to recognize repeated ones.
    #[error(
        "{host} returned more than 4 million records whose time is outside the requested window or unknown"
    )]
    TooManyOutside { host: Host },
    /// This many pages in a row held no record that the pages before them had not.
    #[error(
        "{host} sent {pages} consecutive pages without a new record, each linking to another page"
    )]
    NothingNew { host: Host, pages: u32 },
    /// A link to a next page, or an id for the path, that no request can carry.
    #[error("{host} sent an id or a link to a next page that is longer than 64 KB")]
    TooLong { host: Host },
    /// The connection ended inside the body, after we had kept Dixa waiting.
    #[error("{host} closed the connection because our output was read too slowly")]
    OutputTooSlow { host: Host },
    /// The certificates that the environment names could not be read.
    #[error("{variables} is set, but no certificate could be read from there")]
    NoCertificates { variables: &'static str },
    /// The environment names a proxy that cannot be used. The value is not shown: it may hold a password.
    #[error("{variable} {problem}")]
    BadProxy {
        variable: &'static str,
        problem: &'static str,
    },
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be set up")]
    Client { cause: String },
    /// The reader of our output has closed it.
    #[error("the output was closed")]
    Closed,
}

fn through(proxy: Option<&str>) -> String {
    proxy.map_or_else(String::new, |variable| {
        format!(" through the proxy in {variable}")
    })
}

fn rate_limited(hit: &RateLimitHit) -> String {
    match hit.duration.as_secs() / 60 {
        0 => "rate-limited a request (429)".to_owned(),
        minutes => format!("rate-limited every request (429) for {minutes} minutes"),
    }
}

impl Error {
    /// The technical cause or the text of Dixa's response, where there is one.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unreachable { cause, .. }
            | Self::NoResponse { cause, .. }
            | Self::NotHttp { cause, .. }
            | Self::Cut { cause, .. }
            | Self::Client { cause } => Some(cause),
            Self::Status { text, .. } => text.as_deref(),
            _ => None,
        }
    }

    /// How long Dixa asks us to wait, if it says so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::RateLimited { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// The status of Dixa's own response, if that is the error. A web page is not Dixa's.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status {
                status,
                is_web_page: false,
                ..
            } => Some(*status),
            _ => None,
        }
    }

    /// The parameters of the request were rejected, which may have been its page size.
    pub fn is_rejection(&self) -> bool {
        matches!(self.status(), Some(400 | 422))
    }

    /// Dixa does not accept the token, or not for this endpoint.
    pub fn is_access_denied(&self) -> bool {
        matches!(self.status(), Some(401 | 403))
    }
}
