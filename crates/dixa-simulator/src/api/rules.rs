//! What Dixa refuses on both hosts: paths, methods, tokens, rights, rates. The rest is in `exports`, `lists` and `analytics`.

use std::time::{Duration, Instant};

use super::authorization::Authorization;
use super::dixa::Dixa;
use super::endpoints::METRIC_RECORDS;
use super::host::Host;
use super::refusal::Refusal;
use super::request::Request;
use super::response::{Body, Response};
use super::switches::{ErrorBody, RetryAfter, Switches};
use super::{analytics, exports, lists};
use crate::data::clock::{http_date, now_ms};

/// A response, and the rule's name if it is a refusal.
pub struct Verdict {
    pub response: Response,
    pub refused: Option<&'static str>,
}

/// The response that Dixa would give to a request that arrived at `now`.
pub fn judge(dixa: &Dixa, request: &Request, now: Instant) -> Verdict {
    let host = Host::of(&request.path);
    let outcome = admitted(dixa, request, now).and_then(|()| match host {
        Host::Exports => {
            let outcome = exports::respond(dixa, request);
            if outcome.is_err() {
                dixa.rate_limiter().uncount_export();
            }
            outcome
        }
        Host::Main | Host::Control if request.method == "POST" => analytics::respond(dixa, request),
        Host::Main | Host::Control => lists::respond(dixa, request),
    });
    match outcome {
        Ok(response) => Verdict {
            response,
            refused: None,
        },
        Err(refusal) => Verdict {
            refused: Some(refusal.rule),
            response: refusal_response(&dixa.switches, host, &refusal),
        },
    }
}

fn admitted(dixa: &Dixa, request: &Request, now: Instant) -> Result<(), Refusal> {
    known_path(request)?;
    known_method(request)?;
    valid_token(dixa, request)?;
    sufficient_rights(&dixa.switches, request)?;
    within_rate(dixa, request, now)
}

/// A path that does not exist gets the 404 of an id that does not (docs/dixa-api.md 2.2: `?`; the
/// message is SPEC's).
fn known_path(request: &Request) -> Result<(), Refusal> {
    if Host::of(&request.path) == Host::Exports || lists::is_known(&request.path) {
        return Ok(());
    }
    Err(Refusal::not_found())
}

/// The exports take only GET (docs/dixa-api.md 1.1: B), and of the main API only reading is
/// simulated, for which one endpoint takes POST (2.8: SPEC). The status is HTTP's own.
fn known_method(request: &Request) -> Result<(), Refusal> {
    let is_query = request.method == "POST" && request.path == METRIC_RECORDS;
    if request.method == "GET" || is_query {
        return Ok(());
    }
    Err(Refusal::new(405, "method", "Method Not Allowed"))
}

/// Exports: `Bearer <token>` (docs/dixa-api.md 1.3: A, lower case C) or Basic with the user
/// `bearer` (A, TAP); no source mentions a bare token, so it is refused. Main API: the bare token (2.1: A);
/// `Bearer` by switch. Else 401 "Unauthorized" (2.2: W6W's probe).
fn valid_token(dixa: &Dixa, request: &Request) -> Result<(), Refusal> {
    let form = Authorization::of(request, &dixa.token);
    let accepted = match Host::of(&request.path) {
        Host::Exports => matches!(form, Authorization::Bearer | Authorization::Basic),
        Host::Main | Host::Control => {
            form == Authorization::Bare
                || form == Authorization::Bearer && dixa.switches.bearer_on_main
        }
    };
    if accepted {
        return Ok(());
    }
    Err(Refusal::new(401, "token", "Unauthorized"))
}

/// The correct token without the permission: 401 as for a bad token (docs/dixa-api.md 2.2: W6W, C), or
/// 403 (PH), by switch.
fn sufficient_rights(switches: &Switches, request: &Request) -> Result<(), Refusal> {
    let forbidden = switches
        .forbidden
        .iter()
        .find(|forbidden| request.path.starts_with(&forbidden.path_prefix));
    forbidden.map_or(Ok(()), |forbidden| {
        let message = if forbidden.status == 401 {
            "Unauthorized"
        } else {
            "Forbidden"
        };
        Err(Refusal::new(forbidden.status, "rights", message))
    })
}

/// See `Limits` for the numbers.
fn within_rate(dixa: &Dixa, request: &Request, now: Instant) -> Result<(), Refusal> {
    let (rule, wait) = match Host::of(&request.path) {
        Host::Exports => ("exports rate", dixa.rate_limiter().count_export(now)),
        Host::Main | Host::Control => ("main rate", dixa.rate_limiter().count_main(now)),
    };
    wait.map_err(|wait| Refusal::rate_limited(rule, wait))
}

fn refusal_response(switches: &Switches, host: Host, refusal: &Refusal) -> Response {
    let mut response = if host == Host::Exports {
        exports_error(switches.error_body, refusal)
    } else {
        Response::message(refusal.status, refusal.message)
    };
    if let Some(wait) = refusal.retry_after {
        let header = retry_after(switches.retry_after, wait);
        response.headers.extend(header);
    }
    response
}

/// No source shows the body of an exports error (docs/dixa-api.md 1.4: `?`), hence the three forms.
fn exports_error(form: ErrorBody, refusal: &Refusal) -> Response {
    let Refusal {
        status, message, ..
    } = *refusal;
    match form {
        ErrorBody::Json => Response::message(status, message),
        ErrorBody::PlainText => Response::new(
            status,
            "text/plain; charset=UTF-8",
            Body::Bytes(message.as_bytes().to_vec()),
        ),
        ErrorBody::Html => {
            let page = format!("<html><body><h1>{status} {message}</h1></body></html>\n");
            Response::new(status, "text/html", Body::Bytes(page.into_bytes()))
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
