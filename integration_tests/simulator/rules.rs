//! What Dixa refuses on both hosts: paths, methods, tokens, rights, rates. The rest is in `exports` and `lists`.

use std::time::{Duration, Instant};

use super::answer::{Answer, Body};
use super::clock::{http_date, now_ms};
use super::log::Authorization;
use super::request::Request;
use super::switches::{ErrorBody, RetryAfter, Switches};
use super::{World, base64, exports, lists};

/// Dixa's two hosts, told apart by the path since one port serves both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// `exports.dixa.io`: `/v1/conversation_export` and `/v1/message_export`, no others (dixa-api.md 1.1: A).
    Exports,
    /// `dev.dixa.io`.
    Main,
    /// The simulator's own `/simulator/…`.
    Control,
}

impl Host {
    pub fn of(path: &str) -> Self {
        match path {
            "/v1/conversation_export" | "/v1/message_export" => Self::Exports,
            _ if path.starts_with("/simulator/") => Self::Control,
            _ => Self::Main,
        }
    }
}

/// Why a request is refused.
pub struct Refusal {
    pub status: u16,
    /// The rule's name in the log.
    pub rule: &'static str,
    pub message: &'static str,
    retry_after: Option<Duration>,
}

impl Refusal {
    pub fn new(status: u16, rule: &'static str, message: &'static str) -> Self {
        Self {
            status,
            rule,
            message,
            retry_after: None,
        }
    }
}

/// An answer, and the rule's name if it is a refusal.
pub struct Verdict {
    pub answer: Answer,
    pub refused: Option<&'static str>,
}

/// The answer that Dixa would give to a request that arrived at `now`.
pub fn judge(world: &World, request: &Request, now: Instant) -> Verdict {
    let host = Host::of(&request.path);
    let answer = admitted(world, request, now).and_then(|()| match host {
        Host::Exports => {
            let answer = exports::answer(world, request);
            if answer.is_err() {
                world.rates().forgive_export();
            }
            answer
        }
        Host::Main | Host::Control => lists::answer(world, request),
    });
    match answer {
        Ok(answer) => Verdict {
            answer,
            refused: None,
        },
        Err(refusal) => Verdict {
            refused: Some(refusal.rule),
            answer: refused(&world.switches, host, &refusal),
        },
    }
}

/// In what form the request carries the token.
pub fn authorization(request: &Request, token: &str) -> Authorization {
    let Some(value) = request.header("authorization") else {
        return Authorization::None;
    };
    let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
    if value == token {
        Authorization::Bare
    } else if scheme.eq_ignore_ascii_case("bearer") && credentials == token {
        Authorization::Bearer
    } else if scheme.eq_ignore_ascii_case("basic")
        && credentials == base64::encoded(format!("bearer:{token}").as_bytes())
    {
        Authorization::Basic
    } else {
        Authorization::Wrong
    }
}

fn admitted(world: &World, request: &Request, now: Instant) -> Result<(), Refusal> {
    known_path(request)?;
    read_only(request)?;
    valid_token(world, request)?;
    sufficient_rights(&world.switches, request)?;
    within_rate(world, request, now)
}

/// A path that is not there is 404 with this message (dixa-api.md 2.2: SPEC).
fn known_path(request: &Request) -> Result<(), Refusal> {
    if Host::of(&request.path) == Host::Exports || lists::is_known(&request.path) {
        return Ok(());
    }
    Err(Refusal::new(
        404,
        "unknown path",
        "The requested resource could not be found",
    ))
}

/// The exports take only GET (dixa-api.md 1.1: B), and of the main API only reading is simulated. The status is HTTP's own.
fn read_only(request: &Request) -> Result<(), Refusal> {
    if request.method == "GET" {
        return Ok(());
    }
    Err(Refusal::new(405, "method", "Method Not Allowed"))
}

/// Exports: `Bearer <token>` (dixa-api.md 1.3: A, lower case B) or Basic with the user `bearer` (A, TAP); a bare token is in
/// no source and refused. Main API: the bare token (2.1: A); `Bearer` by switch. Else 401 "Unauthorized" (2.2: W6W's probe).
fn valid_token(world: &World, request: &Request) -> Result<(), Refusal> {
    let form = authorization(request, &world.token);
    let accepted = match Host::of(&request.path) {
        Host::Exports => matches!(form, Authorization::Bearer | Authorization::Basic),
        Host::Main | Host::Control => {
            form == Authorization::Bare
                || form == Authorization::Bearer && world.switches.bearer_on_main
        }
    };
    if accepted {
        return Ok(());
    }
    Err(Refusal::new(401, "token", "Unauthorized"))
}

/// The right token with too few rights: 401 as for a bad token (dixa-api.md 2.2: W6W, C), or 403 (PH), by switch.
fn sufficient_rights(switches: &Switches, request: &Request) -> Result<(), Refusal> {
    let forbidden = switches
        .forbidden
        .iter()
        .find(|forbidden| request.path.starts_with(&forbidden.on));
    forbidden.map_or(Ok(()), |forbidden| {
        let message = if forbidden.status == 401 {
            "Unauthorized"
        } else {
            "Forbidden"
        };
        Err(Refusal::new(forbidden.status, "rights", message))
    })
}

/// Above the rate: 429 (dixa-api.md 1.4: B; 2.1: A). See `Limits` for the numbers.
fn within_rate(world: &World, request: &Request, now: Instant) -> Result<(), Refusal> {
    let (rule, wait) = match Host::of(&request.path) {
        Host::Exports => ("exports rate", world.rates().export(now)),
        Host::Main | Host::Control => ("main rate", world.rates().main(now)),
    };
    wait.map_err(|wait| Refusal {
        retry_after: Some(wait),
        ..Refusal::new(429, rule, "Too Many Requests")
    })
}

fn refused(switches: &Switches, host: Host, refusal: &Refusal) -> Answer {
    let mut answer = if host == Host::Exports {
        exports_error(switches.error_body, refusal)
    } else {
        Answer::message(refusal.status, refusal.message)
    };
    if let Some(wait) = refusal.retry_after {
        answer
            .headers
            .extend(retry_after(switches.retry_after, wait));
    }
    answer
}

/// The body of an exports error is in no source (dixa-api.md 1.4: `?`), hence the three forms.
fn exports_error(form: ErrorBody, refusal: &Refusal) -> Answer {
    let Refusal {
        status, message, ..
    } = *refusal;
    match form {
        ErrorBody::Json => Answer::message(status, message),
        ErrorBody::PlainText => Answer::new(
            status,
            "text/plain; charset=UTF-8",
            Body::Bytes(message.as_bytes().to_vec()),
        ),
        ErrorBody::Html => {
            let page = format!("<html><body><h1>{status} {message}</h1></body></html>\n");
            Answer::new(status, "text/html", Body::Bytes(page.into_bytes()))
        }
    }
}

fn retry_after(form: RetryAfter, wait: Duration) -> Option<(String, String)> {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let value = match form {
        RetryAfter::None => return None,
        RetryAfter::Seconds => seconds.to_string(),
        RetryAfter::HttpDate => {
            // A date has whole seconds, so one more is needed to be late enough.
            let later = i64::try_from(seconds)
                .map_or(i64::MAX, |seconds| (seconds + 1).saturating_mul(1000));
            http_date(now_ms().saturating_add(later))
        }
    };
    Some(("Retry-After".to_owned(), value))
}
