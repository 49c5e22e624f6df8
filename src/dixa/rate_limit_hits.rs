//! Classifies 429s: whether they affect a whole host or a single endpoint, how many arrived in a row, and since when.
//! Arithmetic on instants; never waits.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// The 429s of one host, with at most one entry per endpoint.
#[derive(Default)]
pub struct RateLimitHits {
    endpoints: HashMap<String, Series>,
    host: Streak,
}

/// Consecutive 429s. Those of requests that were in flight at the same time count once.
#[derive(Clone, Copy, Default)]
struct Streak {
    count: u32,
    last: Option<Instant>,
}

/// The 429s of one endpoint since it last accepted a request.
struct Series {
    since: Instant,
    streak: Streak,
    /// Another endpoint has accepted a request since the last 429 of this one.
    others_accept: bool,
    is_endpoint_only: bool,
}

/// A 429 and the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimitHit {
    /// Only this endpoint is rate-limited: the host accepts requests to others.
    pub is_endpoint_only: bool,
    /// The number of 429s in a row, including this one.
    pub count: u32,
    /// How long the endpoint has responded with nothing but 429.
    pub duration: Duration,
}

impl RateLimitHit {
    /// A 429 that is not part of a series.
    pub const FIRST: Self = Self {
        is_endpoint_only: false,
        count: 1,
        duration: Duration::ZERO,
    };
}

impl Streak {
    /// Counts a 429 received at `now` for a request sent at `sent`; `false` if it belongs to the previous one.
    fn count(&mut self, sent: Instant, now: Instant) -> bool {
        let is_next = self.last.is_none_or(|last| sent >= last);
        if is_next {
            self.count = self.count.saturating_add(1);
        }
        self.last = Some(now);
        is_next
    }
}

impl RateLimitHits {
    /// Records a 429 received at `now` for a request sent at `sent`. The first one affects the whole host. Another one, after a
    /// different endpoint has accepted a request in between, affects this endpoint alone.
    pub fn refused(&mut self, endpoint: &str, sent: Instant, now: Instant) -> RateLimitHit {
        let series = self
            .endpoints
            .entry(endpoint.to_owned())
            .or_insert_with(|| Series {
                since: now,
                streak: Streak::default(),
                others_accept: false,
                is_endpoint_only: false,
            });
        if series.streak.count(sent, now) {
            series.is_endpoint_only |= std::mem::take(&mut series.others_accept);
        }
        let count = if series.is_endpoint_only {
            series.streak.count
        } else {
            self.host.count(sent, now);
            self.host.count
        };
        RateLimitHit {
            is_endpoint_only: series.is_endpoint_only,
            count,
            duration: now - series.since,
        }
    }

    /// Records any response other than 429 to a request sent at `sent`.
    pub fn accepted(&mut self, endpoint: &str, sent: Instant) {
        self.endpoints.remove(endpoint);
        self.host = Streak::default();
        for series in self.endpoints.values_mut() {
            series.others_accept |= series.streak.last.is_some_and(|last| sent >= last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An endpoint refuses or accepts a request that was sent at this second.
    enum Response {
        Refused(&'static str, u64),
        Accepted(&'static str, u64),
    }
    use Response::{Accepted, Refused};

    /// Replays responses, each with the second of its arrival. Returns for each hit whether it affects the endpoint alone,
    /// its count, and how long the 429s have lasted.
    fn refusals(responses: &[(u64, Response)]) -> Vec<(bool, u32, u64)> {
        let begin = Instant::now();
        let at = |second: u64| begin + Duration::from_secs(second);
        let mut rate_limit_hits = RateLimitHits::default();
        let mut found = Vec::new();
        for (now, response) in responses {
            match response {
                Refused(endpoint, sent) => {
                    let hit = rate_limit_hits.refused(endpoint, at(*sent), at(*now));
                    found.push((hit.is_endpoint_only, hit.count, hit.duration.as_secs()));
                }
                Accepted(endpoint, sent) => rate_limit_hits.accepted(endpoint, at(*sent)),
            }
        }
        found
    }

    #[test]
    fn the_first_refusal_affects_the_host_and_one_after_another_endpoint_accepts_the_endpoint_alone()
     {
        let responses = [
            (1, Refused("a", 0)),
            (3, Accepted("b", 2)),
            (4, Refused("a", 3)),
            (6, Refused("a", 5)),
            (7, Refused("b", 6)),
        ];
        let expected = [(false, 1, 0), (true, 2, 3), (true, 3, 5), (false, 1, 0)];
        assert_eq!(refusals(&responses), expected);
    }

    #[test]
    fn a_host_that_refuses_every_endpoint_is_never_blamed_on_one() {
        let responses = [
            (1, Refused("a", 0)),
            (2, Refused("b", 1)),
            (3, Refused("a", 2)),
            (4, Refused("b", 3)),
        ];
        let expected = [(false, 1, 0), (false, 2, 0), (false, 3, 2), (false, 4, 2)];
        assert_eq!(refusals(&responses), expected);
    }

    #[test]
    fn responses_to_requests_sent_before_a_refusal_change_nothing() {
        let responses = [
            (1, Refused("a", 0)),
            (2, Refused("a", 0)),
            (2, Accepted("b", 0)),
            (4, Refused("a", 3)),
        ];
        let expected = [(false, 1, 0), (false, 1, 1), (false, 1, 3)];
        assert_eq!(refusals(&responses), expected);
    }

    #[test]
    fn an_accepted_request_ends_the_refusals_of_its_endpoint() {
        let responses = [
            (1, Refused("a", 0)),
            (3, Accepted("b", 2)),
            (4, Refused("a", 3)),
            (6, Accepted("a", 5)),
            (8, Refused("a", 7)),
        ];
        let expected = [(false, 1, 0), (true, 2, 3), (false, 1, 0)];
        assert_eq!(refusals(&responses), expected);
    }
}
