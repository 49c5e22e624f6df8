//! The policy table: what each status and fault means. Whether the request is sent again, whose problem it is, and what the
//! user can do about it. How long to wait is in `retry_budget`.

use record_splitter::SplitError;

use crate::dixa::error::{BodyFault, ConnectFault, Error, Phase};
use crate::failure::{Failure, FailureKind};

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAction {
    Retry,
    /// It was not Dixa's fault, so it does not count as an attempt.
    RetryUncounted,
    /// The rate limit: the host or the endpoint is paused, and the request is sent again without being counted as an attempt.
    Pause,
    Fail,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub action: RetryAction,
    pub kind: FailureKind,
    /// The request may have asked for too much, so asking for less may help.
    pub may_be_too_large: bool,
    /// What the user can do; empty if nothing.
    pub advice: &'static str,
}

const REPORT: &str = "Please report it with this message.";
const IN_BETWEEN: &str = "A proxy or firewall between here and Dixa may have answered in its place: ask whoever runs it to let requests to \
    exports.dixa.io and dev.dixa.io through unchanged.";
const CERTIFICATES: &str = "Name a readable PEM file of CA certificates (SSL_CERT_DIR: a folder of them), or unset it to use the system's.";
const PROXY: &str = "Correct it, or unset it to connect without a proxy. Special characters in the user name or password must be \
    percent-encoded, such as %40 for @ and %2F for /.";
const WAIT: &str = "Several attempts failed. Try again later: the next sync resumes from the last saved state. If the problem persists, check \
    status.dixa.io, or ask Dixa's support.";
const UNUSABLE: &str = "Several attempts failed. Try again later: the next sync resumes from the last saved state. If the problem persists, check \
    that no proxy or firewall changes the responses, and report it with this message.";

impl Policy {
    const fn config(advice: &'static str) -> Self {
        Self {
            action: RetryAction::Fail,
            kind: FailureKind::Config,
            may_be_too_large: false,
            advice,
        }
    }

    const fn system(advice: &'static str) -> Self {
        Self {
            kind: FailureKind::System,
            ..Self::config(advice)
        }
    }

    const fn transient(action: RetryAction, advice: &'static str) -> Self {
        Self {
            action,
            kind: FailureKind::Transient,
            may_be_too_large: false,
            advice,
        }
    }

    const fn or_too_large(self) -> Self {
        Self {
            may_be_too_large: true,
            ..self
        }
    }
}

/// The table.
pub fn policy(error: &Error) -> Policy {
    use RetryAction::{Pause, Retry, RetryUncounted};
    match error {
        Error::Status {
            status,
            is_web_page: true,
            ..
        } => of_web_page(*status),
        Error::Status { status, .. } => of_status(*status),
        Error::RateLimited { .. } => Policy::transient(
            Pause,
            "Another program may be using the same token: give this source a token of its own, or lower its rate in the config.",
        ),
        Error::Unreachable { fault, proxy, .. } => of_connection(*fault, proxy.is_some()),
        Error::NoResponse { .. } => Policy::transient(Retry, WAIT),
        Error::NotHttp { .. } => Policy::transient(Retry, IN_BETWEEN),
        Error::TimedOut {
            phase: Phase::FirstByte | Phase::Body,
            ..
        }
        | Error::Cut { .. }
        | Error::Body {
            fault: BodyFault::Json(SplitError::Unfinished),
            ..
        } => Policy::transient(Retry, WAIT).or_too_large(),
        Error::TimedOut { .. } => Policy::transient(Retry, WAIT),
        Error::OutputTooSlow { .. } => Policy::transient(
            RetryUncounted,
            "Whatever reads this program's output is too slow for Dixa. The next sync resumes from the last saved state.",
        ),
        Error::Body { fault, .. } => of_body(*fault),
        Error::TooManyOutside { .. } => Policy::system(
            "Repeated records could no longer be recognized. Read a shorter period at a time, with `start_date` and `end_date`.",
        ),
        Error::ForeignLink { .. }
        | Error::RepeatedLink { .. }
        | Error::NothingNew { .. }
        | Error::TooLong { .. }
        | Error::Client { .. } => Policy::system(REPORT),
        Error::UnknownEncoding { .. } => Policy::system(IN_BETWEEN),
        Error::NoCertificates { .. } => Policy::config(CERTIFICATES),
        Error::BadProxy { .. } => Policy::config(PROXY),
        Error::Closed => Policy::system(""),
    }
}

/// The part of the table for bodies that are complete and cannot be used.
fn of_body(fault: BodyFault) -> Policy {
    if fault.is_permanent() {
        return Policy::system(
            "This source does not support such records. Please report it with this message.",
        );
    }
    let advice = if fault == BodyFault::WebPage {
        IN_BETWEEN
    } else {
        UNUSABLE
    };
    Policy::transient(RetryAction::Retry, advice)
}

/// The part of the table for what happens before there is a connection.
fn of_connection(fault: ConnectFault, is_proxy: bool) -> Policy {
    use RetryAction::{Fail, Retry};
    match fault {
        ConnectFault::NameNotFound if is_proxy => {
            Policy::transient(Retry, "Check the host name of the proxy.")
        }
        ConnectFault::NameNotFound => Policy::transient(
            Retry,
            "Check the network and DNS of the machine or container that this runs on, or set HTTPS_PROXY if it needs a proxy.",
        ),
        ConnectFault::Refused | ConnectFault::NoRoute | ConnectFault::ProxyUnreachable
            if is_proxy =>
        {
            Policy::transient(Retry, "Check the proxy's host and port, and that it runs.")
        }
        ConnectFault::UntrustedAuthority | ConnectFault::BadCertificate => Policy::config(
            "If a proxy or firewall here inspects TLS, name a PEM file with its CA certificate in SSL_CERT_FILE.",
        ),
        ConnectFault::WrongName => Policy::config(
            "Something answers in Dixa's place: check DNS, the proxy, and the base URL, if you set one.",
        ),
        ConnectFault::Expired | ConnectFault::NotYetValid => Policy::transient(
            Fail,
            "Check this machine's clock. If it is right, whoever runs the server, or the proxy in between, must renew the certificate.",
        ),
        ConnectFault::ProxyLogin => Policy::config(
            "Put a user name and password for the proxy into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT, with special characters \
             percent-encoded, such as %40 for @ and %2F for /.",
        ),
        ConnectFault::ProxyRefused | ConnectFault::ProxyUnreachable => Policy::transient(
            Retry,
            "The proxy must allow connections to port 443 of exports.dixa.io and dev.dixa.io.",
        ),
        ConnectFault::Refused
        | ConnectFault::NoRoute
        | ConnectFault::Handshake
        | ConnectFault::Closed
        | ConnectFault::Other => Policy::transient(
            Retry,
            "Check the network, firewall and proxy between here and Dixa, and status.dixa.io.",
        ),
    }
}

/// The part of the table for statuses other than 429.
fn of_status(status: u16) -> Policy {
    match status {
        401 => Policy::config(
            "The API token was not accepted. In Dixa, an administrator can create one under Settings > Integrations > API tokens, \
             with the type \"Dixa API\"; put it in `api_token`. A token that lacks permission to read this gets the same response.",
        ),
        403 => Policy::config(
            "The API token lacks permission to read this. In Dixa, an administrator can create tokens under Settings > Integrations > \
             API tokens, with the type \"Dixa API\". A token has the permissions of the user who created it.",
        ),
        407 => of_connection(ConnectFault::ProxyLogin, true),
        408 | 500 | 502 | 504 => Policy::transient(RetryAction::Retry, WAIT).or_too_large(),
        511 => Policy {
            action: RetryAction::Retry,
            ..Policy::config("The network here requires a login before it lets requests through.")
        },
        500..=599 => Policy::transient(RetryAction::Retry, WAIT),
        304 => Policy::system(
            "This means that nothing has changed since an earlier request, which was not asked: a cache between here and Dixa may have \
             answered.",
        ),
        300..=399 => Policy::system(
            "Redirects are not followed, because they would send the token along. Check the base URL, if you set one.",
        ),
        200..=299 => {
            Policy::system("Only 200 and 204 are expected. Please report it with this message.")
        }
        404 | 410 => Policy::system(
            "Check the base URL, if you set one. Otherwise Dixa has moved this endpoint: please report it with this message.",
        ),
        400..=499 => {
            Policy::system("Dixa rejected this request. Please report it with this message.")
        }
        _ => Policy::system(IN_BETWEEN),
    }
}

/// The part of the table for a body of HTML. Dixa's own errors are JSON (docs/dixa-api.md 3), so the token may be fine.
fn of_web_page(status: u16) -> Policy {
    match of_status(status) {
        policy if policy.action != RetryAction::Fail || matches!(status, 407 | 511) => policy,
        _ if matches!(status, 401 | 403) => Policy::config(IN_BETWEEN),
        _ => Policy::system(IN_BETWEEN),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Policy { kind, advice, .. } = policy(&error);
        Self {
            kind,
            subject: String::new(),
            message: error.to_string(),
            advice: Some(advice)
                .filter(|advice| !advice.is_empty())
                .map(str::to_owned),
            cause: error.cause().map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dixa::host::Host;
    use crate::dixa::rate_limit_hits::RateLimitHit;
    use std::time::Duration;

    fn action(status: u16) -> RetryAction {
        let (host, retry_after) = (Host::Exports, None);
        policy(&match status {
            429 => Error::RateLimited {
                host,
                hit: RateLimitHit {
                    is_endpoint_only: false,
                    count: 1,
                    duration: Duration::ZERO,
                },
                retry_after,
            },
            status => Error::Status {
                host,
                status,
                retry_after,
                is_web_page: false,
                text: None,
            },
        })
        .action
    }

    /// `300-407 Fail` and so on: every status that is not success.
    fn ranges() -> Vec<String> {
        let mut ranges: Vec<(u16, u16, RetryAction)> = Vec::new();
        for status in 300..=599 {
            match ranges.last_mut() {
                Some((_, last, same)) if *same == action(status) => *last = status,
                _ => ranges.push((status, status, action(status))),
            }
        }
        ranges
            .into_iter()
            .map(|(first, last, action)| format!("{first}-{last} {action:?}"))
            .collect()
    }

    #[test]
    fn these_statuses_are_tried_again() {
        insta::assert_snapshot!(ranges().join("\n"), @r"
        300-407 Fail
        408-408 Retry
        409-428 Fail
        429-429 Pause
        430-499 Fail
        500-599 Retry
        ");
    }
}
