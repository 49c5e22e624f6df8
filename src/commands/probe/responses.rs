//! What all responses have in common: statuses, headers, encodings, clocks, times to the first byte, and sizes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use serde_json::{Map, Value, json};

use crate::commands::probe::records::Records;
use crate::commands::probe::report::Answer;
use crate::dixa::host::Host;
use crate::dixa::response::Response;
use crate::dixa::retry_budget::RetryBudget;
use crate::epoch::EpochMs;

/// Names of headers that may be shown; others are only counted, since a name may hold data.
const WELL_KNOWN: &[&str] = &[
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "age",
    "alt-svc",
    "apigw-requestid",
    "cache-control",
    "cf-cache-status",
    "cf-ray",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "link",
    "nel",
    "pragma",
    "ratelimit-limit",
    "ratelimit-policy",
    "ratelimit-remaining",
    "ratelimit-reset",
    "referrer-policy",
    "report-to",
    "retry-after",
    "server",
    "server-timing",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "vary",
    "via",
    "www-authenticate",
    "x-amz-apigw-id",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "x-cache",
    "x-content-type-options",
    "x-envoy-upstream-service-time",
    "x-frame-options",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
    "x-xss-protection",
];

/// Clocks that differ by less than this agree: `Date` has whole seconds, and a response takes a moment.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// What all responses had in common.
#[derive(Default)]
pub struct ResponseLog {
    responses: u64,
    with_date: u64,
    /// Dixa's clock less this machine's, by the last response.
    ahead: Option<i64>,
    statuses: BTreeMap<String, u64>,
    headers: BTreeSet<&'static str>,
    other_headers: BTreeSet<String>,
    encodings: BTreeMap<&'static str, u64>,
    retry_after: BTreeMap<&'static str, u64>,
    first_bytes: BTreeMap<&'static str, Vec<Duration>>,
    largest: BTreeMap<&'static str, u64>,
    indented: u64,
    bodies: u64,
}

fn key(host: Host) -> &'static str {
    match host {
        Host::Exports => "exports",
        Host::Api => "main_api",
    }
}

impl ResponseLog {
    /// Takes note of a response that arrived at this machine's `now`.
    pub fn add(&mut self, response: &Response<'_>, now: EpochMs) {
        let head = &response.head;
        self.responses += 1;
        let status = format!("{} {}", key(head.host), head.status);
        *self.statuses.entry(status).or_default() += 1;
        let times = self.first_bytes.entry(key(head.host)).or_default();
        times.push(head.time_to_first_byte);
        if let Some(date) = head.date {
            self.with_date += 1;
            self.ahead = Some(date.0.saturating_sub(now.0));
        }
        let encoding = match head.encoding.as_deref() {
            None => "none",
            Some("gzip") => "gzip",
            Some(_) => "other",
        };
        *self.encodings.entry(encoding).or_default() += 1;
        if head.status == 429 {
            let form = retry_after_form(response.headers());
            *self.retry_after.entry(form).or_default() += 1;
        }
        for name in response.headers().keys() {
            match WELL_KNOWN.iter().find(|known| *known == name) {
                Some(known) => drop(self.headers.insert(known)),
                None => drop(self.other_headers.insert(name.as_str().to_owned())),
            }
        }
    }

    /// Whether a host has sent any response.
    pub fn has_response(&self, host: Host) -> bool {
        self.first_bytes.contains_key(key(host))
    }

    /// Takes note of a body that was read to its end.
    pub fn add_body(&mut self, host: Host, records: &Records) {
        let largest = self.largest.entry(key(host)).or_default();
        *largest = records.bytes.max(*largest);
        if !records.seen.is_empty() {
            self.bodies += 1;
            self.indented += u64::from(records.is_indented);
        }
    }

    /// What is not the answer to a question.
    pub fn overview(&self) -> Map<String, Value> {
        let mut overview = Map::new();
        overview.insert("statuses".to_owned(), json!(self.statuses));
        overview.insert("headers".to_owned(), json!(self.headers));
        overview.insert("other_headers".to_owned(), self.other_headers.len().into());
        overview.insert("largest_body_in_bytes".to_owned(), json!(self.largest));
        overview
    }

    pub fn date_header(&self) -> Answer {
        let answer = Answer::new(
            "date_header",
            "Does every response have a `Date`, and is that clock right?",
            "2.1",
        )
        .found("responses", self.responses)
        .found("with_date", self.with_date);
        let machine = "The connector then relies on the clock of the machine that it runs on, and `lookback_minutes` must cover its error.";
        let Some(ahead) = self.ahead else {
            return answer.differs("no response says what time it is", machine);
        };
        let off = Duration::from_millis(ahead.unsigned_abs());
        let answer = answer.found("dixa_compared_with_this_machine", compared(ahead, off));
        if self.with_date < self.responses {
            return answer.differs("some responses do not say what time it is", machine);
        }
        if off <= CLOCK_TOLERANCE {
            return answer.holds("both clocks agree");
        }
        answer.differs(
            "the clocks of Dixa and of this machine differ",
            "No position passes Dixa's clock, so nothing is lost. If this machine's clock is behind, set it: the newest records are otherwise read later.",
        )
    }

    pub fn retry_after(&self) -> Answer {
        let answer = Answer::new(
            "retry_after",
            "Does a 429 say how long to wait (`Retry-After`)?",
            "doubt 5",
        )
        .found("forms", json!(self.retry_after));
        if self.retry_after.is_empty() {
            return answer
                .not_settled("no request was rate-limited, and the probe does not provoke it");
        }
        answer.holds(
            "a wait in seconds or as a date is kept; without one the connector waits a minute on the exports, and 1, 2, 4 … 60 seconds on the main API",
        )
    }

    pub fn encodings(&self) -> Answer {
        let answer = Answer::new(
            "encodings",
            "Are responses compressed, and are they indented?",
            "1.1",
        )
        .found("encodings", json!(self.encodings))
        .found("bodies_with_records", self.bodies)
        .found("indented_bodies", self.indented);
        if self.encodings.contains_key("other") {
            return answer.differs(
                "some responses have an encoding that was not requested",
                "The connector reads bodies without compression and with gzip, and fails for any other.",
            );
        }
        answer.holds("bodies without compression and with gzip are read, indented or not")
    }

    pub fn time_to_first_byte(&self) -> Answer {
        let mut answer = Answer::new(
            "time_to_first_byte",
            "How long does a response take to begin?",
            "1.5",
        );
        let mut is_slow = false;
        for (host, patience) in [
            (Host::Exports, RetryBudget::READ.exports_first_byte),
            (Host::Api, RetryBudget::READ.api_first_byte),
        ] {
            let mut times = self.first_bytes.get(key(host)).cloned().unwrap_or_default();
            times.sort();
            let Some(longest) = times.last() else {
                continue;
            };
            let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let median = times[times.len() / 2];
            is_slow |= *longest > patience / 2;
            answer = answer.found(
                key(host),
                json!({"median_ms": ms(median), "longest_ms": ms(*longest)}),
            );
        }
        if is_slow {
            return answer.differs(
                "some response took more than half of the time that the connector waits",
                "A window whose response does not begin within five minutes is tried again and then halved.",
            );
        }
        answer.holds("the connector waits five minutes on the exports, and one on the main API")
    }
}

fn retry_after_form(headers: &HeaderMap) -> &'static str {
    let Some(value) = headers.get(header::RETRY_AFTER) else {
        return "absent";
    };
    let text = value.to_str().unwrap_or_default().trim();
    if !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        "seconds"
    } else if EpochMs::parse_http(text).is_some() {
        "date"
    } else {
        "other"
    }
}

/// A difference between clocks, in rough words.
fn compared(ahead: i64, off: Duration) -> String {
    if off <= CLOCK_TOLERANCE {
        return "agrees within 5 seconds".to_owned();
    }
    let direction = if ahead > 0 { "ahead" } else { "behind" };
    format!("{direction} by {}", rough(off))
}

/// A duration in rough words.
pub fn rough(span: Duration) -> &'static str {
    match span.as_secs() {
        0..60 => "less than a minute",
        60..300 => "1 to 5 minutes",
        300..900 => "5 to 15 minutes",
        900..1800 => "15 to 30 minutes",
        1800..3600 => "30 to 60 minutes",
        3600..86_400 => "1 to 24 hours",
        _ => "more than a day",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_told_by_its_form_only() {
        for (value, expected) in [
            ("7", "seconds"),
            ("0.5", "seconds"),
            ("Sun, 06 Nov 1994 08:49:37 GMT", "date"),
            ("soon", "other"),
            ("", "other"),
        ] {
            let value = value.parse().unwrap();
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, value)]);
            assert_eq!(retry_after_form(&headers), expected);
        }
        assert_eq!(retry_after_form(&HeaderMap::new()), "absent");
    }

    #[test]
    fn clocks_are_compared_in_rough_words() {
        for (ahead, expected) in [
            (-4_000, "agrees within 5 seconds"),
            (-6_000, "behind by less than a minute"),
            (90_000, "ahead by 1 to 5 minutes"),
            (-86_400_000, "behind by more than a day"),
        ] {
            let off = Duration::from_millis(i64::unsigned_abs(ahead));
            assert_eq!(compared(ahead, off), expected);
        }
    }
}
