//! The simulator's only look at the wall clock, the `Date` header's form of it, and waits that a stop cuts short.
#![allow(
    clippy::disallowed_methods,
    reason = "the simulator is a world of its own and needs the time of day"
)]

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use chrono::DateTime;

/// Milliseconds since 1970, as the exports write time.
pub fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// The form of `Date` and of a dated `Retry-After`: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(ms: i64) -> String {
    instant(ms).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The form of most times of the main API (dixa-api.md 2.4): `2020-12-16T09:41:43Z`.
pub fn iso_date(ms: i64) -> String {
    instant(ms).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// With milliseconds: `2021-12-01T12:46:36.581Z`.
pub fn iso_date_ms(ms: i64) -> String {
    instant(ms).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Without a zone, as presence has it: `2021-12-01T12:46:35.935`.
pub fn local_date_ms(ms: i64) -> String {
    instant(ms).format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

fn instant(ms: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}

/// Tells every thread that the simulator ends.
#[derive(Default)]
pub struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub fn stop(&self) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    pub fn is_stopped(&self) -> bool {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for `pause`, or until the simulator ends.
    pub fn wait(&self, pause: Duration) {
        if pause.is_zero() {
            return;
        }
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.changed
                .wait_timeout_while(stopped, pause, |stopped| !*stopped)
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}
