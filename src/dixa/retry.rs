//! Again or not, and after how long: one table and one schedule.

use std::time::Duration;

use crate::dixa::Host;
use crate::dixa::error::{BodyFault, Error, Phase};

/// What to do about a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Again,
    /// It was not Dixa's fault, so it is no try.
    Anew,
    /// The rate limit: the host rests, and the request is made again without being counted as a try.
    Pause,
    Stop,
}

/// The table.
pub fn verdict(error: &Error) -> Verdict {
    match error {
        Error::Status { status: 429, .. } => Verdict::Pause,
        Error::Status {
            status: 408 | 500..=599,
            ..
        }
        | Error::Unreachable { .. }
        | Error::TimedOut { .. }
        | Error::Cut { .. } => Verdict::Again,
        Error::KeptWaiting { .. } => Verdict::Anew,
        Error::Body { fault, .. } if fault.lasts() => Verdict::Stop,
        Error::Body { .. } => Verdict::Again,
        Error::Status { .. }
        | Error::RateLimited { .. }
        | Error::ForeignLink { .. }
        | Error::RepeatedLink { .. }
        | Error::NoCertificates
        | Error::Client { .. }
        | Error::Closed => Verdict::Stop,
    }
}

/// The error may be for the size of what was asked, so that asking for less may help.
pub fn is_for_size(error: &Error) -> bool {
    matches!(
        error,
        Error::Status {
            status: 408 | 500 | 502 | 504,
            ..
        } | Error::TimedOut {
            phase: Phase::FirstByte | Phase::Body,
            ..
        } | Error::Cut { .. }
            | Error::Body {
                fault: BodyFault::Unfinished,
                ..
            }
    )
}

/// How long to bear with Dixa.
pub struct Patience {
    pub tries: u32,
    /// Of the tries, so many may fail for the size of what was asked.
    pub tries_for_size: u32,
    exports_first_byte: Duration,
    api_first_byte: Duration,
    pub between_bytes: Duration,
    /// From one record to the next, or to the body's end.
    pub between_records: Duration,
    /// For a body from its first byte to its last.
    pub whole_body: Duration,
    /// The longest pause that a 429 may ask for.
    longest_pause: Duration,
    /// So many 429 are waited out.
    pub pauses: u32,
    /// After so long of nothing but 429 it is an error.
    pub rate_limited: Duration,
}

impl Patience {
    /// A sync has time, and much to lose.
    pub const READ: Self = Self {
        tries: 6,
        tries_for_size: 6,
        exports_first_byte: Duration::from_secs(300),
        api_first_byte: Duration::from_secs(60),
        between_bytes: Duration::from_secs(60),
        between_records: Duration::from_secs(10 * 60),
        whole_body: Duration::from_secs(24 * 60 * 60),
        longest_pause: Duration::from_secs(15 * 60),
        pauses: u32::MAX,
        rate_limited: Duration::from_secs(30 * 60),
    };

    /// A window that can be asked for in halves is, after three tries that failed for its size.
    pub const WINDOW: Self = Self {
        tries_for_size: 3,
        ..Self::READ
    };

    /// So is a half, after two.
    pub const HALF: Self = Self {
        tries_for_size: 2,
        ..Self::READ
    };

    /// Somebody looks at a form: one 429 is waited out, anything else takes less than a minute.
    pub const CHECK: Self = Self {
        tries: 3,
        tries_for_size: 3,
        exports_first_byte: Duration::from_secs(13),
        api_first_byte: Duration::from_secs(13),
        between_bytes: Duration::from_secs(4),
        between_records: Duration::from_secs(5),
        whole_body: Duration::from_secs(5),
        longest_pause: Duration::from_secs(90),
        pauses: 1,
        rate_limited: Duration::from_secs(2 * 60),
    };

    pub fn first_byte(&self, host: Host) -> Duration {
        match host {
            Host::Exports => self.exports_first_byte,
            Host::Api => self.api_first_byte,
        }
    }

    /// How long the host rests after a 429: as it says, else a minute and a bit. `jitter` is in [0, 1).
    pub fn pause(&self, retry_after: Option<Duration>, jitter: f64) -> Duration {
        let unsaid = Duration::from_secs(60).mul_f64(1.0 + jitter / 10.0);
        let said = retry_after.map(|said| said.max(Duration::from_secs(1)));
        said.unwrap_or(unsaid).min(self.longest_pause)
    }
}

/// The wait after so many failed tries: about 1, 2, 4 … 32 s. `jitter` is in [0, 1).
pub fn wait(tries: u32, jitter: f64) -> Duration {
    let doubled = 1_u32 << tries.saturating_sub(1).min(5);
    Duration::from_secs(1).mul_f64(f64::from(doubled) * (0.75 + jitter / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_status(status: u16) -> Verdict {
        verdict(&Error::Status {
            host: Host::Exports,
            status,
            retry_after: None,
        })
    }

    /// `300-407 Stop` and so on: every status that is not success.
    fn ranges() -> Vec<String> {
        let mut ranges: Vec<(u16, u16, Verdict)> = Vec::new();
        for status in 300..=599 {
            match ranges.last_mut() {
                Some((_, last, verdict)) if *verdict == of_status(status) => *last = status,
                _ => ranges.push((status, status, of_status(status))),
            }
        }
        ranges
            .into_iter()
            .map(|(first, last, verdict)| format!("{first}-{last} {verdict:?}"))
            .collect()
    }

    #[test]
    fn these_statuses_are_tried_again() {
        insta::assert_snapshot!(ranges().join("\n"), @r"
        300-407 Stop
        408-408 Again
        409-428 Stop
        429-429 Pause
        430-499 Stop
        500-599 Again
        ");
    }

    #[test]
    fn waits_double_up_to_half_a_minute() {
        let seconds: Vec<_> = (1..=8).map(|tries| wait(tries, 0.5).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 32, 32]);
        assert!(
            wait(1, 0.0) >= Duration::from_millis(750)
                && wait(1, 0.999) <= Duration::from_millis(1250)
        );
    }

    #[test]
    fn a_pause_lasts_as_dixa_says_within_reason() {
        let seconds = |patience: &Patience, said: Option<u64>| {
            patience.pause(said.map(Duration::from_secs), 0.5).as_secs()
        };
        assert_eq!(seconds(&Patience::READ, Some(7)), 7);
        assert_eq!(seconds(&Patience::READ, Some(0)), 1);
        assert_eq!(seconds(&Patience::READ, Some(86_400)), 900);
        assert_eq!(seconds(&Patience::READ, None), 63);
        assert_eq!(seconds(&Patience::CHECK, Some(600)), 90);
    }
}
