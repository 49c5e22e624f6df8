//! When the next request may be sent: one rate limiter per host, shared by all streams, first come, first served. The only file
//! that sleeps.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::Quota;
use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

/// Requests sent exactly at the rate may arrive closer together, and so exceed the limit by one per minute. Intervals are longer
/// by this factor.
const SAFETY_MARGIN: f64 = 1.02;
const MINUTE: Duration = Duration::from_secs(60);

/// How often requests may be sent to a host.
pub struct Limit {
    quota: Quota,
    /// The minimum time between a new connection and the next request.
    after_connecting: Duration,
    /// The requests allowed in the first minute of a run, one of which may be reserved for a check.
    first_minute: Option<u64>,
}

/// The Exports API: evenly spaced without bursts, since a check or another sync may have used up the
/// current minute (docs/dixa-api.md 1.4: 10 requests a minute).
pub fn exports_limit(requests_per_minute: u64) -> Limit {
    let interval = exports_interval(requests_per_minute);
    Limit {
        quota: spaced(interval),
        after_connecting: interval,
        first_minute: Some(requests_per_minute),
    }
}

/// The time between two requests to the Exports API.
pub fn exports_interval(requests_per_minute: u64) -> Duration {
    interval(MINUTE, requests_per_minute)
}

/// The main API: a token bucket of three, refilled at the rate (docs/dixa-api.md 2.1: 10 requests a
/// second, a burst of 4). The fourth is held in reserve, since a request on a slow connection
/// arrives together with the ones after it.
pub fn api_limit(requests_per_second: u64) -> Limit {
    let interval = interval(Duration::from_secs(1), requests_per_second);
    Limit {
        quota: spaced(interval).allow_burst(BURST),
        after_connecting: interval,
        first_minute: None,
    }
}

const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(2);

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate above 2^52 does not need to be exact"
)]
fn interval(period: Duration, requests: u64) -> Duration {
    period
        .mul_f64(SAFETY_MARGIN / requests.max(1) as f64)
        .max(Duration::from_nanos(1))
}

fn spaced(interval: Duration) -> Quota {
    Quota::with_period(interval)
        .unwrap_or_else(|| unreachable!("the interval is at least a nanosecond"))
}

/// Tokio's clock, which tests can pause. Its instants are the time since its creation.
#[derive(Clone)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

type Limiter = governor::RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>;

/// The connections to one host that are being established. A request is sent only when its connection is ready, which may be long
/// after its permit was acquired.
#[derive(Clone, Default)]
pub struct Connections(Arc<watch::Sender<Connects>>);

#[derive(Clone, Copy, Default)]
struct Connects {
    pending: usize,
    /// When the last attempt ended, successful or not.
    ended: Option<Instant>,
}

/// A connection that is being established. Dropped once it is ready or has failed.
pub struct Connecting(Connections);

impl Connections {
    /// Records that a connection is being established.
    pub fn begin(&self) -> Connecting {
        self.0.send_modify(|connects| connects.pending += 1);
        Connecting(self.clone())
    }

    /// Waits until no connection is being established. Returns when the last attempt ended, if there was one.
    async fn settled(&self) -> Option<Instant> {
        let mut connects = self.0.subscribe();
        let settled = connects.wait_for(|connects| connects.pending == 0).await;
        settled.ok().and_then(|connects| connects.ended)
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        self.0.0.send_modify(|connects| {
            connects.pending -= 1;
            connects.ended = Some(Instant::now());
        });
    }
}

/// The rate limiter of one host.
pub struct RateLimiter {
    /// The limiter does not order its waiters; the holder of this lock is next.
    queue: Mutex<()>,
    limiter: Limiter,
    clock: TokioClock,
    after_connecting: Duration,
    connections: Connections,
    /// The number of permits left before the one reserved for a check; `None` if none is reserved.
    before_check: Cell<Option<u64>>,
    first_minute: Option<u64>,
    paused_until: Cell<Option<Instant>>,
    /// Endpoints that are paused on their own.
    endpoints_paused_until: RefCell<HashMap<String, Instant>>,
}

impl RateLimiter {
    pub fn new(limit: &Limit) -> Self {
        let clock = TokioClock(Instant::now());
        let limiter = governor::RateLimiter::direct_with_clock(limit.quota, clock.clone());
        if limit.quota.burst_size().get() > 1 {
            // The bucket starts empty, so that consecutive runs do not exceed the rate.
            drop(limiter.check_n(limit.quota.burst_size()));
        }
        Self {
            queue: Mutex::new(()),
            limiter,
            clock,
            after_connecting: limit.after_connecting,
            connections: Connections::default(),
            before_check: Cell::new(None),
            first_minute: limit.first_minute,
            paused_until: Cell::new(None),
            endpoints_paused_until: RefCell::default(),
        }
    }

    /// The counter that every new connection to this host must use.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// Reserves one permit of the first minute for the request that a `check` sent just before this run.
    pub fn leave_one_for_check(&self) {
        let before = self.first_minute.map(|permits| permits.saturating_sub(1));
        self.before_check.set(before);
    }

    /// Waits until a request to this endpoint may be sent. `false` if the endpoint alone is paused: wait for
    /// [`Self::endpoint_ready`] and try again. Cancelling the wait uses up no permit.
    pub async fn acquire(&self, endpoint: &str) -> bool {
        let _first = self.queue.lock().await;
        if self.before_check.get() == Some(0) {
            if self.clock.now() < MINUTE && !self.next(endpoint).await {
                return false;
            }
            self.before_check.set(None);
        }
        let is_acquired = self.next(endpoint).await;
        if is_acquired {
            self.before_check
                .update(|before| before.map(|before| before - 1));
        }
        is_acquired
    }

    /// Waits for the next permit; `false` if the endpoint alone is paused.
    async fn next(&self, endpoint: &str) -> bool {
        loop {
            let connected = self.connections.settled().await;
            if self.pause_of(endpoint).is_some() {
                return false;
            }
            let spaced = connected.map(|at| at + self.after_connecting);
            let pause = self.paused_until.get().max(spaced).and_then(remaining);
            if let Some(pause) = pause {
                sleep(pause).await;
                continue;
            }
            match self.limiter.check() {
                Ok(()) => return true,
                Err(early) => sleep(early.wait_time_from(self.clock.now())).await,
            }
        }
    }

    /// Waits until the endpoint is no longer paused on its own.
    pub async fn endpoint_ready(&self, endpoint: &str) {
        while let Some(pause) = self.pause_of(endpoint) {
            sleep(pause).await;
        }
    }

    fn pause_of(&self, endpoint: &str) -> Option<Duration> {
        let until = self.endpoints_paused_until.borrow().get(endpoint).copied();
        until.and_then(remaining)
    }

    /// Pauses the whole host. If pauses overlap, the one that ends last counts.
    pub fn pause(&self, pause: Duration) {
        let until = Instant::now() + pause;
        self.paused_until
            .set(self.paused_until.get().max(Some(until)));
    }

    /// Pauses this endpoint. If pauses overlap, the one that ends last counts.
    pub fn pause_endpoint(&self, endpoint: &str, pause: Duration) {
        let until = Instant::now() + pause;
        let mut paused = self.endpoints_paused_until.borrow_mut();
        paused.retain(|_, until| remaining(*until).is_some());
        let known = paused.entry(endpoint.to_owned()).or_insert(until);
        *known = until.max(*known);
    }
}

/// The time until an instant; `None` if it has passed.
fn remaining(until: Instant) -> Option<Duration> {
    Some(until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
}

/// Sleeps on Tokio's clock.
#[expect(clippy::disallowed_methods, reason = "the one place that sleeps")]
pub async fn sleep(wait: Duration) {
    tokio::time::sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use proptest::prelude::*;

    /// When a client sends its requests if it is idle for these times and otherwise sends as soon as it may.
    fn sent(quota: Quota, idle: &[Duration]) -> Vec<Duration> {
        let clock = FakeRelativeClock::default();
        let limiter = governor::RateLimiter::direct_with_clock(quota, clock.clone());
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

    /// The maximum number of requests that arrive within any span of this length, if each is delayed by less than `late`.
    fn max_within(sent: &[Duration], span: Duration, late: Duration) -> usize {
        let count = |first: &Duration| {
            sent.iter()
                .filter(|at| **at >= *first && **at <= *first + span + late)
                .count()
        };
        sent.iter().map(count).max().unwrap_or(0)
    }

    proptest! {
        #[test]
        fn no_rolling_minute_holds_more_exports_than_the_rate(
            rate in 1_u64..120, idle in prop::collection::vec(0_u64..20_000, 1..200),
        ) {
            let idle: Vec<_> = idle.into_iter().map(Duration::from_millis).collect();
            let sent = sent(exports_limit(rate).quota, &idle);
            let late = Duration::from_secs(1);
            prop_assert!(max_within(&sent, Duration::from_secs(60), late) as u64 <= rate);
        }

        #[test]
        fn no_burst_is_larger_than_the_bucket(rate in 1_u64..100, idle in prop::collection::vec(0_u64..500, 1..200)) {
            let idle: Vec<_> = idle.into_iter().map(Duration::from_millis).collect();
            let sent = sent(api_limit(rate).quota, &idle);
            for span_ms in [10, 100, 1_000, 5_000] {
                let refilled = usize::try_from(rate * span_ms / 1_000).unwrap();
                prop_assert!(max_within(&sent, Duration::from_millis(span_ms), Duration::ZERO) <= 4 + refilled);
            }
        }
    }

    #[test]
    fn exports_are_at_most_a_fiftieth_slower_than_the_rate() {
        let sent = sent(exports_limit(10).quota, &[Duration::ZERO; 11]);
        assert_eq!(sent[10], Duration::from_millis(61_200));
    }

    #[tokio::test(start_paused = true)]
    async fn permits_are_granted_in_order_and_after_a_pause() {
        let limiter = RateLimiter::new(&exports_limit(60_000));
        limiter.pause(Duration::from_secs(60));
        let begin = Instant::now();
        let order = std::cell::RefCell::new(Vec::new());
        futures_util::future::join_all((0..5).map(|number| {
            let (limiter, order) = (&limiter, &order);
            async move {
                limiter.acquire("").await;
                order.borrow_mut().push(number);
            }
        }))
        .await;
        assert_eq!(order.into_inner(), [0, 1, 2, 3, 4]);
        assert!(begin.elapsed() >= Duration::from_secs(60));
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn no_permit_is_granted_while_a_connection_is_established_nor_right_after_it() {
        let limiter = RateLimiter::new(&exports_limit(10));
        let begin = Instant::now();
        assert!(limiter.acquire("").await);
        let connecting = limiter.connections().begin();
        let connect = async {
            sleep(SECOND * 15).await;
            drop(connecting);
        };
        let ((), is_acquired) = tokio::join!(connect, limiter.acquire(""));
        assert!(is_acquired);
        let late = begin.elapsed().as_secs_f64() - 21.12;
        assert!((0.0..0.01).contains(&late), "{late}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_paused_endpoint_does_not_delay_others() {
        let limiter = RateLimiter::new(&api_limit(10));
        limiter.pause_endpoint("slow", SECOND * 60);
        let begin = Instant::now();
        assert!(!limiter.acquire("slow").await);
        assert!(limiter.acquire("quick").await);
        assert!(begin.elapsed() < SECOND);
        limiter.endpoint_ready("slow").await;
        assert!(limiter.acquire("slow").await);
        assert!(begin.elapsed() >= SECOND * 60);
    }
}
