//! When the next request may go: one pace a host, shared by all streams, first come first served. The only sleeper.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Requests sent exactly at the rate do arrive closer together than that, one too many to the minute; so we keep this
/// much more distance.
const DISTANCE: f64 = 1.02;

/// The Exports API: evenly spaced, no burst, since a check or another sync may have used the minute up
/// (dixa-api.md 1.4: 10 requests a minute).
pub fn exports_quota(requests_per_minute: u64) -> Quota {
    spaced(Duration::from_secs(60), requests_per_minute)
}

/// The main API: a bucket that is refilled at the rate (dixa-api.md 2.1: 10 requests a second, a burst of 4). We keep one
/// of the four in hand: requests of a burst that wait for their connections arrive together with the one after them.
pub fn api_quota(requests_per_second: u64) -> Quota {
    spaced(Duration::from_secs(1), requests_per_second)
        .allow_burst(NonZeroU32::MIN.saturating_add(2))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate of more than 2^52 needs no more digits"
)]
fn spaced(period: Duration, requests: u64) -> Quota {
    let distance = period
        .mul_f64(DISTANCE / requests.max(1) as f64)
        .max(Duration::from_nanos(1));
    Quota::with_period(distance)
        .unwrap_or_else(|| unreachable!("the distance is at least a nanosecond"))
}

/// The clock of the waits, which tests can turn by hand: the time since it was made.
#[derive(Clone)]
struct SinceThen(Instant);

impl Clock for SinceThen {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, SinceThen, NoOpMiddleware<Duration>>;

/// One host's turns.
pub struct Pace {
    /// The limiter serves its waiters in no order; who holds this is next.
    queue: Mutex<()>,
    limiter: Limiter,
    clock: SinceThen,
    paused_until: Cell<Option<Instant>>,
}

impl Pace {
    pub fn new(quota: Quota) -> Self {
        let clock = SinceThen(Instant::now());
        Self {
            queue: Mutex::new(()),
            limiter: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            paused_until: Cell::new(None),
        }
    }

    /// Waits for a turn. A turn that is waited for and dropped is nobody's loss.
    pub async fn turn(&self) {
        let _first = self.queue.lock().await;
        loop {
            let pause = self
                .paused_until
                .get()
                .map(|until| until.saturating_duration_since(Instant::now()));
            if let Some(pause) = pause.filter(|pause| !pause.is_zero()) {
                rest(pause).await;
                continue;
            }
            match self.limiter.check() {
                Ok(()) => return,
                Err(early) => rest(early.wait_time_from(self.clock.now())).await,
            }
        }
    }

    /// No turn for anybody for so long; the longest of several pauses counts.
    pub fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        self.paused_until
            .set(self.paused_until.get().max(Some(until)));
    }
}

/// Sleeps.
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub async fn rest(wait: Duration) {
    tokio::time::sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    /// The instants at which a client sends that asks at once whenever it may, after idle times as given.
    fn sent(quota: Quota, idle: &[Duration]) -> Vec<Duration> {
        let clock = FakeRelativeClock::default();
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        let mut now = Duration::ZERO;
        let mut sent = Vec::new();
        for idle in idle {
            clock.advance(*idle);
            now += *idle;
            while let Err(early) = limiter.check() {
                let wait = early.wait_time_from(clock.now());
                clock.advance(wait);
                now += wait;
            }
            sent.push(now);
        }
        sent
    }

    /// The most requests that arrive within any span of this length, each late by less than `late`.
    fn most_within(sent: &[Duration], span: Duration, late: Duration) -> usize {
        let crowd = |first: &Duration| {
            sent.iter()
                .filter(|at| **at >= *first && **at <= *first + span + late)
                .count()
        };
        sent.iter().map(crowd).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_rolling_minute_holds_more_exports_than_the_rate(
            rate in 1_u64..120, idle in prop::collection::vec(0_u64..20_000, 1..200),
        ) {
            let idle: Vec<_> = idle.into_iter().map(Duration::from_millis).collect();
            let sent = sent(exports_quota(rate), &idle);
            let late = Duration::from_secs(1);
            prop_assert!(most_within(&sent, Duration::from_secs(60), late) as u64 <= rate);
        }

        #[test]
        fn no_burst_is_larger_than_the_bucket(rate in 1_u64..100, idle in prop::collection::vec(0_u64..500, 1..200)) {
            let idle: Vec<_> = idle.into_iter().map(Duration::from_millis).collect();
            let sent = sent(api_quota(rate), &idle);
            for span_ms in [10, 100, 1_000, 5_000] {
                let refilled = usize::try_from(rate * span_ms / 1_000).unwrap();
                prop_assert!(most_within(&sent, Duration::from_millis(span_ms), Duration::ZERO) <= 4 + refilled);
            }
        }
    }

    #[test]
    fn an_export_a_minute_is_at_most_a_fiftieth_slower_than_the_rate() {
        let sent = sent(exports_quota(10), &[Duration::ZERO; 11]);
        assert_eq!(sent[10], Duration::from_millis(61_200));
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_in_the_order_of_asking_and_after_a_pause() {
        let pace = Pace::new(exports_quota(60_000));
        pace.pause(Duration::from_secs(60));
        let begin = Instant::now();
        let order = std::cell::RefCell::new(Vec::new());
        futures_util::future::join_all((0..5).map(|number| {
            let (pace, order) = (&pace, &order);
            async move {
                pace.turn().await;
                order.borrow_mut().push(number);
            }
        }))
        .await;
        assert_eq!(order.into_inner(), [0, 1, 2, 3, 4]);
        assert!(begin.elapsed() >= Duration::from_secs(60));
    }
}
