//! The two rate limits: a rolling window on the exports, a bucket on the main API.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The rate limit of each host.
#[derive(Clone, Debug)]
pub struct Limits {
    pub exports: RollingWindow,
    pub main: TokenBucket,
    /// Whether an exports request refused for its rate or its parameters counts too. Nothing is known; counting is the
    /// stricter reading. One that is refused for its token or its rights never counts.
    pub refused_count: bool,
}

/// At most `count` requests within any `period`, over both export endpoints together
/// (docs/dixa-api.md 1.4: 10 per minute, B; the scope and that it rolls: `?`, doubt 6).
#[derive(Clone, Debug)]
pub struct RollingWindow {
    pub count: usize,
    pub period: Duration,
}

/// A burst of `capacity`, refilled at `per_second` (docs/dixa-api.md 2.1: 10 a second, burst 4, A,
/// D-std).
#[derive(Clone, Debug)]
pub struct TokenBucket {
    pub capacity: f64,
    pub per_second: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exports: RollingWindow {
                count: 10,
                period: Duration::from_mins(1),
            },
            main: TokenBucket {
                capacity: 4.0,
                per_second: 10.0,
            },
            refused_count: true,
        }
    }
}

impl Limits {
    /// No request is refused for its rate.
    pub fn none() -> Self {
        Self {
            exports: RollingWindow {
                count: usize::MAX,
                period: Duration::ZERO,
            },
            main: TokenBucket {
                capacity: f64::INFINITY,
                per_second: 0.0,
            },
            refused_count: true,
        }
    }
}

/// The requests so far, as far as the limits need them.
pub struct RateLimiter {
    limits: Limits,
    exports: VecDeque<Instant>,
    main: BucketLevel,
}

struct BucketLevel {
    left: f64,
    at: Instant,
}

impl RateLimiter {
    pub fn new(limits: Limits) -> Self {
        let main = BucketLevel {
            left: limits.main.capacity,
            at: Instant::now(),
        };
        Self {
            limits,
            exports: VecDeque::new(),
            main,
        }
    }

    /// Counts an export request; `Err` is the wait until the next is accepted.
    pub fn count_export(&mut self, now: Instant) -> Result<(), Duration> {
        let RollingWindow { count, period } = self.limits.exports;
        while self
            .exports
            .front()
            .is_some_and(|&first| now.duration_since(first) >= period)
        {
            self.exports.pop_front();
        }
        let full = self.exports.len() >= count;
        if !full || self.limits.refused_count {
            self.exports.push_back(now);
        }
        if !full {
            return Ok(());
        }
        let frees = self.exports.len().saturating_sub(count);
        Err(self.exports.get(frees).map_or(period, |&first| {
            period.saturating_sub(now.duration_since(first))
        }))
    }

    /// Takes back an export request that was refused for its parameters, where those do not count.
    pub fn uncount_export(&mut self) {
        if !self.limits.refused_count {
            self.exports.pop_back();
        }
    }

    /// Counts a main API request; `Err` is the wait until the next is accepted.
    pub fn count_main(&mut self, now: Instant) -> Result<(), Duration> {
        let TokenBucket {
            capacity,
            per_second,
        } = self.limits.main;
        let refilled = now.saturating_duration_since(self.main.at).as_secs_f64() * per_second;
        self.main = BucketLevel {
            left: capacity.min(self.main.left + refilled),
            at: now,
        };
        if self.main.left >= 1.0 {
            self.main.left -= 1.0;
            return Ok(());
        }
        Err(
            Duration::try_from_secs_f64((1.0 - self.main.left) / per_second)
                .unwrap_or(Duration::MAX),
        )
    }
}
