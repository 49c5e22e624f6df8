//! What can go wrong with Dixa's API, as an enum to branch on, and what a person is told of each.

use std::fmt;
use std::time::Duration;

use crate::dixa::Host;
use crate::failure::{Failure, FailureKind};

/// Why a body could not be taken as records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFault {
    /// The bytes are not JSON; says where the grammar was left.
    NotJson(&'static str),
    /// A record, or the frame around the records, is not UTF-8.
    NotUtf8,
    /// An array was due, or the declared envelope around one.
    NoArray,
    /// The one record was due, or the declared envelope around it.
    NoRecordThere,
    /// An element of the array is no object.
    NoObject,
    /// Containers lie in one another more than [`crate::dixa::records::MAX_DEPTH`] deep.
    TooDeep,
    /// One record is larger than [`crate::dixa::pieces::MAX_RECORD`].
    RecordTooLarge,
    /// What stands around the records is larger than [`crate::dixa::pieces::MAX_FRAME`].
    FrameTooLarge,
    /// The page link in the envelope could not be read.
    NoLink,
    /// Blanks, or something else that is no record, without end.
    NoRecord,
    /// The compressed stream is broken.
    NotGzip,
    /// The body ended before its JSON did.
    Unfinished,
    /// The body goes on after its JSON ended.
    Trailing,
}

impl BodyFault {
    /// The same request would bring the same body: the record is what it is.
    pub fn lasts(self) -> bool {
        matches!(
            self,
            Self::TooDeep | Self::RecordTooLarge | Self::FrameTooLarge
        )
    }
}

impl fmt::Display for BodyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotJson(place) => return write!(formatter, "it is not JSON ({place})"),
            Self::NotUtf8 => "it is not UTF-8",
            Self::NoArray => "a list of records was expected in it",
            Self::NoRecordThere => "a record was expected in it",
            Self::NoObject => "an element of its list is not an object",
            Self::TooDeep => "it nests deeper than 512 levels",
            Self::RecordTooLarge => "one record is larger than 64 MB",
            Self::FrameTooLarge => "what stands around its records is larger than 1 MB",
            Self::NoLink => "its link to the next page cannot be read",
            Self::NoRecord => "64 MB of it brought no record",
            Self::NotGzip => "its compression is broken",
            Self::Unfinished => "it ended too early",
            Self::Trailing => "it goes on after its end",
        })
    }
}

/// The moment at which a time-out struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connecting,
    FirstByte,
    Body,
    /// Bytes come, but no record does.
    Record,
    /// Records come, but no end does.
    Whole,
}

/// One request's end, when it was not a whole good body.
#[derive(Debug)]
pub enum Error {
    /// An answer other than 200 and 204.
    Status {
        host: Host,
        status: u16,
        retry_after: Option<Duration>,
    },
    /// Dixa refused for its rate for longer than it is borne with.
    RateLimited {
        host: Host,
        lasting: Duration,
    },
    /// No answer: no name, no connection, no trust in the certificate, or a connection that ended before the answer.
    Unreachable {
        host: Host,
        cause: String,
    },
    TimedOut {
        host: Host,
        phase: Phase,
        after: Duration,
    },
    /// The connection ended inside the body.
    Cut {
        host: Host,
        cause: String,
    },
    Body {
        host: Host,
        fault: BodyFault,
    },
    /// The link to the next page leads to another origin; the token does not go there.
    ForeignLink {
        host: Host,
    },
    /// A page links to one that was read already.
    RepeatedLink {
        host: Host,
    },
    /// The connection ended inside the body, after we had kept Dixa waiting.
    KeptWaiting {
        host: Host,
    },
    /// The certificates that the environment names could not be read.
    NoCertificates,
    /// The HTTP client could not be built.
    Client {
        cause: String,
    },
    /// Nobody takes records any more.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status { host, status, .. } => write!(formatter, "{host} answered {status}"),
            Self::RateLimited { host, lasting } => {
                write!(
                    formatter,
                    "{host} has answered nothing but 429, its rate limit, for {} seconds",
                    lasting.as_secs()
                )
            }
            Self::Unreachable { host, .. } => write!(formatter, "{host} could not be reached"),
            Self::TimedOut { host, phase, after } => {
                let what = match phase {
                    Phase::Connecting => "took no connection",
                    Phase::FirstByte => "gave no answer",
                    Phase::Body => "stopped in the middle of its answer",
                    Phase::Record => "sent bytes but no whole record",
                    Phase::Whole => "did not come to the end of its answer",
                };
                write!(formatter, "{host} {what} for {} seconds", after.as_secs())
            }
            Self::Cut { host, .. } => {
                write!(formatter, "the answer of {host} broke off in the middle")
            }
            Self::Body { host, fault } => {
                write!(formatter, "the answer of {host} cannot be used: {fault}")
            }
            Self::ForeignLink { host } => {
                write!(
                    formatter,
                    "{host} linked to a next page on another host, where the token must not go"
                )
            }
            Self::RepeatedLink { host } => {
                write!(formatter, "{host} linked to a page that was read already")
            }
            Self::KeptWaiting { host } => {
                write!(
                    formatter,
                    "{host} hung up, since our output was read too slowly"
                )
            }
            Self::NoCertificates => {
                write!(
                    formatter,
                    "SSL_CERT_FILE or SSL_CERT_DIR is set, but no certificate can be read there"
                )
            }
            Self::Client { .. } => write!(formatter, "the HTTP client could not be set up"),
            Self::Closed => write!(formatter, "the output was closed"),
        }
    }
}

impl Error {
    /// The technical chain, where there is one.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unreachable { cause, .. } | Self::Cut { cause, .. } | Self::Client { cause } => {
                Some(cause)
            }
            _ => None,
        }
    }

    /// Dixa does not accept the token, or not for this.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Status {
                status: 401 | 403,
                ..
            }
        )
    }

    fn kind(&self) -> FailureKind {
        match self {
            Self::NoCertificates => FailureKind::Config,
            error if error.is_refusal() => FailureKind::Config,
            Self::Status {
                status: 408 | 429 | 500..=599,
                ..
            }
            | Self::RateLimited { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Cut { .. }
            | Self::KeptWaiting { .. } => FailureKind::Transient,
            Self::Body { fault, .. } if !fault.lasts() => FailureKind::Transient,
            Self::Status { .. }
            | Self::Body { .. }
            | Self::ForeignLink { .. }
            | Self::RepeatedLink { .. }
            | Self::Client { .. }
            | Self::Closed => FailureKind::System,
        }
    }

    /// What the user can do about it.
    fn advice(&self) -> &'static str {
        match self {
            Self::Status { status: 401, .. } => {
                "The API token was not accepted. In Dixa, an administrator creates one under Settings > Integrations > API tokens, \
                 of the type \"Dixa API\"; put it into `api_token`. A token that lacks the right to read this is answered in the same way."
            }
            Self::Status { status: 403, .. } => {
                "The API token lacks the right to read this. In Dixa, an administrator creates tokens under Settings > Integrations > \
                 API tokens, of the type \"Dixa API\"; a token has the rights of the user who made it."
            }
            Self::Status {
                status: 300..=399, ..
            } => {
                "Redirects are not followed, since the token would go with them. Check the base URL."
            }
            Self::Status {
                status: 200..=299, ..
            } => "Only 200 and 204 are good answers; please report it with this message.",
            Self::Status { status: 404, .. } => {
                "Check the base URL, if you set one; otherwise Dixa has moved this endpoint."
            }
            Self::Status {
                status: 400..=499, ..
            } if self.kind() == FailureKind::System => {
                "Dixa does not accept this request; please report it with this message."
            }
            Self::RateLimited { .. } | Self::Status { status: 429, .. } => {
                "Something else uses up this token's limit: give this source a token of its own, or lower its rate in the config."
            }
            Self::Unreachable { .. } => {
                "Check the network, DNS, proxy and certificates between here and Dixa."
            }
            Self::Body { fault, .. } if fault.lasts() => {
                "This source does not take such records; please report it with this message."
            }
            Self::ForeignLink { .. } | Self::RepeatedLink { .. } | Self::Client { .. } => {
                "Please report it with this message."
            }
            Self::Status { .. } | Self::TimedOut { .. } | Self::Cut { .. } | Self::Body { .. } => {
                "It was tried several times. If it lasts, look at status.dixa.io; a sync goes on from its last saved state."
            }
            Self::KeptWaiting { .. } => {
                "Whatever reads the output is too slow for Dixa; a sync goes on from its last saved state."
            }
            Self::NoCertificates => "Correct them, or unset them to trust the system's.",
            Self::Closed => "",
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self {
            kind: error.kind(),
            message: format!("{error}. {}", error.advice()),
            cause: None,
        };
        match error.cause() {
            Some(cause) => failure.because(&cause),
            None => failure,
        }
    }
}
