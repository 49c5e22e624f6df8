//! A response: its head, and its body as it arrives.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{self, HeaderMap};
use tokio::time::{Instant, timeout_at};

use crate::dixa::concurrency::Permit;
use crate::dixa::connect_error::error_chain;
use crate::dixa::error::{Error, Phase};
use crate::dixa::gzip::Decoder;
use crate::dixa::host::Host;
use crate::dixa::request::Request;
use crate::epoch::EpochMs;

/// The longest time to wait that Dixa may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// The head of a response.
#[derive(Debug)]
pub struct ResponseHead {
    pub host: Host,
    pub path: String,
    pub status: u16,
    /// Dixa's clock, from the `Date` header, whole seconds.
    pub date: Option<EpochMs>,
    /// At most a quarter of an hour.
    pub retry_after: Option<Duration>,
    pub encoding: Option<String>,
    /// From sending the request to the arrival of this head.
    pub time_to_first_byte: Duration,
}

impl ResponseHead {
    pub fn of(
        request: &Request,
        response: &reqwest::Response,
        time_to_first_byte: Duration,
    ) -> Self {
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
            encoding: encoding(response.headers()),
            time_to_first_byte,
        }
    }

    /// Dixa's time when the request was sent, or a little before it.
    pub fn server_time_when_sent(&self) -> Option<EpochMs> {
        self.date.map(|date| date.minus(self.time_to_first_byte))
    }
}

/// All values of `Content-Encoding`; what is not text is replaced.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    values
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .reduce(|all, value| format!("{all}, {value}"))
}

/// `Retry-After` in seconds, with or without a fraction, or as a date, which counts from the response's own `Date`. A
/// time that is too long is capped; anything else is ignored.
fn retry_after(value: &str, date: Option<EpochMs>) -> Option<Duration> {
    let value = value.trim();
    let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let after = if value.bytes().all(is_number) {
        let seconds = value.parse().ok()?;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    } else {
        EpochMs::parse_http(value)?.since(date.unwrap_or_else(EpochMs::now))
    };
    Some(after.min(LONGEST_WAIT))
}

/// A response whose body is still to be read.
pub struct Response<'a> {
    pub(super) _permit: Permit<'a>,
    pub head: ResponseHead,
    pub(super) body: reqwest::Response,
    pub decoder: Decoder,
    pub(super) between_bytes: Duration,
    pub(super) between_records: Duration,
    pub(super) record_due: Instant,
    pub(super) whole_body: Duration,
    pub(super) deadline: Instant,
}

impl Response<'_> {
    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        self.body.headers()
    }

    /// The next bytes on the wire; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let host = self.head.host;
        let bytes_due = Instant::now() + self.between_bytes;
        let due = bytes_due.min(self.record_due).min(self.deadline);
        match timeout_at(due, self.body.chunk()).await {
            Err(_) if due == self.deadline => Err(Error::TimedOut {
                host,
                phase: Phase::Whole,
                after: self.whole_body,
            }),
            Err(_) if due == self.record_due => Err(Error::TimedOut {
                host,
                phase: Phase::Record,
                after: self.between_records,
            }),
            Err(_) => Err(Error::TimedOut {
                host,
                phase: Phase::Body,
                after: self.between_bytes,
            }),
            Ok(Err(error)) => Err(Error::Cut {
                host,
                cause: error_chain(&error.without_url()),
            }),
            Ok(Ok(chunk)) => Ok(chunk),
        }
    }

    /// A record arrived: the next one is due.
    pub fn record_received(&mut self) {
        self.record_due = Instant::now() + self.between_records;
    }

    /// We were slow ourselves, for this long: Dixa gets that much more time.
    pub fn extend_deadlines(&mut self, delay: Duration) {
        self.record_due += delay;
        self.deadline += delay;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_wait_is_read_in_every_form_and_garbage_is_ignored() {
        let date = EpochMs::parse_http("Sun, 06 Nov 1994 08:49:37 GMT");
        let huge = "9".repeat(400);
        for (value, expected) in [
            ("0", Some(0.0)),
            ("7", Some(7.0)),
            (" 7 ", Some(7.0)),
            ("1.5", Some(1.5)),
            ("0.25", Some(0.25)),
            ("901", Some(900.0)),
            ("99999999999999999999", Some(900.0)),
            (&huge, Some(900.0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10.0)),
            ("Sunday, 06-Nov-94 08:49:47 GMT", Some(10.0)),
            ("Sun Nov  6 08:49:47 1994", Some(10.0)),
            ("Sun, 06 Nov 1994 08:49:27 GMT", Some(0.0)),
            ("Sat, 06 Nov 2094 08:49:27 GMT", Some(900.0)),
            ("-1", None),
            ("-1.5", None),
            ("", None),
            (".", None),
            ("1.2.3", None),
            ("1e3", None),
            ("inf", None),
            ("NaN", None),
            ("+5", None),
            ("5s", None),
            ("5, 6", None),
            ("soon", None),
        ] {
            let expected = expected.map(Duration::from_secs_f64);
            assert_eq!(retry_after(value, date), expected, "{value}");
        }
    }
}
