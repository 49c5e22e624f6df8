//! The retry budget of a request: its time-outs, the number of attempts, and the waits between them. Pure arithmetic.

use std::time::Duration;

use crate::dixa::host::Host;

/// A retry budget, with the time-outs of each attempt.
pub struct RetryBudget {
    /// The maximum number of attempts.
    pub max_attempts: u32,
    /// The maximum number of attempts that may fail because the requested window or page may be too large.
    pub max_attempts_for_size: u32,
    /// The time-out for the first byte of a response, on the Exports API.
    pub exports_first_byte: Duration,
    /// The same on the main API.
    pub api_first_byte: Duration,
    /// The time-out from one chunk of the body to the next.
    pub between_bytes: Duration,
    /// The time-out from one record to the next, or to the end of the body.
    pub between_records: Duration,
    /// The time-out for the whole body.
    pub whole_body: Duration,
    /// The maximum number of pauses after 429s.
    pub max_pauses: u32,
    /// The maximum total of these pauses.
    pub max_total_pause: Duration,
    /// How long an endpoint may respond with nothing but 429 before the request fails.
    pub max_rate_limited: Duration,
    /// The maximum total of the waits before all other retries.
    pub max_total_backoff: Duration,
}

impl RetryBudget {
    /// For a sync, which has time, and much to lose.
    pub const READ: Self = Self {
        max_attempts: 6,
        max_attempts_for_size: 6,
        exports_first_byte: Duration::from_secs(300),
        api_first_byte: Duration::from_secs(60),
        between_bytes: Duration::from_secs(60),
        between_records: Duration::from_secs(10 * 60),
        whole_body: Duration::from_secs(24 * 60 * 60),
        max_pauses: u32::MAX,
        max_total_pause: Duration::MAX,
        max_rate_limited: Duration::from_secs(30 * 60),
        max_total_backoff: Duration::MAX,
    };

    /// For a window that can still be halved, which happens after three attempts that failed because of its size.
    pub const WINDOW: Self = Self {
        max_attempts_for_size: 3,
        ..Self::READ
    };

    /// For half of such a window, which is halved again after two.
    pub const HALF: Self = Self {
        max_attempts_for_size: 2,
        ..Self::READ
    };

    /// For `check`, where a person waits: one rate limit is waited out, and everything else takes less than a minute.
    pub const CHECK: Self = Self {
        max_attempts: 3,
        max_attempts_for_size: 3,
        exports_first_byte: Duration::from_secs(13),
        api_first_byte: Duration::from_secs(13),
        between_bytes: Duration::from_secs(4),
        between_records: Duration::from_secs(5),
        whole_body: Duration::from_secs(5),
        max_pauses: 3,
        max_total_pause: Duration::from_secs(90),
        max_rate_limited: Duration::from_secs(2 * 60),
        max_total_backoff: Duration::from_secs(12),
    };

    /// For `probe`, where a person waits, and one body may be a whole day of an export.
    pub const PROBE: Self = Self {
        exports_first_byte: Duration::from_secs(120),
        api_first_byte: Duration::from_secs(30),
        between_bytes: Duration::from_secs(30),
        between_records: Duration::from_secs(60),
        whole_body: Duration::from_secs(5 * 60),
        max_total_pause: Duration::from_secs(5 * 60),
        ..Self::CHECK
    };

    pub fn first_byte(&self, host: Host) -> Duration {
        match host {
            Host::Exports => self.exports_first_byte,
            Host::Api => self.api_first_byte,
        }
    }
}

/// How long to pause after this many 429s in a row: the time given by Dixa; otherwise a minute on the Exports API, whose limit is
/// per minute, or 1, 2, 4 … 60 s on the main API, whose limit is per second, plus up to a tenth. `jitter` is in [0, 1).
pub fn pause(
    host: Host,
    retry_after: Option<Duration>,
    rate_limit_hits: u32,
    jitter: f64,
) -> Duration {
    if let Some(retry_after) = retry_after {
        return retry_after.max(Duration::from_secs(1));
    }
    let seconds = match host {
        Host::Exports => 60,
        Host::Api => (1_u32 << rate_limit_hits.saturating_sub(1).min(6)).min(60),
    };
    Duration::from_secs(1).mul_f64(f64::from(seconds) * (1.0 + jitter / 10.0))
}

/// The wait after this many failed attempts: about 1, 2, 4 … s, 32 at most, and no shorter than Dixa's `Retry-After`. `jitter` is in
/// [0, 1).
pub fn backoff(tries: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
    let doubled = 1_u32 << tries.saturating_sub(1).min(5);
    let wait = Duration::from_secs(1).mul_f64(f64::from(doubled) * (0.75 + jitter / 2.0));
    wait.max(retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let seconds = (1..=8).map(|tries| backoff(tries, None, 0.5).as_secs());
        assert_eq!(seconds.collect::<Vec<_>>(), [1, 2, 4, 8, 16, 32, 32, 32]);
        assert!(
            backoff(1, None, 0.0) >= SECOND * 3 / 4 && backoff(1, None, 0.999) <= SECOND * 5 / 4
        );
    }

    #[test]
    fn no_retry_is_sooner_than_dixa_allows() {
        assert_eq!(backoff(1, Some(SECOND * 6), 0.5), SECOND * 6);
        assert_eq!(backoff(6, Some(SECOND * 6), 0.5), SECOND * 32);
    }

    #[test]
    fn a_pause_lasts_as_long_as_dixa_says_or_as_the_limit_of_the_host_requires() {
        let given = |host, seconds| pause(host, Some(SECOND * seconds), 9, 0.5).as_secs();
        assert_eq!((given(Host::Exports, 7), given(Host::Api, 0)), (7, 1));
        let default = |host| (1..=8).map(move |count| pause(host, None, count, 0.0).as_secs());
        assert!(default(Host::Exports).all(|seconds| seconds == 60));
        let seconds: Vec<_> = default(Host::Api).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pause(Host::Exports, None, 1, 0.5).as_secs(), 63);
    }
}
