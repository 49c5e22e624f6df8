//! How many requests to a host may be in flight at once: one after a failure, and more again as the host recovers.

use std::cell::Cell;

use tokio::sync::Notify;

/// The maximum number of requests in flight at once: at one host, of a windowed stream (how many windows it is ahead), and of the
/// children of a list.
pub const MAX_IN_FLIGHT: usize = 10;

/// The concurrency limit of one host. A time-out, a 5xx or a truncated body reduces it to one; each complete response raises it
/// by one.
pub struct ConcurrencyLimit {
    limit: Cell<usize>,
    in_flight: Cell<usize>,
    freed: Notify,
}

/// Permission for one request, released when dropped.
pub struct Permit<'a>(&'a ConcurrencyLimit);

impl Default for ConcurrencyLimit {
    fn default() -> Self {
        Self {
            limit: Cell::new(MAX_IN_FLIGHT),
            in_flight: Cell::new(0),
            freed: Notify::new(),
        }
    }
}

impl ConcurrencyLimit {
    /// Waits for a permit.
    pub async fn acquire(&self) -> Permit<'_> {
        while self.in_flight.get() >= self.limit.get() {
            self.freed.notified().await;
        }
        self.in_flight.update(|in_flight| in_flight + 1);
        Permit(self)
    }

    /// The current limit.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Raises the limit by one, after a complete response.
    pub fn increase(&self) {
        self.limit.update(|limit| MAX_IN_FLIGHT.min(limit + 1));
        self.freed.notify_one();
    }

    /// Lowers the limit to one, after a failure. Requests in flight continue.
    pub fn collapse(&self) {
        self.limit.set(1);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.in_flight.update(|in_flight| in_flight - 1);
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// The number of permits available without waiting.
    fn available(limit: &ConcurrencyLimit) -> usize {
        let mut permits = Vec::new();
        while let Some(permit) = limit.acquire().now_or_never() {
            permits.push(permit);
        }
        permits.len()
    }

    #[test]
    fn a_failure_leaves_one_permit_and_each_complete_response_adds_one() {
        let limit = ConcurrencyLimit::default();
        assert_eq!(available(&limit), MAX_IN_FLIGHT);
        limit.collapse();
        assert_eq!(available(&limit), 1);
        for expected in 2..=MAX_IN_FLIGHT {
            limit.increase();
            assert_eq!(available(&limit), expected);
        }
        limit.increase();
        assert_eq!(available(&limit), MAX_IN_FLIGHT);
    }

    #[tokio::test]
    async fn no_request_waits_while_a_permit_is_free() {
        let limit = ConcurrencyLimit::default();
        limit.collapse();
        let served = Cell::new(0);
        let first = limit.acquire().await;
        let waiters = futures_util::future::join_all((0..5).map(|_| async {
            let _permit = limit.acquire().await;
            tokio::task::yield_now().await;
            served.update(|served| served + 1);
        }));
        let release = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        tokio::join!(waiters, release);
        assert_eq!(served.get(), 5);
    }
}
