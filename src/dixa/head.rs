//! The head of an answer: what it says beside its body.

use std::time::Duration;

use reqwest::Response;
use reqwest::header;

use crate::dixa::Host;
use crate::dixa::client::Request;
use crate::epoch::EpochMs;

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    pub host: Host,
    pub path: String,
    pub status: u16,
    /// Dixa's clock, from the `Date` header, whole seconds.
    pub date: Option<EpochMs>,
    pub retry_after: Option<Duration>,
    pub encoding: Option<String>,
    /// From sending to here.
    pub first_byte: Duration,
}

impl Head {
    pub fn of(request: &Request, response: &Response, first_byte: Duration) -> Self {
        let text = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let date = text(header::DATE).and_then(EpochMs::parse_http);
        Self {
            host: request.host,
            path: request.path().to_owned(),
            status: response.status().as_u16(),
            date,
            retry_after: text(header::RETRY_AFTER).and_then(|value| retry_after(value, date)),
            encoding: text(header::CONTENT_ENCODING).map(str::to_owned),
            first_byte,
        }
    }

    /// Dixa's time when the request was sent, or a little before it.
    pub fn asked_at(&self) -> Option<EpochMs> {
        self.date.map(|date| date.minus(self.first_byte))
    }
}

/// `Retry-After` in seconds, or as a date, which counts from the answer's own `Date`.
fn retry_after(value: &str, date: Option<EpochMs>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(EpochMs::parse_http(value)?.since(date.unwrap_or_else(EpochMs::now)))
}
