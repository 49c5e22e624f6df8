//! Scripted faults: what goes wrong, at which path and which request. They affect only requests that the rules accept.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::request::Request;
use super::response::{Body, Response};

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// A prefix of the path, or of path and query: `/v1/conversation_export?updated_after=17` is one window.
    pub path_prefix: String,
    pub nth: Nth,
    pub kind: Kind,
}

impl Fault {
    /// At one accepted request, counted from 0 among those that match the prefix.
    pub fn at(path_prefix: &str, nth: usize, kind: Kind) -> Self {
        Self {
            path_prefix: path_prefix.to_owned(),
            nth: Nth::Only(nth),
            kind,
        }
    }

    /// At this accepted request and every later one.
    pub fn from(path_prefix: &str, nth: usize, kind: Kind) -> Self {
        Self {
            path_prefix: path_prefix.to_owned(),
            nth: Nth::From(nth),
            kind,
        }
    }

    pub fn always(path_prefix: &str, kind: Kind) -> Self {
        Self {
            path_prefix: path_prefix.to_owned(),
            nth: Nth::All,
            kind,
        }
    }
}

/// Which of the matching requests, counted from 0. Requests that a rule refuses are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nth {
    Only(usize),
    From(usize),
    All,
}

/// What goes wrong. Byte counts refer to the body as sent: after compression, without chunk frames.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Another response, as `application/json`; 204 and 304 are sent without their body.
    Status {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Silence for this long, then a clean close.
    NoAnswer(Duration),
    ResetBeforeHeaders,
    CloseBeforeHeaders,
    /// The body ends early (docs/dixa-api.md 3: "body cut off in the middle of the chunked array",
    /// A). A shorter body is sent completely, without the end of HTTP's framing.
    CutBody {
        after_bytes: usize,
        how: Cut,
    },
    /// 200 with another body, sent as it is.
    Replace {
        body: Vec<u8>,
        content_type: &'static str,
    },
    /// More bytes after the correct body.
    Append(Vec<u8>),
    /// A pause in the body.
    Stall {
        after_bytes: usize,
        pause: Duration,
    },
    /// A body in many small writes with a pause after each.
    Drip {
        bytes_per_write: usize,
        pause: Duration,
    },
    Redirect {
        status: u16,
        location: String,
    },
    /// An error that contains the token in its reason phrase, a header and its body.
    EchoToken {
        status: u16,
    },
}

impl Kind {
    /// A bare error status without headers.
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            headers: Vec::new(),
            body: format!(r#"{{"message":"fault {status}"}}"#),
        }
    }

    /// A 200 `application/json` with this body.
    pub fn body(body: &str) -> Self {
        Self::Replace {
            body: body.as_bytes().to_vec(),
            content_type: "application/json",
        }
    }
}

/// How a body is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// RST.
    Reset,
    /// FIN in the middle of the body.
    CleanClose,
    /// HTTP's framing ends properly; only the content is cut.
    CleanChunkEnd,
}

/// The scenario's faults with their counters.
#[derive(Default)]
pub struct FaultScript(Vec<(Fault, AtomicUsize)>);

impl FaultScript {
    pub fn new(faults: Vec<Fault>) -> Self {
        Self(
            faults
                .into_iter()
                .map(|fault| (fault, AtomicUsize::new(0)))
                .collect(),
        )
    }

    /// The fault for an accepted request, if any: the first that is due. Every fault that matches counts the request.
    pub fn next(&self, request: &Request) -> Option<&Kind> {
        let target = request.target();
        let matching = self
            .0
            .iter()
            .filter(|(fault, _)| target.starts_with(&fault.path_prefix));
        let due = matching.filter(|(fault, seen)| {
            let seen = seen.fetch_add(1, Ordering::SeqCst);
            match fault.nth {
                Nth::Only(nth) => seen == nth,
                Nth::From(nth) => seen >= nth,
                Nth::All => true,
            }
        });
        // Collected, so that every fault counts the request.
        due.collect::<Vec<_>>()
            .first()
            .map(|(fault, _)| &fault.kind)
    }
}

/// The response with a fault applied. A fault of the connection leaves it unchanged.
pub fn apply(correct: Response, kind: &Kind, token: &str) -> Response {
    match kind {
        Kind::Status {
            status,
            headers,
            body,
        } => {
            let body = Body::Bytes(body.clone().into_bytes());
            let headers = headers.clone();
            Response {
                headers,
                ..Response::new(*status, "application/json", body)
            }
        }
        Kind::Replace { body, content_type } => {
            Response::new(200, content_type, Body::Bytes(body.clone()))
        }
        Kind::Append(tail) => Response {
            tail: tail.clone(),
            ..correct
        },
        Kind::Redirect { status, location } => {
            let headers = vec![("Location".to_owned(), location.clone())];
            Response {
                headers,
                ..Response::new(*status, "text/plain", Body::Bytes(Vec::new()))
            }
        }
        Kind::EchoToken { status } => echo(*status, token),
        Kind::NoAnswer(_)
        | Kind::ResetBeforeHeaders
        | Kind::CloseBeforeHeaders
        | Kind::CutBody { .. }
        | Kind::Stall { .. }
        | Kind::Drip { .. } => correct,
    }
}

fn echo(status: u16, token: &str) -> Response {
    let mut response = Response::message(status, &format!("the token was {token}"));
    response.reason = Some(format!("Token {token}"));
    response
        .headers
        .push(("X-Token".to_owned(), token.to_owned()));
    response
}
