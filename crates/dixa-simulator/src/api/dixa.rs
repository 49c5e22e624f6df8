//! Everything that the rules depend on: the account, the switches, and what was requested so far.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::rate::RateLimiter;
use super::scenario::Scenario;
use super::switches::Switches;
use crate::data::account::Account;

/// The simulated Dixa without a network.
pub struct Dixa {
    /// The base URL of both hosts, for absolute links.
    pub base_url: String,
    pub token: String,
    pub switches: Switches,
    account: Mutex<Account>,
    rate_limiter: Mutex<RateLimiter>,
    exports_answered: AtomicU64,
    analytics_answered: AtomicU64,
}

impl Dixa {
    pub fn new(scenario: Scenario, base_url: String) -> Self {
        Self {
            base_url,
            token: scenario.token,
            switches: scenario.switches,
            account: Mutex::new(scenario.account),
            rate_limiter: Mutex::new(RateLimiter::new(scenario.limits)),
            exports_answered: AtomicU64::new(0),
            analytics_answered: AtomicU64::new(0),
        }
    }

    /// The number of the export that is being answered.
    pub fn next_export_number(&self) -> u64 {
        self.exports_answered.fetch_add(1, Ordering::Relaxed)
    }

    /// The number of the request for analytics that is being answered.
    pub fn next_analytics_number(&self) -> u64 {
        self.analytics_answered.fetch_add(1, Ordering::Relaxed)
    }

    pub fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn rate_limiter(&self) -> MutexGuard<'_, RateLimiter> {
        let limiter = self.rate_limiter.lock();
        limiter.unwrap_or_else(PoisonError::into_inner)
    }
}
