//! Faults on script: what goes wrong, at which path and which request. They strike after the rules have accepted a request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::answer::{Answer, Body};
use super::request::Request;

/// One thing that goes wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    /// A prefix of the path, or of path and query: `/v1/conversation_export?updated_after=17` is one window.
    pub on: String,
    pub nth: Nth,
    pub kind: Kind,
}

impl Fault {
    /// At one accepted request, counted from 0 among those that match `on`.
    pub fn at(on: &str, nth: usize, kind: Kind) -> Self {
        Self {
            on: on.to_owned(),
            nth: Nth::Only(nth),
            kind,
        }
    }

    /// At this accepted request and every later one.
    pub fn from(on: &str, nth: usize, kind: Kind) -> Self {
        Self {
            on: on.to_owned(),
            nth: Nth::From(nth),
            kind,
        }
    }

    pub fn always(on: &str, kind: Kind) -> Self {
        Self {
            on: on.to_owned(),
            nth: Nth::All,
            kind,
        }
    }
}

/// Which of the matching requests, from 0, those refused by a rule not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nth {
    Only(usize),
    From(usize),
    All,
}

/// What goes wrong. Numbers of bytes are of the body as sent: after compression, without chunk frames.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Another answer, as `application/json`; 204 and 304 go without their body.
    Status {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Silence for so long, then a clean close.
    NoAnswer(Duration),
    ResetBeforeHeaders,
    CloseBeforeHeaders,
    /// The body ends early (dixa-api.md 3: "body cut off in the middle of the chunked array", A); one that is
    /// shorter than that is sent whole, and cut before HTTP's own end.
    CutBody {
        after_bytes: usize,
        how: Cut,
    },
    /// 200 with another body, sent as it is.
    Replace {
        body: Vec<u8>,
        content_type: &'static str,
    },
    /// More bytes after the right body, in the same body.
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
    /// An error that holds the token in reason phrase, header and body.
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
    /// HTTP's framing ends as it should; only the content is cut.
    CleanChunkEnd,
}

/// The scenario's faults with their counters.
#[derive(Default)]
pub struct Script(Vec<(Fault, AtomicUsize)>);

impl Script {
    pub fn new(faults: Vec<Fault>) -> Self {
        Self(
            faults
                .into_iter()
                .map(|fault| (fault, AtomicUsize::new(0)))
                .collect(),
        )
    }

    /// The fault for an accepted request, if any; every fault that matches counts it, the first due strikes.
    pub fn strike(&self, request: &Request) -> Option<&Kind> {
        let target = request.target();
        let matching = self
            .0
            .iter()
            .filter(|(fault, _)| target.starts_with(&fault.on));
        let due = matching.filter(|(fault, seen)| {
            let seen = seen.fetch_add(1, Ordering::SeqCst);
            match fault.nth {
                Nth::Only(nth) => seen == nth,
                Nth::From(nth) => seen >= nth,
                Nth::All => true,
            }
        });
        // All are looked at, so that all count.
        due.collect::<Vec<_>>()
            .first()
            .map(|(fault, _)| &fault.kind)
    }
}

/// The answer under a fault; one that strikes the connection leaves it as it is.
pub fn disturbed(right: Answer, kind: &Kind, token: &str) -> Answer {
    match kind {
        Kind::Status {
            status,
            headers,
            body,
        } => {
            let body = Body::Bytes(body.clone().into_bytes());
            let headers = headers.clone();
            Answer {
                headers,
                ..Answer::new(*status, "application/json", body)
            }
        }
        Kind::Replace { body, content_type } => {
            Answer::new(200, content_type, Body::Bytes(body.clone()))
        }
        Kind::Append(tail) => Answer {
            tail: tail.clone(),
            ..right
        },
        Kind::Redirect { status, location } => {
            let headers = vec![("Location".to_owned(), location.clone())];
            Answer {
                headers,
                ..Answer::new(*status, "text/plain", Body::Bytes(Vec::new()))
            }
        }
        Kind::EchoToken { status } => echo(*status, token),
        Kind::NoAnswer(_)
        | Kind::ResetBeforeHeaders
        | Kind::CloseBeforeHeaders
        | Kind::CutBody { .. }
        | Kind::Stall { .. }
        | Kind::Drip { .. } => right,
    }
}

fn echo(status: u16, token: &str) -> Answer {
    let mut answer = Answer::message(status, &format!("the token was {token}"));
    answer.reason = Some(format!("Token {token}"));
    answer
        .headers
        .push(("X-Token".to_owned(), token.to_owned()));
    answer
}
